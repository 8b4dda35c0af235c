import { generateKeyPairSync, KeyObject, sign, webcrypto } from 'node:crypto'
import { loadX509 } from '../../src/server/tls/tls-x509.ts'

const { subtle } = webcrypto
const HOUR_MS = 3_600_000
const P384 = { name: 'ECDSA', namedCurve: 'P-384' } as const
const ECDSA_SHA384 = { name: 'ECDSA', hash: 'SHA-384' } as const

/** What a test may change of one certificate of a chain that would be a proper one. */
export interface CertificateChange {
  readonly isAuthority?: boolean
  readonly pathLength?: number | undefined
  readonly usage?: 'digitalSignature' | 'keyCertSign' | 'keyEncipherment'
  readonly notBefore?: number
  readonly notAfter?: number
  /** The object identifier of one more extension. */
  readonly extension?: { readonly id: string; readonly isCritical: boolean }
  readonly curve?: 'P-256' | 'P-384'
  readonly hash?: 'SHA-256' | 'SHA-384'
}

/** The certificates below the root, by their places. */
export interface ChainChange {
  readonly root?: CertificateChange
  readonly regional?: CertificateChange
  readonly instance?: CertificateChange
  readonly leaf?: CertificateChange
}

/** A certificate of a test's own authority, with its key. */
interface Issued {
  readonly der: Uint8Array
  readonly subject: string
  readonly keys: webcrypto.CryptoKeyPair
}

/** What certificates hold beside names and keys, unless a test says otherwise. */
type Profile = CertificateChange & { readonly name: string }

let serial = 0

/** Makes a certificate: its own root where no issuer is given. */
async function issue(profile: Profile, issuer: Issued | undefined, now: number): Promise<Issued> {
  const x509 = await loadX509()
  const keys = await subtle.generateKey({ ...P384, namedCurve: profile.curve ?? 'P-384' }, true, [
    'sign',
    'verify',
  ])
  const subject = `CN=${profile.name}.test.nitro-enclaves,OU=Tests`
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: (++serial).toString(16).padStart(4, '0'),
    subject,
    issuer: issuer?.subject ?? subject,
    notBefore: new Date(profile.notBefore ?? now - HOUR_MS),
    notAfter: new Date(profile.notAfter ?? now + HOUR_MS),
    signingAlgorithm: { ...ECDSA_SHA384, hash: profile.hash ?? 'SHA-384' },
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(profile.isAuthority ?? true, profile.pathLength, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags[profile.usage ?? 'keyCertSign'], true),
      ...(profile.extension === undefined
        ? []
        : [
            new x509.Extension(
              profile.extension.id,
              profile.extension.isCritical,
              Uint8Array.of(5, 0),
            ),
          ]),
    ],
  })
  return { der: new Uint8Array(certificate.rawData), subject, keys }
}

/** A data item that a test encodes. Maps are lists of pairs, so that a test can repeat a key. */
export type Item = number | bigint | string | Uint8Array | null | readonly Item[] | MapItem
/** Encoded as it is. */
export class MapItem {
  readonly pairs: readonly (readonly [Item, Item])[]
  readonly isIndefinite: boolean

  constructor(pairs: readonly (readonly [Item, Item])[], isIndefinite = false) {
    this.pairs = pairs
    this.isIndefinite = isIndefinite
  }
}

/** The head of a data item in its shortest form. **Source:** RFC 8949, section 3. */
export function cborHead(major: number, value: number | bigint): Buffer {
  const wide = BigInt(value)
  const first = major << 5
  if (wide < 24n) return Buffer.from([first | Number(wide)])
  const size = [1, 2, 4, 8].find((bytes) => wide < 1n << BigInt(bytes * 8)) ?? 8
  const argument = wide.toString(16).padStart(size * 2, '0')
  return Buffer.from([first | (24 + Math.log2(size)), ...Buffer.from(argument, 'hex')])
}

/** Encodes a data item. Written for the tests alone, apart from the server's reader. */
export function encodeCbor(item: Item): Buffer {
  if (item === null) return Buffer.of(0xf6)
  if (typeof item === 'string') {
    return Buffer.concat([cborHead(3, Buffer.byteLength(item)), Buffer.from(item)])
  }
  if (typeof item === 'number' || typeof item === 'bigint') {
    return item < 0 ? cborHead(1, -1n - BigInt(item)) : cborHead(0, item)
  }
  if (item instanceof Uint8Array) return Buffer.concat([cborHead(2, item.length), item])
  if (item instanceof MapItem) {
    const members = item.pairs.flatMap(([key, value]) => [encodeCbor(key), encodeCbor(value)])
    return item.isIndefinite
      ? Buffer.concat([Buffer.of(0xbf), ...members, Buffer.of(0xff)])
      : Buffer.concat([cborHead(5, item.pairs.length), ...members])
  }
  return Buffer.concat([cborHead(4, item.length), ...item.map(encodeCbor)])
}

