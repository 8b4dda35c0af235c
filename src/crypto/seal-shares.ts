import { hash } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { OperatorError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { CUSTODY_KEY_BYTES } from './custody-keys.ts'
import { formatShare, parseShare } from './key-share.ts'
import type { Seal, SealedRootKey, SealRecord } from './seal.ts'
import { CUSTODY_KEY_ID_BYTES } from './wrapping.ts'

/** How many shares there are, and how many of them give the root key. 2 ≤ threshold ≤ shares ≤ 255. */
export interface Quorum {
  readonly shares: number
  readonly threshold: number
}

export type SharesRecord = Extract<SealRecord, { kind: 'shares' }>

/** How far an unsealing has come. */
export interface UnsealProgress extends Quorum {
  readonly rootKeyId: string
  readonly given: number
  /** Why the share that was given last was not taken. */
  readonly refusal: OperatorError | undefined
}

export interface SharesSealOptions {
  readonly random: Random
  /** Of root keys to come; what the store has where absent. */
  readonly quorum?: Quorum | undefined
  /** Hands new shares to the people who keep them: nobody else ever has them. */
  readonly handOut: (shares: readonly string[]) => Promise<void>
  /** The next share that somebody gives, as typed. Rejects where there will be none. */
  readonly nextShare: (progress: UnsealProgress) => Promise<string>
}

/** @throws {OperatorError} */
export function assertQuorum({ shares, threshold }: Quorum): void {
  const isSound =
    Number.isInteger(shares) &&
    Number.isInteger(threshold) &&
    threshold >= 2 &&
    threshold <= shares &&
    shares <= 255
  if (isSound) return
  throw new OperatorError(
    `${threshold} of ${shares} shares is no quorum`,
    'at least 2, at most as many as there are shares, and at most 255 shares',
  )
}

const hashOf = (share: Secret): Uint8Array => hash('sha256', share.expose(), 'buffer')

/**
 * The root key in shares that people keep, so many of which give it together: it is written nowhere. The store knows a
 * hash of each share, so that a share of another store, or of an earlier root key, is told when it is given.
 * **Source:** Shamir, "How to share a secret"; docs/decisions/0030-shamir-secret-sharing.md.
 */
export function sharesSeal(options: SharesSealOptions): Seal {
  const make = async (quorum: Quorum): Promise<SealedRootKey> => {
    assertQuorum(quorum)
    const { random, handOut } = options
    const rootKeyId = Buffer.from(random.bytes(CUSTODY_KEY_ID_BYTES)).toString('hex')
    const rootKey = random.secret(CUSTODY_KEY_BYTES)
    const { split } = await library()
    const shares = await split(rootKey.expose(), quorum.shares, quorum.threshold)
    const secrets = shares.map((bytes) => new Secret(bytes))
    try {
      await handOut(secrets.map((share) => formatShare({ rootKeyId, share })))
      const shareHashes = secrets.map(hashOf)
      const { threshold } = quorum
      return { record: { kind: 'shares', rootKeyId, threshold, shareHashes }, rootKey }
    } finally {
      for (const secret of secrets) secret[Symbol.dispose]()
    }
  }
  return {
    kind: 'shares',
    location: undefined,
    create() {
      const { quorum } = options
      if (quorum === undefined) {
        throw new OperatorError(
          'how many shares there are to be is not said',
          'say it with --shares and --threshold',
        )
      }
      return make(quorum)
    },
    open(record) {
      assert(record.kind === 'shares', 'custody has compared the kinds')
      return combineShares(record, options.nextShare)
    },
    prepareNext(current) {
      assert(current.kind === 'shares', 'a seal follows one of its own kind')
      const { threshold, shareHashes } = current
      return make(options.quorum ?? { shares: shareHashes.length, threshold })
    },
    settle: () => Promise.resolve(false),
  }
}

/** Asks for shares until there are enough; the caller owns the root key. */
async function combineShares(
  record: SharesRecord,
  nextShare: SharesSealOptions['nextShare'],
): Promise<Secret> {
  const given = new Map<number, Secret>()
  let refusal: OperatorError | undefined
  try {
    while (given.size < record.threshold) {
      const typed = await nextShare({
        rootKeyId: record.rootKeyId,
        shares: record.shareHashes.length,
        threshold: record.threshold,
        given: given.size,
        refusal,
      })
      refusal = take(record, given, typed)
    }
    const { combine } = await library()
    return new Secret(await combine([...given.values()].map((share) => share.expose())))
  } finally {
    for (const share of given.values()) share[Symbol.dispose]()
  }
}

/** Adds a share to those that were given, or says why not. */
function take(
  record: SharesRecord,
  given: Map<number, Secret>,
  typed: string,
): OperatorError | undefined {
  try {
    const { rootKeyId, share } = parseShare(typed)
    const taken = hashOf(share)
    const at = record.shareHashes.findIndex((known) => Buffer.from(known).equals(taken))
    if (rootKeyId === record.rootKeyId && at >= 0 && !given.has(at)) {
      given.set(at, share)
      return undefined
    }
    share[Symbol.dispose]()
    if (given.has(at)) return new OperatorError('this share has been given already')
    return new OperatorError(
      'the share is none of this root key',
      'it belongs to another store, or to the root key before a rotation',
    )
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
}

/** Loaded with the first use: most stores are sealed otherwise. */
const library = () => import('shamir-secret-sharing')
