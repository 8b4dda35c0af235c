import type { Permission } from '../../../authz/permission.ts'
import { assert } from '../../../core/assert.ts'
import type { AttestationFacts } from '../../../core/attestation.ts'
import { Secret } from '../../../core/secret.ts'
import type { VerifiedAttestation } from '../../../crypto/attestation/attestation-verifier.ts'
import { encryptToRecipient } from '../../../crypto/attestation/enveloped-data.ts'
import type { JsonObject, Operation, Scope } from '../../../pipeline/operation.ts'
import { validationError } from '../keys/key-errors.ts'
import type { KmsScope } from '../kms-operation.ts'
import type { Inputs, OperationName, Outputs, RecipientInfo } from '../model.ts'

/** Operations whose input has `Recipient`. */
type RecipientOperation = {
  [Name in OperationName]: 'Recipient' extends keyof Inputs[Name] ? Name : never
}[OperationName]

/** What a reply to an attested machine has not: the secret, which goes encrypted, and perhaps more. */
interface Sealing {
  readonly secret: string
  readonly omitted?: string
}

/**
 * An operation of the service model that is missing here does not compile.
 * Source: AWS KMS API Reference, the response elements of each operation.
 */
const SEALINGS: ReadonlyMap<string, Sealing> = new Map<string, Sealing>(
  Object.entries({
    Decrypt: { secret: 'Plaintext', omitted: 'KeyMaterialId' },
    DeriveSharedSecret: { secret: 'SharedSecret' },
    GenerateDataKey: { secret: 'Plaintext', omitted: 'KeyMaterialId' },
    GenerateDataKeyPair: { secret: 'PrivateKeyPlaintext' },
    GenerateRandom: { secret: 'Plaintext' },
  } satisfies {
    readonly [Name in RecipientOperation]: {
      readonly secret: keyof Outputs[Name]
      readonly omitted?: keyof Outputs[Name]
    }
  }),
)

/** One request's verified document, and the reply as it was before it was sealed, without its secret. */
interface Attested extends VerifiedAttestation {
  bareOutput?: object
}

/**
 * Lets an operation that knows `Recipient` answer attested machines, and every other one as it is. The
 * document is verified before anything else is looked for, because what it says may decide the
 * authorization; the secret of the reply is encrypted to the key in the document and is nowhere else.
 * Source: AWS KMS Developer Guide, Cryptographic attestation support.
 */
export function withRecipient<Input, Output, Target, Prepared>(
  operation: Operation<Input, Output, Target, Prepared>,
): Operation<Input, Output, Target, Prepared> {
  const sealing = SEALINGS.get(operation.name)
  if (sealing === undefined) return operation
  // By the input, which is one object for as long as its request lasts, and gone with it.
  const attestations = new WeakMap<WeakKey, Attested>()
  const attestedOf = (input: Input): Attested | undefined =>
    recipientOf(input) && attestations.get(input as WeakKey)
  return {
    ...operation,
    check(input, call) {
      operation.check(input, call)
      const recipient = recipientOf(input)
      if (recipient !== undefined) checkRecipient(recipient)
    },
    // Not async, like `handle`: nearly every request has no recipient and should not pay for it.
    prepare(input, scope) {
      const recipient = recipientOf(input)
      if (recipient === undefined) return operation.prepare(input, scope)
      return verified(recipient, scope).then((attestation) => {
        // An input with members is an object.
        attestations.set(input as WeakKey, attestation)
        return operation.prepare(input, scope)
      })
    },
    permissions(input, target, scope) {
      const permissions = operation.permissions(input, target, scope)
      const attested = attestedOf(input)
      return attested === undefined ? permissions : attest(permissions, attested.facts)
    },
    handle(input, target, scope, prepared) {
      if (recipientOf(input) === undefined) {
        return operation.handle(input, target, scope, prepared)
      }
      const attested = attestedOf(input)
      // A request for an encrypted reply must never be answered with a bare one.
      assert(attested !== undefined, 'whoever has a recipient was attested')
      return Promise.resolve(operation.handle(input, target, scope, prepared)).then((output) =>
        seal(output, sealing, attested, scope),
      )
    },
    audit(input, target, output) {
      const attested = attestedOf(input)
      if (attested === undefined || output === undefined) {
        return operation.audit(input, target, output)
      }
      // The same operation's own output, but for its secret, which no record has.
      const detail = operation.audit(input, target, (attested.bareOutput ?? output) as Output)
      const recipient = auditRecipient(attested.facts)
      return { ...detail, additionalEventData: { ...detail.additionalEventData, recipient } }
    },
  }
}

