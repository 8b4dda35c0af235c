import type { KeyObject } from 'node:crypto'
import { assert } from '../../core/assert.ts'

/**
 * The only file that calls into native code. `node:ffi` finds the symbols of the OpenSSL that the running
 * Node.js itself carries; nothing is loaded from disk. Every pointer that leaves this file is a whole key.
 * Why at all: docs/decisions, digest signing.
 */

/** An `EVP_PKEY *`, valid in every thread of the process until it is freed. */
export type NativeKey = bigint

/** Text or a number, as OpenSSL's parameters have it. */
export type NativeParameter = readonly [name: string, value: string | number]
/** Bytes: a string of octets, or an unsigned number in the machine's own byte order. */
type BytesParameter = readonly [
  name: string,
  value: { readonly type: number; readonly data: Uint8Array },
]

/** How to set up a signature over an input that is not hashed again. */
export interface NativeScheme {
  /** The signature algorithm to fetch; without one, the key's own signature of a digest. */
  readonly signature: string | undefined
  readonly parameters: readonly NativeParameter[]
}

/** Operations on native keys, all synchronous, all on the calling thread. */
export interface OpensslFfi {
  /** The caller frees the key. The key object is exported, loaded and its bytes are wiped. */
  load(key: KeyObject): NativeKey
  free(key: NativeKey): void
  /** @throws {Error} when OpenSSL fails: with a good key it does not. */
  sign(key: NativeKey, scheme: NativeScheme, input: Uint8Array): Uint8Array
  verify(key: NativeKey, scheme: NativeScheme, input: Uint8Array, signature: Uint8Array): boolean
  /** @throws {Error} when OpenSSL fails. */
  encrypt(key: NativeKey, plaintext: Uint8Array): Uint8Array
  /** Undefined for every kind of failure. The caller owns the bytes. */
  decrypt(key: NativeKey, ciphertext: Uint8Array): Uint8Array | undefined
  /** The x coordinate of the shared point, owned by the caller; undefined for every kind of failure. */
  agree(own: CurveKey, peerPoint: Uint8Array): Uint8Array | undefined
}

/** A private key of a curve by its parts. Points are uncompressed; bytes are borrowed. */
export interface CurveKey {
  /** OpenSSL's name of the curve. */
  readonly curve: string
  /** Big-endian. */
  readonly scalar: Uint8Array
  readonly point: Uint8Array
}

const OPENSSL_MIN = 0x3050_0000
const PARAMETER_INTEGER = 1
const PARAMETER_UNSIGNED = 2
const PARAMETER_TEXT = 4
const PARAMETER_OCTETS = 5
/** `OSSL_PARAM` of a 64-bit platform: key, data type, data, size, returned size. Source: OSSL_PARAM(3). */
const PARAMETER_BYTES = 40
const UNMODIFIED = 0xffff_ffff_ffff_ffffn
const OK = 1
const NULL = 0n