/** What a test may change of a document that would be a valid one. */
export interface DocumentChange {
  /** Members of the payload by name; undefined leaves one out. */
  readonly members?: Readonly<Record<string, Item | undefined>>
  readonly isTpm?: boolean
  readonly isIndefinite?: boolean
  readonly isTagged?: boolean
  readonly protectedHeader?: Item | Uint8Array
  readonly unprotectedHeader?: Item
  /** Replaces the payload after the signature was made. */
  readonly alterPayload?: (payload: Buffer) => Buffer
  readonly alterSignature?: (signature: Buffer) => Buffer
  /** Signs as somebody else. */
  readonly signer?: KeyObject
}

/** A register with one byte repeated. */
export const register = (byte: number): Uint8Array => new Uint8Array(48).fill(byte)

/** An authority as AWS's, with an enclave below it. */
export interface TestEnclave {
  /** The root in PEM, to be trusted. */
  readonly rootPem: string
  /** The root first. */
  readonly caBundle: readonly Uint8Array[]
  readonly certificate: Uint8Array
  /** The RSA key of the enclave's program. */
  readonly privateKey: KeyObject
  readonly publicKey: Uint8Array
  /** A document of the time `at`, in milliseconds. */
  document(at: number, change?: DocumentChange): Uint8Array
}

const toPem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`

/**
 * Makes a chain of root, regional, zonal and instance authority, and an enclave's own certificate.
 * @param now unit: milliseconds; all certificates are valid an hour before and after it
 */
export async function createTestEnclave(
  now: number,
  change: ChainChange = {},
): Promise<TestEnclave> {
  const root = await issue({ name: 'root', ...change.root }, undefined, now)
  const regional = await issue({ name: 'regional', pathLength: 2, ...change.regional }, root, now)
  const zonal = await issue({ name: 'zonal', pathLength: 1 }, regional, now)
  const instance = await issue({ name: 'instance', pathLength: 0, ...change.instance }, zonal, now)
  const leaf = await issue(
    { name: 'enclave', isAuthority: false, usage: 'digitalSignature', ...change.leaf },
    instance,
    now,
  )
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicKey = new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' }))
  const caBundle = [root, regional, zonal, instance].map(({ der }) => der)
  const signer = KeyObject.from(leaf.keys.privateKey)
  const enclave = { caBundle, certificate: leaf.der, publicKey }
  return {
    ...enclave,
    rootPem: toPem(root.der),
    privateKey: rsa.privateKey,
    document: (at, documentChange = {}) => makeDocument(enclave, signer, at, documentChange),
  }
}

function makeDocument(
  enclave: Pick<TestEnclave, 'caBundle' | 'certificate' | 'publicKey'>,
  ownSigner: KeyObject,
  at: number,
  change: DocumentChange,
): Uint8Array {
  const registers = new MapItem([0, 1, 2, 3, 4, 8].map((index) => [index, register(index + 1)]))
  const members: Record<string, Item | undefined> = {
    module_id: change.isTpm
      ? 'i-0123456789abcdef0-tpm0000000000000000'
      : 'i-0123456789abcdef0-enc0123456789abcdef',
    digest: 'SHA384',
    timestamp: at,
    [change.isTpm ? 'nitrotpm_pcrs' : 'pcrs']: registers,
    certificate: enclave.certificate,
    cabundle: enclave.caBundle,
    public_key: enclave.publicKey,
    user_data: null,
    nonce: null,
    ...change.members,
  }
  const pairs = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const payload = encodeCbor(new MapItem(pairs, change.isIndefinite))
  const header = change.protectedHeader ?? new MapItem([[1, -35]])
  const protectedHeader = header instanceof Uint8Array ? header : encodeCbor(header)
  const covered = encodeCbor(['Signature1', protectedHeader, new Uint8Array(0), payload])
  const key = { key: change.signer ?? ownSigner, dsaEncoding: 'ieee-p1363' } as const
  const signature = sign('sha384', covered, key)
  const message = encodeCbor([
    protectedHeader,
    change.unprotectedHeader ?? new MapItem([]),
    change.alterPayload?.(payload) ?? payload,
    change.alterSignature?.(signature) ?? signature,
  ])
  return new Uint8Array(change.isTagged ? Buffer.concat([Buffer.of(0xd2), message]) : message)
}
