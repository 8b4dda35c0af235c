import type { AttestationSource } from '../../core/attestation.ts'
import { type Instant, instant } from '../../core/ids.ts'
import { demand } from './attestation-refusal.ts'
import { type CborMap, type CborValue, parseCbor } from './cbor.ts'

/** An attestation document whose form is right: claims, until its signature and chain are verified. */
export interface AttestationDocument {
  readonly source: AttestationSource
  readonly moduleId: string
  readonly timestamp: Instant
  /** By index, in lower-case hex. */
  readonly pcrs: ReadonlyMap<number, string>
  /** DER. */
  readonly certificate: Uint8Array
  /** DER, the root first. */
  readonly caBundle: readonly Uint8Array[]
  /** DER SubjectPublicKeyInfo, where the enclave gave one. */
  readonly publicKey: Uint8Array | undefined
}

/** **Source:** AWS, Nitro Enclaves attestation process, section 2.2 and 3.2.2; EC2 User Guide, NitroTPM. */
const CERTIFICATE_BYTES_MAX = 1024
const PCR_INDEX_MAX = 31
const PCR_BYTES: readonly number[] = [32, 48, 64]
const OPTIONAL_BYTES_MAX = 1024
/** AWS's chains have four above the leaf. */
const CA_BUNDLE_MAX = 10
/** AWS names none; its ids have some 40. Unit: UTF-16 code units. */
const MODULE_ID_MAX = 256

const ENCLAVE_PCRS = 'pcrs'
const TPM_PCRS = 'nitrotpm_pcrs'
const MEMBERS: ReadonlySet<unknown> = new Set([
  'module_id',
  'digest',
  'timestamp',
  ENCLAVE_PCRS,
  TPM_PCRS,
  'certificate',
  'cabundle',
  'public_key',
  'user_data',
  'nonce',
])

/** Reads the payload of a signed document. @throws {AttestationRefusal} */
export function parseAttestationDocument(payload: Uint8Array): AttestationDocument {
  const members = parseCbor(payload)
  demand(members instanceof Map, 'its payload is not well-formed CBOR')
  for (const name of members.keys()) demand(MEMBERS.has(name), 'it has an unknown member')
  demand(members.get('digest') === 'SHA384', 'its digest is not SHA384')
  const source: AttestationSource = members.has(TPM_PCRS) ? 'NitroTPM' : 'NitroEnclave'
  demand(!(members.has(TPM_PCRS) && members.has(ENCLAVE_PCRS)), 'it is of an enclave and of a TPM')
  assertOptional(members, 'user_data', 0)
  assertOptional(members, 'nonce', 0)
  return {
    source,
    moduleId: moduleIdOf(members),
    timestamp: timestampOf(members),
    pcrs: pcrsOf(members.get(source === 'NitroTPM' ? TPM_PCRS : ENCLAVE_PCRS)),
    certificate: certificateOf(members.get('certificate')),
    caBundle: caBundleOf(members),
    publicKey: assertOptional(members, 'public_key', 1),
  }
}

function moduleIdOf(members: CborMap): string {
  const moduleId = members.get('module_id')
  demand(
    typeof moduleId === 'string' && moduleId !== '' && moduleId.length <= MODULE_ID_MAX,
    'its module_id is missing or malformed',
  )
  return moduleId
}

function timestampOf(members: CborMap): Instant {
  const timestamp = members.get('timestamp')
  demand(typeof timestamp === 'number' && timestamp > 0, 'its timestamp is missing or malformed')
  return instant(timestamp)
}

function pcrsOf(registers: CborValue | undefined): ReadonlyMap<number, string> {
  demand(
    registers instanceof Map && registers.size > 0,
    'its platform configuration registers are missing or malformed',
  )
  const pcrs = new Map<number, string>()
  for (const [index, value] of registers) {
    demand(
      typeof index === 'number' && index >= 0 && index <= PCR_INDEX_MAX,
      'a platform configuration register has a wrong index',
    )
    demand(
      value instanceof Uint8Array && PCR_BYTES.includes(value.length),
      'a platform configuration register has a wrong length',
    )
    pcrs.set(index, Buffer.from(value).toString('hex'))
  }
  return pcrs
}

function certificateOf(value: CborValue | undefined): Uint8Array {
  demand(
    value instanceof Uint8Array && value.length >= 1 && value.length <= CERTIFICATE_BYTES_MAX,
    'a certificate is missing or malformed',
  )
  return value
}

function caBundleOf(members: CborMap): readonly Uint8Array[] {
  const bundle: CborValue | undefined = members.get('cabundle')
  demand(
    Array.isArray(bundle) && bundle.length >= 1 && bundle.length <= CA_BUNDLE_MAX,
    'its cabundle is missing or malformed',
  )
  return bundle.map(certificateOf)
}

/** Absent and null are the same: documents have null where the enclave gave nothing. */
function assertOptional(members: CborMap, name: string, bytesMin: number): Uint8Array | undefined {
  const value = members.get(name)
  if (value === undefined || value === null) return undefined
  demand(
    value instanceof Uint8Array && value.length >= bytesMin && value.length <= OPTIONAL_BYTES_MAX,
    `its ${name} is malformed`,
  )
  return value
}
