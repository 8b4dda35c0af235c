import type { KeyObject } from 'node:crypto'
import { assert } from '../../core/assert.ts'

/**
 * The only file that calls into native code. `node:ffi` finds the symbols of the OpenSSL that the running
 * Node.js itself carries; nothing is loaded from disk. Every pointer that leaves this file is a whole key.
 * Why at all: docs/decisions/0015-digest-signing.md.
 */

/** An `EVP_PKEY *`, valid in every thread of the process until it is freed. */
export type NativeKey = bigint

/** Text or a number, as OpenSSL's parameters have it. */
export type NativeParameter = readonly [name: string, value: string | number]

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
  /** The x coordinate of scalar times point, owned by the caller; undefined for every kind of failure. */
  multiply(own: CurveScalar, peer: Uint8Array): Uint8Array | undefined
}

/** The private scalar of a curve that OpenSSL knows by this name: big-endian, borrowed. */
export interface CurveScalar {
  readonly curve: string
  readonly scalar: Uint8Array
}

const OPENSSL_MIN = 0x3050_0000
const PARAMETER_INTEGER = 1
const PARAMETER_TEXT = 4
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
  OBJ_txt2nid: { arguments: ['buffer'], return: 'int32' },
  BN_secure_new: { arguments: [], return: 'pointer' },
  BN_bin2bn: { arguments: ['buffer', 'int32', 'pointer'], return: 'pointer' },
  BN_clear_free: { arguments: ['pointer'], return: 'void' },
  EC_GROUP_new_by_curve_name: { arguments: ['int32'], return: 'pointer' },
  EC_GROUP_free: { arguments: ['pointer'], return: 'void' },
  EC_POINT_new: { arguments: ['pointer'], return: 'pointer' },
  EC_POINT_free: { arguments: ['pointer'], return: 'void' },
  EC_POINT_clear_free: { arguments: ['pointer'], return: 'void' },
  EC_POINT_is_at_infinity: { arguments: ['pointer', 'pointer'], return: 'int32' },
  EC_POINT_oct2point: {
    arguments: ['pointer', 'pointer', 'buffer', 'uint64', 'pointer'],
    return: 'int32',
  },
  EC_POINT_mul: {
    arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
    return: 'int32',
  },
  EC_POINT_point2oct: {
    arguments: ['pointer', 'pointer', 'int32', 'buffer', 'uint64', 'pointer'],
    return: 'uint64',
  },
  EVP_PKEY_decrypt_init: { arguments: ['pointer'], return: 'int32' },
  EVP_PKEY_decrypt: {
    arguments: ['pointer', 'buffer', 'buffer', 'buffer', 'uint64'],
    return: 'int32',
  },
} as const

/** The form of a point: 04, x, y. Source: OpenSSL 3.5, openssl/ec.h, point_conversion_form_t. */
const UNCOMPRESSED = 4

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
    multiply: (own, peer) => multiply(native, own, peer),
  }
}

/**
 * The product of scalar and point, which is what ECDH is on a curve of cofactor one. OpenSSL's own ECDH
 * refuses the curve of SM2 in every form in which a key of it can be read; this is the multiplication
 * that it would use, in constant time for a scalar alone.
 * **Source:** OpenSSL 3.5, EC_POINT_mul(3); NIST SP 800-56A revision 3, section 5.7.1.2.
 */
function multiply(native: Functions, own: CurveScalar, peer: Uint8Array): Uint8Array | undefined {
  const group = native.EC_GROUP_new_by_curve_name(native.OBJ_txt2nid(cString(own.curve)))
  const number = native.BN_secure_new()
  const point = native.EC_POINT_new(group)
  const product = native.EC_POINT_new(group)
  const encoded = new Uint8Array(peer.length)
  const size = BigInt(peer.length)
  try {
    assert(group * number * point * product !== NULL, 'OpenSSL has memory for two points')
    native.BN_bin2bn(own.scalar, own.scalar.length, number)
    const isDone =
      // Refuses what is not on the curve.
      native.EC_POINT_oct2point(group, point, peer, size, NULL) === OK &&
      native.EC_POINT_mul(group, product, NULL, point, number, NULL) === OK &&
      native.EC_POINT_is_at_infinity(group, product) === 0 &&
      native.EC_POINT_point2oct(group, product, UNCOMPRESSED, encoded, size, NULL) === size
    return isDone ? encoded.slice(1, (encoded.length + 1) / 2) : undefined
  } finally {
    encoded.fill(0)
    native.EC_POINT_clear_free(product)
    native.EC_POINT_free(point)
    native.BN_clear_free(number)
    native.EC_GROUP_free(group)
    native.ERR_clear_error()
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
  const { getRawPointer } = native.ffi
  const held: Uint8Array[] = []
  // One element of zeros ends the list.
  const table = new BigUint64Array(((parameters.length + 1) * PARAMETER_BYTES) / 8)
  parameters.forEach(([name, value], index) => {
    const key = cString(name)
    const isText = typeof value === 'string'
    const data = isText ? cString(value) : bytesOf(new Int32Array([value]))
    held.push(key, data)
    const at = (index * PARAMETER_BYTES) / 8
    table[at] = getRawPointer(key)
    table[at + 1] = BigInt(isText ? PARAMETER_TEXT : PARAMETER_INTEGER)
    table[at + 2] = getRawPointer(data)
    table[at + 3] = BigInt(isText ? value.length : data.length)
    table[at + 4] = UNMODIFIED
  })
  return { algorithm, parameters: bytesOf(table), held }
}

/** ASCII text in memory of its own, closed by a zero. */
const cString = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)

const bytesOf = (view: BigUint64Array | Int32Array): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
