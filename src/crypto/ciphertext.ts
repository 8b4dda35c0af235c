import type { KeyObject } from 'node:crypto'
import { assert } from '../core/assert.ts'
import type { KeyId, KeyMaterialId } from '../core/ids.ts'
import { parseKeyId } from '../core/ids.ts'
import type { CiphertextKind, EncryptionContext, ParsedCiphertext } from '../core/key-store.ts'
import type { Secret } from '../core/secret.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import { createOneTimeCipher, NONCE_BYTES, TAG_BYTES } from './one-time-cipher.ts'

/** Encrypts and decrypts messages under one backing key. Cache it with the key: it saves making the header. */
export interface MessageCipher {
  /** `nonce` is 16 fresh random bytes. `plaintext` is borrowed, at most 8,192 bytes. */
  encrypt(plaintext: Secret, context: EncryptionContext, nonce: Uint8Array): Uint8Array
  /** Undefined for every kind of failure: wrong context, altered, truncated, of another key. */
  decrypt(ciphertext: ParsedCiphertext, context: EncryptionContext): Secret | undefined
}

/** Clients tell a KMS ciphertext by base64 `AQIC`. */
const FORMAT = Uint8Array.of(1, 2, 2, 0)
const KINDS: readonly (CiphertextKind | undefined)[] = [undefined, 'software', 'hsm', 'external']
const KIND_SOFTWARE = 1
const KIND_AT = 4
const FORM_AT = 5
const FORM_UUID = 0
const FORM_MRK = 1
const KEY_ID_AT = 6
const MATERIAL_ID_AT = 22
const PREFIX_BYTES = 30
const MATERIAL_ID_PREFIX_DIGITS = 16
const MRK = 'mrk-'
const LABEL = 'strongroom ciphertext v1'
const PLAINTEXT_BYTES_MAX = 8192
const OVERHEAD_BYTES = PREFIX_BYTES + NONCE_BYTES + TAG_BYTES

/**
 * Reads the header; undefined for what is no ciphertext of ours. Borrows `bytes`.
 * **Source:** docs/formats/ciphertext-v1.md, Layout.
 */
export function parseCiphertext(bytes: Uint8Array): ParsedCiphertext | undefined {
  if (bytes.length < OVERHEAD_BYTES || bytes.length > OVERHEAD_BYTES + PLAINTEXT_BYTES_MAX) {
    return undefined
  }
  for (let i = 0; i < FORMAT.length; i++) if (bytes[i] !== FORMAT[i]) return undefined
  const kind = KINDS[bytes[KIND_AT] ?? 0]
  if (kind === undefined) return undefined
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
    'hex',
    KEY_ID_AT,
    PREFIX_BYTES,
  )
  const keyId = parseKeyId(keyIdText(bytes[FORM_AT], hex))
  if (keyId === undefined) return undefined
  return { kind, keyId, materialIdPrefix: hex.slice(32), bytes }
}

const keyIdText = (form: number | undefined, hex: string): string => {
  if (form === FORM_MRK) return MRK + hex.slice(0, 32)
  if (form !== FORM_UUID) return ''
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/**
 * A cipher for the messages of one backing key.
 * **Source:** docs/formats/ciphertext-v1.md.
 */
export function createMessageCipher(
  keyId: KeyId,
  materialId: KeyMaterialId,
  backingKey: KeyObject,
): MessageCipher {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.set(FORMAT)
  prefix[KIND_AT] = KIND_SOFTWARE
  const isMultiRegion = keyId.startsWith(MRK)
  prefix[FORM_AT] = isMultiRegion ? FORM_MRK : FORM_UUID
  const digits = isMultiRegion ? keyId.slice(MRK.length) : keyId.replaceAll('-', '')
  prefix.write(digits, KEY_ID_AT, 'hex')
  prefix.write(materialId.slice(0, MATERIAL_ID_PREFIX_DIGITS), MATERIAL_ID_AT, 'hex')
  const cipher = createOneTimeCipher(backingKey, { label: LABEL, prefix })
  return {
    encrypt(plaintext, context, nonce) {
      assert(plaintext.sizeBytes <= PLAINTEXT_BYTES_MAX, 'a message has at most 8,192 bytes')
      return cipher.encrypt(plaintext, contextFields(context), nonce)
    },
    decrypt: (ciphertext, context) => cipher.decrypt(ciphertext.bytes, contextFields(context)),
  }
}

/**
 * The canonical bytes of an encryption context: what a ciphertext is bound to.
 * @throws {AssertionFailure} for text that is not well-formed Unicode; requests with such text are refused earlier.
 */
export const encryptionContextBytes = (context: EncryptionContext): Uint8Array =>
  lengthPrefixed(contextFields(context))

function contextFields(context: EncryptionContext): readonly string[] {
  const names = Object.keys(context)
  if (!isSorted(names)) names.sort(compareUtf8)
  const fields: string[] = []
  for (const name of names) fields.push(name, context[name] ?? '')
  return fields
}

/** Programs send the same names in the same order, and sorting costs more than looking. */
function isSorted(names: readonly string[]): boolean {
  for (let at = 1; at < names.length; at++) {
    if (compareUtf8(names[at - 1] ?? '', names[at] ?? '') > 0) return false
  }
  return true
}

/** Orders text as its bytes in UTF-8 are ordered, which is the order of code points, without encoding it. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i)
    const unitB = b.charCodeAt(i)
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB)
  }
  return a.length - b.length
}

/** UTF-16 puts surrogates, which stand for the highest code points, below U+E000: move them up. */
const codePointRank = (unit: number): number => {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