const SYMBOLS = {
  OpenSSL_version_num: { arguments: [], return: 'uint64' },
  ERR_clear_error: { arguments: [], return: 'void' },
  d2i_AutoPrivateKey: { arguments: ['pointer', 'buffer', 'int64'], return: 'pointer' },
  d2i_PUBKEY: { arguments: ['pointer', 'buffer', 'int64'], return: 'pointer' },
  EVP_PKEY_free: { arguments: ['pointer'], return: 'void' },
  EVP_PKEY_CTX_new_from_pkey: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
  EVP_PKEY_CTX_free: { arguments: ['pointer'], return: 'void' },
  EVP_SIGNATURE_fetch: { arguments: ['pointer', 'buffer', 'pointer'], return: 'pointer' },
  EVP_PKEY_sign_init_ex: { arguments: ['pointer', 'buffer'], return: 'int32' },
  EVP_PKEY_sign_message_init: { arguments: ['pointer', 'pointer', 'buffer'], return: 'int32' },
  EVP_PKEY_sign: {
    arguments: ['pointer', 'buffer', 'buffer', 'buffer', 'uint64'],
    return: 'int32',
  },
  EVP_PKEY_verify_init_ex: { arguments: ['pointer', 'buffer'], return: 'int32' },
  EVP_PKEY_verify_message_init: { arguments: ['pointer', 'pointer', 'buffer'], return: 'int32' },
  EVP_PKEY_verify: {
    arguments: ['pointer', 'buffer', 'uint64', 'buffer', 'uint64'],
    return: 'int32',
  },
  EVP_PKEY_encrypt_init: { arguments: ['pointer'], return: 'int32' },
  EVP_PKEY_encrypt: {
    arguments: ['pointer', 'buffer', 'buffer', 'buffer', 'uint64'],
    return: 'int32',
  },
  EVP_PKEY_CTX_new_from_name: { arguments: ['pointer', 'buffer', 'pointer'], return: 'pointer' },
  EVP_PKEY_fromdata_init: { arguments: ['pointer'], return: 'int32' },
  EVP_PKEY_fromdata: { arguments: ['pointer', 'buffer', 'int32', 'buffer'], return: 'int32' },
  EVP_PKEY_derive_init: { arguments: ['pointer'], return: 'int32' },
  EVP_PKEY_derive_set_peer: { arguments: ['pointer', 'pointer'], return: 'int32' },
  EVP_PKEY_derive: { arguments: ['pointer', 'buffer', 'buffer'], return: 'int32' },
  EVP_PKEY_decrypt_init: { arguments: ['pointer'], return: 'int32' },
  EVP_PKEY_decrypt: {
    arguments: ['pointer', 'buffer', 'buffer', 'buffer', 'uint64'],
    return: 'int32',
  },
} as const

/** Which parts a key is made of. Source: OpenSSL 3.5, openssl/evp.h, EVP_PKEY_KEYPAIR and EVP_PKEY_PUBLIC_KEY. */
const PRIVATE_PARTS = 0x87
const PUBLIC_PARTS = 0x86
const SHARED_BYTES_MAX = 66

/** The longest output: an ML-DSA-87 signature; SM2 adds up to some 150 bytes to what it encrypts. */
const OUTPUT_BYTES_MAX = 8192

/**
 * Binds to the OpenSSL of this process. Undefined where that cannot be had: another platform, a Node.js
 * without `node:ffi` or forbidden to use it, symbols that are missing or of another library.
 */
export function openOpensslFfi(): OpensslFfi | undefined {
  // The layout of OSSL_PARAM and the width of C's long are those of these platforms.
  if (process.platform === 'win32' || !['x64', 'arm64'].includes(process.arch)) return undefined
  try {
    return bind()
  } catch {
    return undefined
  }
}

type Functions = ReturnType<typeof resolve>

const resolve = () => {
  const ffi = process.getBuiltinModule('node:ffi')
  return { ffi, ...ffi.dlopen(null, SYMBOLS).functions }
}

function bind(): OpensslFfi | undefined {
  const native = resolve()
  const version = Number(native.OpenSSL_version_num())
  if (version < OPENSSL_MIN || !isVersion(process.versions.openssl, version)) return undefined
  const schemes = new Map<NativeScheme, PreparedScheme>()
  const prepared = (scheme: NativeScheme): PreparedScheme => {
    const known = schemes.get(scheme)
    if (known !== undefined) return known
    const fresh = prepare(native, scheme)
    schemes.set(scheme, fresh)
    return fresh
  }
  return {
    load: (key) => load(native, key),
    free: (key) => native.EVP_PKEY_free(key),
    sign: (key, scheme, input) =>
      withContext(native, key, (context) => {
        const { algorithm, parameters } = prepared(scheme)
        const ready =
          algorithm === NULL
            ? native.EVP_PKEY_sign_init_ex(context, parameters)
            : native.EVP_PKEY_sign_message_init(context, algorithm, parameters)
        assert(ready === OK, 'OpenSSL sets up a signature')
        return must(output(native.EVP_PKEY_sign, context, input, OUTPUT_BYTES_MAX))
      }),
    verify: (key, scheme, input, signature) =>
      withContext(native, key, (context) => {
        const { algorithm, parameters } = prepared(scheme)
        const ready =
          algorithm === NULL
            ? native.EVP_PKEY_verify_init_ex(context, parameters)
            : native.EVP_PKEY_verify_message_init(context, algorithm, parameters)
        assert(ready === OK, 'OpenSSL sets up a verification')
        const sizes = [BigInt(signature.length), BigInt(input.length)] as const
        // Anything but 1 is a signature that does not verify, be it ill-formed or just wrong.
        return native.EVP_PKEY_verify(context, signature, sizes[0], input, sizes[1]) === OK
      }),
    encrypt: (key, plaintext) =>
      withContext(native, key, (context) => {
        assert(native.EVP_PKEY_encrypt_init(context) === OK, 'OpenSSL sets up an encryption')
        return must(output(native.EVP_PKEY_encrypt, context, plaintext, OUTPUT_BYTES_MAX))
      }),
    decrypt: (key, ciphertext) =>
      withContext(native, key, (context) => {
        assert(native.EVP_PKEY_decrypt_init(context) === OK, 'OpenSSL sets up a decryption')
        return output(native.EVP_PKEY_decrypt, context, ciphertext, OUTPUT_BYTES_MAX)
      }),
    agree: (own, peerPoint) => agree(native, own, peerPoint),
  }
}