function recipientOf(input: unknown): RecipientInfo | undefined {
  // Inputs of the operations in SEALINGS, which have passed the shape check.
  return (input as { readonly Recipient?: RecipientInfo }).Recipient
}

function checkRecipient({ AttestationDocument, KeyEncryptionAlgorithm }: RecipientInfo): void {
  if (AttestationDocument === undefined || KeyEncryptionAlgorithm === undefined) {
    throw validationError(
      'The Recipient parameter must have AttestationDocument and KeyEncryptionAlgorithm.',
    )
  }
}

async function verified(recipient: RecipientInfo, scope: Scope): Promise<VerifiedAttestation> {
  // The scope of a KMS operation: `openScope` in kms.ts makes no other.
  const { attestation, call } = scope as KmsScope
  const { AttestationDocument: document } = recipient
  assert(document !== undefined, 'a recipient without a document was refused')
  const outcome = await attestation.verify(document, call.time)
  if (!outcome.ok) {
    throw validationError(`The attestation document is not valid: ${outcome.problem}.`)
  }
  return outcome
}

function* attest(
  permissions: Iterable<Permission>,
  attestation: AttestationFacts,
): Iterable<Permission> {
  for (const permission of permissions) yield { ...permission, attestation }
}

/** The reply with its secret encrypted; the secret itself ends here. */
function seal<Output>(
  output: Output,
  { secret: secretName, omitted }: Sealing,
  attested: Attested,
  { random }: Scope,
): Output {
  // A reply is a structure of the service model: members by name.
  const { [secretName]: secret, ...bare } = output as Record<string, unknown>
  assert(secret instanceof Secret, `the reply has a ${secretName}`)
  using opened = secret
  attested.bareOutput = bare
  const sealed: Record<string, unknown> = { ...bare }
  if (omitted !== undefined) delete sealed[omitted]
  sealed['CiphertextForRecipient'] = encryptToRecipient(attested.recipientKey, opened, random)
  // All members of a reply are optional, and every operation in SEALINGS has this one.
  return sealed as Output
}

/** The registers that CloudTrail records of an enclave beside PCR0. Source: AWS KMS Developer Guide, Monitoring requests for Nitro enclaves. */
const RECORDED_ENCLAVE_PCRS = [1, 2, 3, 4, 8]
/** Source: AWS KMS Developer Guide, Monitoring requests for NitroTPM. */
const RECORDED_TPM_PCRS = [4, 7, 8, 9, 16, 23]

/** What a record says of the document. Registers are base64, as in recorded events of AWS. */
function auditRecipient({ source, moduleId, pcrs }: AttestationFacts): JsonObject {
  const registers =
    source === 'NitroTPM'
      ? RECORDED_TPM_PCRS.map((index) => [`attestationDocumentNitroTPMPCR${index}`, index] as const)
      : [
          ['attestationDocumentEnclaveImageDigest', 0] as const,
          ...RECORDED_ENCLAVE_PCRS.map(
            (index) => [`attestationDocumentEnclavePCR${index}`, index] as const,
          ),
        ]
  const recorded = registers.flatMap(([name, index]) => {
    const value = pcrs.get(index)
    return value === undefined ? [] : [[name, Buffer.from(value, 'hex').toString('base64')]]
  })
  return { attestationDocumentModuleId: moduleId, ...Object.fromEntries(recorded) }
}
