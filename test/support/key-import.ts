import assert from 'node:assert/strict'
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import type { JsonObject } from './memory-node.ts'
import { blob, succeeded, textOf, type WireClient } from './wire-client.ts'

/** How a test wraps key material and what it says about it. */
export interface ImportChange {
  readonly algorithm?: string
  readonly keySpec?: string
  /** Further members of ImportKeyMaterial, in place of the usual ones. */
  readonly members?: JsonObject
}

/** An imported key never expires unless a test says so. */
const NEVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }

/**
 * Wraps as a customer does, with OpenSSL alone and apart from the server's code.
 * **Source:** RFC 8017, section 7.1; RFC 5649; AWS KMS Developer Guide, Import key material, step 3.
 */
export function wrapMaterial(publicKey: Buffer, algorithm: string, material: Uint8Array): Buffer {
  const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' })
  const oaepHash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256'
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }
  if (!algorithm.startsWith('RSA_AES')) return publicEncrypt(oaep, material)
  const aesKey = randomBytes(32)
  const wrap = createCipheriv('id-aes256-wrap-pad', aesKey, Buffer.from('a65959a6', 'hex'))
  return Buffer.concat([publicEncrypt(oaep, aesKey), wrap.update(material), wrap.final()])
}

/** The public key and token of one GetParametersForImport. */
export interface Parameters {
  readonly publicKey: Buffer
  readonly token: string
  readonly algorithm: string
}

export async function importParameters(
  kms: WireClient,
  KeyId: string,
  { algorithm = 'RSAES_OAEP_SHA_256', keySpec = 'RSA_2048' }: ImportChange = {},
): Promise<Parameters> {
  const input = { KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: keySpec }
  const reply = succeeded(await kms.kms('GetParametersForImport', input))
  const publicKey = Buffer.from(textOf(reply, 'PublicKey'), 'base64')
  return { publicKey, token: textOf(reply, 'ImportToken'), algorithm }
}

/** ImportKeyMaterial with parameters that are at hand. */
export const importWith = (
  kms: WireClient,
  KeyId: string,
  { publicKey, token, algorithm }: Parameters,
  material: Uint8Array,
  members: JsonObject = NEVER,
): ReturnType<WireClient['kms']> =>
  kms.kms('ImportKeyMaterial', {
    KeyId,
    ImportToken: token,
    EncryptedKeyMaterial: blob(wrapMaterial(publicKey, algorithm, material)),
    ...members,
  })

/** Imports material the whole way. */
export async function importMaterial(
  kms: WireClient,
  keyId: string,
  material: Uint8Array,
  change: ImportChange = {},
): ReturnType<WireClient['kms']> {
  const parameters = await importParameters(kms, keyId, change)
  return importWith(kms, keyId, parameters, material, change.members)
}

/** As docs/formats/ciphertext-v1.md has it: the id of some material in a key. */
export function materialIdOf(keyId: string, material: Uint8Array): string {
  const fields = ['strongroom key material id v1', keyId]
  const mac = createHmac('sha256', material).update(u32(fields.length))
  for (const field of fields) mac.update(u32(field.length)).update(field)
  return mac.digest('hex')
}

const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex')
const HEADER_BYTES = 46
const TAG_BYTES = 16

/**
 * Opens a ciphertext that has no encryption context with nothing but key material: proof that this
 * material, and no other, is what the service encrypted with.
 * **Source:** docs/formats/ciphertext-v1.md.
 */
export function decryptWith(material: Uint8Array, ciphertext: string): string {
  const bytes = Buffer.from(ciphertext, 'base64')
  const header = bytes.subarray(0, HEADER_BYTES)
  assert.equal(header.subarray(0, 4).toString('hex'), '01020200')
  const derived = createHmac('sha512', material)
    .update(u32(1))
    .update('strongroom ciphertext v1')
    .update(Uint8Array.of(0))
    .update(header)
    .update(u32(352))
    .digest()
  const decipher = createDecipheriv(
    'aes-256-gcm',
    derived.subarray(0, 32),
    derived.subarray(32, 44),
    { authTagLength: TAG_BYTES },
  )
  decipher.setAAD(Buffer.concat([header, u32(0)]))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const body = bytes.subarray(HEADER_BYTES, -TAG_BYTES)
  return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
}