/** Makes keys of the plain elliptic curve: OpenSSL has no key agreement for what it reads as an SM2 key. */
function agree(native: Functions, own: CurveKey, peerPoint: Uint8Array): Uint8Array | undefined {
  const group = ['group', own.curve] as const
  const scalar = own.scalar.toReversed()
  const peer = curveKey(native, PUBLIC_PARTS, [group, octets(peerPoint)])
  const key = curveKey(native, PRIVATE_PARTS, [
    group,
    octets(own.point),
    ['priv', { type: PARAMETER_UNSIGNED, data: scalar }],
  ])
  scalar.fill(0)
  try {
    if (peer === NULL || key === NULL) return undefined
    return withContext(native, key, (context) => {
      const size = new BigUint64Array([BigInt(SHARED_BYTES_MAX)])
      const shared = new Uint8Array(SHARED_BYTES_MAX)
      const isAgreed =
        native.EVP_PKEY_derive_init(context) === OK &&
        native.EVP_PKEY_derive_set_peer(context, peer) === OK &&
        native.EVP_PKEY_derive(context, shared, bytesOf(size)) === OK
      const result = isAgreed ? shared.slice(0, Number(size[0])) : undefined
      shared.fill(0)
      return result
    })
  } finally {
    native.EVP_PKEY_free(key)
    native.EVP_PKEY_free(peer)
    native.ERR_clear_error()
  }
}

const octets = (point: Uint8Array): BytesParameter => [
  'pub',
  { type: PARAMETER_OCTETS, data: point.slice() },
]

/** A key of the plain curve, or null where the parts are none: a point that is not on the curve. */
function curveKey(
  native: Functions,
  parts: number,
  parameters: readonly (NativeParameter | BytesParameter)[],
): NativeKey {
  const { table, held } = parameterTable(native, parameters)
  const context = native.EVP_PKEY_CTX_new_from_name(NULL, cString('EC'), NULL)
  const key = new BigUint64Array(1)
  try {
    if (native.EVP_PKEY_fromdata_init(context) !== OK) return NULL
    const isMade = native.EVP_PKEY_fromdata(context, bytesOf(key), parts, table) === OK
    // `held` is what the table points to: named here, it lives until the call is over.
    return isMade && held.length > 0 ? (key[0] ?? NULL) : NULL
  } finally {
    native.EVP_PKEY_CTX_free(context)
  }
}

/** Whether the number 0xMNN00PP0 and the text M.N.P say the same: the symbols are those of Node's own library. */
const isVersion = (text: string, version: number): boolean =>
  text.startsWith(
    `${Math.floor(version / 2 ** 28)}.${(version >> 20) & 0xff}.${(version >> 4) & 0xff}`,
  )

function load({ ffi, d2i_AutoPrivateKey, d2i_PUBKEY }: Functions, key: KeyObject): NativeKey {
  const isPrivate = key.type === 'private'
  const bytes: Buffer = isPrivate
    ? key.export({ type: 'pkcs8', format: 'der' })
    : key.export({ type: 'spki', format: 'der' })
  try {
    const cursor = new BigUint64Array([ffi.getRawPointer(bytes)])
    const parse = isPrivate ? d2i_AutoPrivateKey : d2i_PUBKEY
    const native = parse(NULL, bytesOf(cursor), BigInt(bytes.length))
    assert(native !== NULL, 'OpenSSL reads what it has written')
    return native
  } finally {
    bytes.fill(0)
  }
}

