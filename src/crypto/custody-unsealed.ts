import { assert } from '../core/assert.ts'
import { OperatorError } from '../core/errors.ts'
import type { Clock, Random } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { AuditKey, DomainKey, RootKey } from './custody-keys.ts'
import { auditKeyOf, CUSTODY_KEY_BYTES, domainKeyOf } from './custody-keys.ts'
import type { CustodyRecord, WrappedKey } from './custody-setting.ts'
import { damaged, encodeSetting, parseSetting } from './custody-setting.ts'
import { NONCE_BYTES } from './one-time-cipher.ts'
import { CUSTODY_KEY_ID_BYTES } from './wrapping.ts'

/** What is in memory once the store is unsealed: derived keys as `KeyObject`s, no bytes. */
export interface Unsealed {
  readonly text: string
  readonly record: CustodyRecord
  readonly root: RootKey
  /** The current one first. */
  readonly domainKeys: readonly [DomainKey, ...DomainKey[]]
  /** The current one first. */
  readonly auditKeys: readonly [AuditKey, ...AuditKey[]]
}

/** Where a wrapped key belongs. */
export type Purpose = 'domain key' | 'audit key'

export function newKey(
  { random, clock }: { readonly random: Random; readonly clock: Clock },
  root: RootKey,
  purpose: Purpose,
): WrappedKey {
  using secret = random.secret(CUSTODY_KEY_BYTES)
  const id = Buffer.from(random.bytes(CUSTODY_KEY_ID_BYTES)).toString('hex')
  return {
    id,
    status: 'current',
    createdAt: new Date(clock.now()).toISOString(),
    wrapped: wrapKey(random, root, purpose, id, secret),
  }
}

export const wrapKey = (
  random: Random,
  root: RootKey,
  purpose: Purpose,
  id: string,
  secret: Secret,
): Uint8Array => root.wrapper.wrap([purpose, id], secret, random.bytes(NONCE_BYTES))

export function unwrapKey(root: RootKey, purpose: Purpose, { id, wrapped }: WrappedKey): Secret {
  const secret = root.wrapper.unwrap([purpose, id], wrapped)
  if (secret === undefined) throw damaged()
  return secret
}

/** The record as text, and opened again: what is committed has been read back. */
export function sealWith(root: RootKey, record: CustodyRecord): Unsealed {
  const text = encodeSetting(record, root.settingMacKey)
  const readBack = parseSetting(text)
  assert(readBack.isAuthentic(root.settingMacKey), 'custody authenticates what it has written')
  return unseal(root, readBack.record, text)
}

/** What a text says that is under the same root key. */
export function unsealAgain(root: RootKey, text: string): Unsealed {
  const setting = parseSetting(text)
  if (setting.record.seal.rootKeyId !== root.id) {
    throw new OperatorError(
      'the root key of the store was rotated by another process',
      'start this one again, with the new key file or the new shares',
    )
  }
  if (!setting.isAuthentic(root.settingMacKey)) throw damaged()
  return unseal(root, setting.record, text)
}

export function unseal(root: RootKey, record: CustodyRecord, text: string): Unsealed {
  const openAll = <K>(
    purpose: Purpose,
    keys: readonly WrappedKey[],
    keyOf: (id: string, secret: Secret) => K,
  ): readonly [K, ...K[]] => {
    const current = keys.filter((key) => key.status === 'current')
    const retired = keys.filter((key) => key.status === 'retired')
    const [first, ...rest] = [...current, ...retired].map((key) => {
      using secret = unwrapKey(root, purpose, key)
      return keyOf(key.id, secret)
    })
    if (first === undefined) throw damaged()
    return [first, ...rest]
  }
  return {
    text,
    record,
    root,
    domainKeys: openAll('domain key', record.domainKeys, domainKeyOf),
    auditKeys: openAll('audit key', record.auditKeys, auditKeyOf),
  }
}
