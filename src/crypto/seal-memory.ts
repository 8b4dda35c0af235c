import { assert } from '../core/assert.ts'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { CUSTODY_KEY_BYTES } from './custody-keys.ts'
import type { Seal, SealedRootKey } from './seal.ts'
import { CUSTODY_KEY_ID_BYTES } from './wrapping.ts'

/**
 * A root key that is kept nowhere but in this object: for stores in memory, which nobody opens again.
 * Its records pose as those of a key file.
 */
export function memorySeal(random: Random): Seal {
  const held = new Map<string, Secret>()
  const make = (): SealedRootKey => {
    const rootKeyId = Buffer.from(random.bytes(CUSTODY_KEY_ID_BYTES)).toString('hex')
    const rootKey = random.secret(CUSTODY_KEY_BYTES)
    held.set(rootKeyId, copyOf(rootKey))
    return { record: { kind: 'keyfile', rootKeyId }, rootKey }
  }
  return {
    kind: 'keyfile',
    location: undefined,
    create: () => Promise.resolve(make()),
    prepareNext: () => Promise.resolve(make()),
    open({ rootKeyId }) {
      const rootKey = held.get(rootKeyId)
      assert(rootKey !== undefined, 'a store in memory is opened with its own seal')
      return Promise.resolve(copyOf(rootKey))
    },
    settle(rootKeyId) {
      for (const [id, secret] of held) {
        if (id === rootKeyId) continue
        secret[Symbol.dispose]()
        held.delete(id)
      }
      return Promise.resolve(true)
    },
  }
}

const copyOf = (secret: Secret): Secret => new Secret(Uint8Array.from(secret.expose()))