/** Runs with a fresh context for the key. Leaves no error behind: Node.js would report it as its own. */
function withContext<T>(native: Functions, key: NativeKey, work: (context: bigint) => T): T {
  const context = native.EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)
  assert(context !== NULL, 'OpenSSL has memory for a context')
  try {
    return work(context)
  } finally {
    native.EVP_PKEY_CTX_free(context)
    native.ERR_clear_error()
  }
}

type Transform = (
  context: bigint,
  out: Uint8Array,
  outSize: Uint8Array,
  input: Uint8Array,
  inputSize: bigint,
) => number

/** Calls a function of the form of EVP_PKEY_sign; undefined when it fails. */
function output(
  transform: Transform,
  context: bigint,
  input: Uint8Array,
  sizeMax: number,
): Uint8Array | undefined {
  const bytes = new Uint8Array(sizeMax)
  const size = new BigUint64Array([BigInt(sizeMax)])
  try {
    if (transform(context, bytes, bytesOf(size), input, BigInt(input.length)) !== OK) {
      return undefined
    }
    const length = Number(size[0])
    assert(length <= sizeMax, 'OpenSSL stays within the memory it was given')
    return bytes.slice(0, length)
  } finally {
    // What was decrypted stays nowhere but in the slice.
    bytes.fill(0)
  }
}

const must = (bytes: Uint8Array | undefined): Uint8Array => {
  assert(bytes !== undefined, 'OpenSSL does what it was set up for')
  return bytes
}

interface PreparedScheme {
  /** An `EVP_SIGNATURE *` for the life of the process, or null. */
  readonly algorithm: bigint
  readonly parameters: Uint8Array
  /** The memory that `parameters` points to. */
  readonly held: readonly Uint8Array[]
}

function prepare(native: Functions, { signature, parameters }: NativeScheme): PreparedScheme {
  const algorithm =
    signature === undefined ? NULL : native.EVP_SIGNATURE_fetch(NULL, cString(signature), NULL)
  assert(signature === undefined || algorithm !== NULL, `OpenSSL knows ${signature}`)
  const { table, held } = parameterTable(native, parameters)
  return { algorithm, parameters: table, held }
}

/** An array of OSSL_PARAM, and the memory that it points to and that must outlive it. */
function parameterTable(
  { ffi }: Functions,
  parameters: readonly (NativeParameter | BytesParameter)[],
): { readonly table: Uint8Array; readonly held: readonly Uint8Array[] } {
  const held: Uint8Array[] = []
  // One element of zeros ends the list.
  const table = new BigUint64Array(((parameters.length + 1) * PARAMETER_BYTES) / 8)
  parameters.forEach(([name, value], index) => {
    const key = cString(name)
    const { type, data, sizeBytes } = parameterData(value)
    held.push(key, data)
    const at = (index * PARAMETER_BYTES) / 8
    table[at] = ffi.getRawPointer(key)
    table[at + 1] = BigInt(type)
    table[at + 2] = ffi.getRawPointer(data)
    table[at + 3] = BigInt(sizeBytes)
    table[at + 4] = UNMODIFIED
  })
  return { table: bytesOf(table), held }
}

function parameterData(value: NativeParameter[1] | BytesParameter[1]): {
  readonly type: number
  readonly data: Uint8Array
  readonly sizeBytes: number
} {
  if (typeof value === 'string') {
    return { type: PARAMETER_TEXT, data: cString(value), sizeBytes: value.length }
  }
  if (typeof value === 'number') {
    const data = bytesOf(new Int32Array([value]))
    return { type: PARAMETER_INTEGER, data, sizeBytes: data.length }
  }
  return { ...value, sizeBytes: value.data.length }
}

/** ASCII text in memory of its own, closed by a zero. */
const cString = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)

const bytesOf = (view: BigUint64Array | Int32Array): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
