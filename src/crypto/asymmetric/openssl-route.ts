import type { KeyObject } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import { nativeSchemeOf } from './native-schemes.ts'
import type { NativeKey, OpensslFfi } from './openssl-ffi.ts'
import { openOpensslFfi } from './openssl-ffi.ts'
import { answersAreKnown } from './openssl-known-answers.ts'
import type { NativeResult, NativeTask, ThreadLimits } from './openssl-threads.ts'
import { OpensslThreads, perform } from './openssl-threads.ts'
import type { ReadyMadeInput, ReadyMadeRoute } from './ready-made-input.ts'
import { sm2PointOf, sm2ScalarOf } from './sm2-keys.ts'

/**
 * The route through the OpenSSL of this process. Undefined where it cannot be had, or where it gives
 * other answers than the known ones. Takes some milliseconds; do it once.
 */
export function openOpensslRoute(limits: ThreadLimits): ReadyMadeRoute | undefined {
  const openssl = openOpensslFfi()
  if (openssl === undefined || !answersAreKnown(openssl)) return undefined
  const threads = new OpensslThreads(limits)
  const keys = new NativeKeys(openssl)
  const onThread = async (key: KeyObject, task: NativeTask): Promise<NativeResult> => {
    try {
      return await threads.run(task)
    } finally {
      // The native key lives as long as this one does: it must not be collected before the answer.
      keys.touch(key)
    }
  }
  return {
    name: 'openssl',
    async sign(privateKey, what) {
      const task = {
        kind: 'sign',
        key: keys.of(privateKey),
        scheme: nativeSchemeOf(what),
        input: what.input,
      } as const
      const result = isFastToSign(what) ? perform(openssl, task) : await onThread(privateKey, task)
      assert(result instanceof Uint8Array, 'a signature is bytes')
      return result
    },
    async verify(publicKey, what, signature) {
      const key = keys.of(publicKey)
      const scheme = nativeSchemeOf(what)
      const task = { kind: 'verify', key, scheme, input: what.input, signature } as const
      const result = isFastToVerify(what) ? perform(openssl, task) : await onThread(publicKey, task)
      return result === true
    },
    async sm2Encrypt(publicKey, plaintext) {
      const task = { kind: 'encrypt', key: keys.of(publicKey), input: plaintext } as const
      const result = await onThread(publicKey, task)
      assert(result instanceof Uint8Array, 'a ciphertext is bytes')
      return result
    },
    async sm2Decrypt(privateKey, ciphertext) {
      const task = { kind: 'decrypt', key: keys.of(privateKey), input: ciphertext } as const
      const result = await onThread(privateKey, task)
      return result instanceof Uint8Array ? result : undefined
    },
    async sm2Agree(privateKey, peer) {
      using scalar = sm2ScalarOf(privateKey)
      return openssl.multiply({ curve: 'SM2', scalar: scalar.expose() }, sm2PointOf(peer))
    },
    close: () => threads.close(),
  }
}

const isFastToSign = ({ spec }: ReadyMadeInput): boolean =>
  spec === 'ECC_NIST_P256' || spec === 'ECC_NIST_EDWARDS25519'

const isFastToVerify = (what: ReadyMadeInput): boolean =>
  isFastToSign(what) || KEY_ALGORITHMS[what.spec].family === 'rsa'

/** Native keys, each made when its key object is first used here and freed after that was collected. */
class NativeKeys {
  readonly #openssl: OpensslFfi
  readonly #keys = new WeakMap<KeyObject, NativeKey>()
  readonly #freed: FinalizationRegistry<NativeKey>

  constructor(openssl: OpensslFfi) {
    this.#openssl = openssl
    this.#freed = new FinalizationRegistry((key) => openssl.free(key))
  }

  of(key: KeyObject): NativeKey {
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    const native = this.#openssl.load(key)
    this.#keys.set(key, native)
    this.#freed.register(key, native)
    return native
  }

  /** Says that the key is still in use: an argument that is used later cannot be collected earlier. */
  touch(key: KeyObject): void {
    assert(this.#keys.has(key), 'the key was loaded')
  }
}
