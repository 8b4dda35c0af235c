import type { KeyObject } from 'node:crypto'
import { argon2, createSecretKey } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { OperatorError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { CUSTODY_KEY_BYTES } from './custody-keys.ts'
import { NONCE_BYTES } from './one-time-cipher.ts'
import type { Argon2Parameters, Seal, SealedRootKey } from './seal.ts'
import type { Place, Wrapper } from './wrapping.ts'
import { CUSTODY_KEY_ID_BYTES, createWrapper } from './wrapping.ts'

/** How hard a passphrase is to guess. */
export type Argon2Costs = Omit<Argon2Parameters, 'salt'>

/**
 * 64 MiB, three passes, four lanes: about a quarter of a second.
 * **Source:** RFC 9106, section 4, second recommended option.
 */
export const ARGON2_COSTS: Argon2Costs = { memoryKiB: 65_536, passes: 3, parallelism: 4 }
export const ARGON2_SALT_BYTES = 16
const ARGON2_BYTES = 32

/** Where the passphrase comes from and what the seal needs. */
export interface PassphraseSealOptions {
  /** Prompts or reads a file; the seal disposes of the result. Its bytes count as they are. */
  readonly readPassphrase: () => Promise<Secret>
  readonly random: Random
  /** For new root keys; an existing one opens with the costs it was sealed with. */
  readonly costs?: Argon2Costs
}

interface PassphraseKey {
  readonly argon2: Argon2Parameters
  readonly key: KeyObject
}

/**
 * The root key wrapped under a key made from a passphrase by Argon2id. Everything but the passphrase is
 * in the custody setting, so the seal keeps nothing and there is nothing to settle. What Argon2id made is
 * kept as a `KeyObject`, so that the root key can be rotated without asking again.
 */
export function passphraseSeal(options: PassphraseSealOptions): Seal {
  const { random } = options
  let passphraseKey: PassphraseKey | undefined
  const newPassphraseKey = (): Promise<PassphraseKey> =>
    passphraseKeyOf(options, {
      ...(options.costs ?? ARGON2_COSTS),
      salt: random.bytes(ARGON2_SALT_BYTES),
    })
  const sealNewRootKey = ({ argon2: parameters, key }: PassphraseKey): SealedRootKey => {
    const rootKeyId = Buffer.from(random.bytes(CUSTODY_KEY_ID_BYTES)).toString('hex')
    const rootKey = random.secret(CUSTODY_KEY_BYTES)
    const wrapped = wrapperOf(rootKeyId, key).wrap(
      placeOf(rootKeyId, parameters),
      rootKey,
      random.bytes(NONCE_BYTES),
    )
    return { record: { kind: 'passphrase', rootKeyId, argon2: parameters, wrapped }, rootKey }
  }
  return {
    kind: 'passphrase',
    location: undefined,
    async create() {
      passphraseKey = await newPassphraseKey()
      return sealNewRootKey(passphraseKey)
    },
    async open(record) {
      assert(record.kind === 'passphrase', 'custody has compared the kinds')
      const candidate = await passphraseKeyOf(options, record.argon2)
      const rootKey = wrapperOf(record.rootKeyId, candidate.key).unwrap(
        placeOf(record.rootKeyId, record.argon2),
        record.wrapped,
      )
      if (rootKey === undefined) {
        throw new OperatorError(
          'the passphrase is wrong',
          'a passphrase file may end in a line feed or a space too many',
        )
      }
      passphraseKey = candidate
      return rootKey
    },
    async prepareNext() {
      passphraseKey ??= await newPassphraseKey()
      return sealNewRootKey(passphraseKey)
    },
    settle: () => Promise.resolve(false),
  }
}

async function passphraseKeyOf(
  { readPassphrase }: PassphraseSealOptions,
  parameters: Argon2Parameters,
): Promise<PassphraseKey> {
  using passphrase = await readPassphrase()
  if (passphrase.sizeBytes === 0) throw new OperatorError('the passphrase is empty')
  using derived = await argon2id(passphrase, parameters)
  return { argon2: parameters, key: createSecretKey(derived.expose()) }
}

/** On the thread pool, because it takes its time. **Source:** RFC 9106. */
function argon2id(passphrase: Secret, parameters: Argon2Parameters): Promise<Secret> {
  const { promise, resolve, reject } = Promise.withResolvers<Secret>()
  argon2(
    'argon2id',
    {
      message: passphrase.expose(),
      nonce: parameters.salt,
      memory: parameters.memoryKiB,
      passes: parameters.passes,
      parallelism: parameters.parallelism,
      tagLength: ARGON2_BYTES,
    },
    (error, key) => {
      if (error === null) resolve(new Secret(key))
      else reject(error)
    },
  )
  return promise
}

/** The wrapped value names the root key itself: a key made from a passphrase has no id. */
const wrapperOf = (rootKeyId: string, key: KeyObject): Wrapper => createWrapper(rootKeyId, key)

const placeOf = (rootKeyId: string, parameters: Argon2Parameters): Place => [
  'root key',
  rootKeyId,
  String(parameters.memoryKiB),
  String(parameters.passes),
  String(parameters.parallelism),
  Buffer.from(parameters.salt).toString('hex'),
]
