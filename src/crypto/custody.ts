import type { KeyObject } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { ConflictError, IntegrityError, OperatorError } from '../core/errors.ts'
import type { Clock, Random } from '../core/ports.ts'
import type { RecordGuard, RowIdentity } from '../core/record-guard.ts'
import type { Secret } from '../core/secret.ts'
import type { AuditKey, DomainKey, RootKey } from './custody-keys.ts'
import { auditKeyOf, CUSTODY_KEY_BYTES, domainKeyOf, rootKeyOf } from './custody-keys.ts'
import type { CustodyRecord, WrappedKey } from './custody-setting.ts'
import { damaged, encodeSetting, parseSetting } from './custody-setting.ts'
import { NONCE_BYTES } from './one-time-cipher.ts'
import type { Seal } from './seal.ts'
import { CUSTODY_KEY_ID_BYTES, WRAPPING_KEY_ID_AT } from './wrapping.ts'

/** The name of the one store setting that holds all of custody. */
export const CUSTODY_SETTING = 'custody'

/** What custody is built from. */
export interface CustodyParts {
  readonly seal: Seal
  readonly random: Random
  readonly clock: Clock
}

/**
 * Puts `next` in place of `previous` in the store's setting, durably, and only if `previous` is still
 * there; rejects otherwise. When it rejects, custody goes on with what it had.
 */
export type CommitSetting = (next: string, previous: string) => Promise<void>

/** What is in memory once the store is unsealed: derived keys as `KeyObject`s, no bytes. */
interface Unsealed {
  readonly text: string
  readonly record: CustodyRecord
  readonly root: RootKey
  /** The current one first. */
  readonly domainKeys: readonly [DomainKey, ...DomainKey[]]
  /** The current one first. */
  readonly auditKeys: readonly [AuditKey, ...AuditKey[]]
}

/**
 * Makes root, domain and audit key for an empty store. Commit `custody.settingText` under
 * `CUSTODY_SETTING`, then call `custody.settleSeal()`; a crash before the commit is taken up by the
 * next call of this function, one after it by `openCustody`.
 * @throws {OperatorError} when the seal cannot be made.
 */
export async function createCustody(parts: CustodyParts): Promise<Custody> {
  const { record: seal, rootKey } = await parts.seal.create()
  using _ = rootKey
  const root = rootKeyOf(seal.rootKeyId, rootKey)
  return new Custody(
    parts,
    sealWith(root, {
      seal,
      auditKeys: [newKey(parts, root, 'audit key')],
      domainKeys: [newKey(parts, root, 'domain key')],
    }),
  )
}

/**
 * Unseals a store from the text of its setting. Call `settleSeal()` once the store is open exclusively.
 * @throws {OperatorError} for a missing, foreign or damaged key file, a wrong passphrase, a damaged setting.
 */
export async function openCustody(settingText: string, parts: CustodyParts): Promise<Custody> {
  const setting = parseSetting(settingText)
  const { seal } = setting.record
  if (seal.kind !== parts.seal.kind) {
    throw new OperatorError(
      `this store is sealed with a ${seal.kind}, not a ${parts.seal.kind}`,
      `start with --seal ${seal.kind}`,
    )
  }
  using rootKey = await parts.seal.open(seal)
  const root = rootKeyOf(seal.rootKeyId, rootKey)
  if (!setting.isAuthentic(root.settingMacKey)) throw damaged()
  return new Custody(parts, unseal(root, setting.record, settingText))
}

/**
 * The keys of an unsealed store: authenticates its rows and wraps their secrets. Methods of
 * `RecordGuard` are synchronous and may be called while a rotation is under way.
 */
export class Custody implements RecordGuard {
  readonly #random: Random
  readonly #clock: Clock
  #seal: Seal
  #unsealed: Unsealed
  #isChanging = false

  /** Made by `createCustody` and `openCustody` only. */
  constructor({ seal, random, clock }: CustodyParts, unsealed: Unsealed) {
    this.#seal = seal
    this.#random = random
    this.#clock = clock
    this.#unsealed = unsealed
  }

  /** What the store holds, or is to hold, under `CUSTODY_SETTING`. */
  get settingText(): string {
    return this.#unsealed.text
  }

  get rootKeyId(): string {
    return this.#unsealed.root.id
  }

  get currentDomainKeyId(): string {
    return this.#unsealed.domainKeys[0].id
  }

  /** Domain keys that rows may still name although new rows do not. */
  get retiredDomainKeyIds(): readonly string[] {
    return this.#unsealed.domainKeys.slice(1).map((key) => key.id)
  }

  /** The seal for the operator's eyes. */
  get seal(): { readonly kind: Seal['kind']; readonly location: string | undefined } {
    return { kind: this.#seal.kind, location: this.#seal.location }
  }

  /** A MAC with the current domain key: 40 bytes. */
  mac(identity: RowIdentity, version: number, body: string, secret: Uint8Array | null): Uint8Array {
    return this.#unsealed.domainKeys[0].mac(identity, version, body, secret)
  }

  checkMac(
    identity: RowIdentity,
    version: number,
    body: string,
    secret: Uint8Array | null,
    mac: Uint8Array,
  ): boolean {
    const key = this.#domainKeyNamedIn(mac, 0)
    return key !== undefined && key.checkMac(identity, version, body, secret, mac)
  }

  wrap(identity: RowIdentity, secret: Secret): Uint8Array {
    return this.#unsealed.domainKeys[0].wrapper.wrap(
      ['row', identity.table, ...identity.key],
      secret,
      this.#random.bytes(NONCE_BYTES),
    )
  }

  /** @throws {IntegrityError} when the bytes were altered or belong to another row or store. */
  unwrap(identity: RowIdentity, wrapped: Uint8Array): Secret {
    const secret = this.#domainKeyNamedIn(wrapped, WRAPPING_KEY_ID_AT)?.wrapper.unwrap(
      ['row', identity.table, ...identity.key],
      wrapped,
    )
    if (secret === undefined) {
      throw new IntegrityError(`the secret of a row of table ${identity.table} does not open`)
    }
    return secret
  }

  /** Whether both MAC and secret of a row name the current domain key: otherwise it is due for rewriting. */
  isCurrent(row: { readonly mac: Uint8Array; readonly secret: Uint8Array | null }): boolean {
    const [current] = this.#unsealed.domainKeys
    return (
      current.isNamedIn(row.mac, 0) &&
      (row.secret === null || current.isNamedIn(row.secret, WRAPPING_KEY_ID_AT))
    )
  }

  /** The key that authenticates new parts of the audit log. Rotations of domain and root keys keep it. */
  auditMacKey(): { readonly id: string; readonly key: KeyObject } {
    return this.#unsealed.auditKeys[0]
  }

  /** The audit key with this id, to verify older parts. */
  findAuditMacKey(id: string): KeyObject | undefined {
    return this.#unsealed.auditKeys.find((key) => key.id === id)?.key
  }

  /** Wraps the key of a backup under the root key. `secret` is borrowed. */
  wrapBackupKey(secret: Secret): Uint8Array {
    const { root } = this.#unsealed
    return root.wrapper.wrap(BACKUP_PLACE, secret, this.#random.bytes(NONCE_BYTES))
  }

  /** @throws {IntegrityError} when the bytes were altered or belong to another store. The caller owns the secret. */
  unwrapBackupKey(wrapped: Uint8Array): Secret {
    const secret = this.#unsealed.root.wrapper.unwrap(BACKUP_PLACE, wrapped)
    if (secret === undefined) throw new IntegrityError('the key of the backup does not open')
    return secret
  }

  /**
   * Makes a new domain key and retires the current one, which goes on opening what it wrapped. The
   * caller then rewrites every row for which `isCurrent` is false, and calls `dropRetired`.
   * @throws what `commit` throws; nothing has changed in memory then.
   */
  rotateDomainKey(commit: CommitSetting): Promise<void> {
    return this.#change(async ({ root, record }) => {
      const retired = record.domainKeys.map((key) => ({ ...key, status: 'retired' as const }))
      const made = newKey({ random: this.#random, clock: this.#clock }, root, 'domain key')
      const next = sealWith(root, { ...record, domainKeys: [made, ...retired] })
      await commit(next.text, this.settingText)
      this.#unsealed = next
    })
  }

  /**
   * Forgets retired domain keys. Whatever still names one is lost: call it only after a pass over all
   * rows that began after `rotateDomainKey` had resolved, and after every write that began before it had ended.
   */
  dropRetired(commit: CommitSetting): Promise<void> {
    return this.#change(async ({ root, record }) => {
      const domainKeys = record.domainKeys.filter((key) => key.status === 'current')
      const next = sealWith(root, { ...record, domainKeys })
      await commit(next.text, this.settingText)
      this.#unsealed = next
    })
  }

  /**
   * Makes a new root key and wraps domain and audit keys under it. Three steps, and a crash between any
   * two leaves a store that opens: the seal holds old and new; the setting is committed; the seal holds
   * only the new. With `to`, the store is sealed with that seal from then on: another passphrase,
   * another key file, or the other kind. A failure of the last step rejects although the rotation has
   * happened; the next `settleSeal` makes up for it.
   * @throws {OperatorError} when the seal cannot be written; what `commit` throws.
   */
  rotateRootKey({
    commit,
    to,
  }: {
    readonly commit: CommitSetting
    readonly to?: Seal
  }): Promise<void> {
    return this.#change(async (current) => {
      const seal = to ?? this.#seal
      const { record: sealRecord, rootKey } = await (to
        ? to.create()
        : seal.prepareNext(current.record.seal))
      using _ = rootKey
      const root = rootKeyOf(sealRecord.rootKeyId, rootKey)
      const rewrap = (purpose: Purpose) => (key: WrappedKey) => {
        using secret = unwrapKey(current.root, purpose, key)
        return { ...key, wrapped: wrapKey(this.#random, root, purpose, key.id, secret) }
      }
      const next = sealWith(root, {
        seal: sealRecord,
        auditKeys: current.record.auditKeys.map(rewrap('audit key')),
        domainKeys: current.record.domainKeys.map(rewrap('domain key')),
      })
      await commit(next.text, current.text)
      this.#seal = seal
      this.#unsealed = next
      await seal.settle(root.id)
    })
  }

  /**
   * Tells the seal which root key the store names, so that it forgets what interrupted rotations left.
   * Only for a setting that was committed, or read from a store that no other process can write.
   */
  async settleSeal(): Promise<void> {
    await this.#change(async ({ root }) => {
      await this.#seal.settle(root.id)
    })
  }

  #domainKeyNamedIn(bytes: Uint8Array, offset: number): DomainKey | undefined {
    for (const key of this.#unsealed.domainKeys) if (key.isNamedIn(bytes, offset)) return key
    return undefined
  }

  /** One change at a time: two would each commit a setting without the other's key. */
  async #change(work: (current: Unsealed) => Promise<void>): Promise<void> {
    if (this.#isChanging) throw new ConflictError('another rotation is under way')
    this.#isChanging = true
    try {
      await work(this.#unsealed)
    } finally {
      this.#isChanging = false
    }
  }
}

type Purpose = 'domain key' | 'audit key'

/** Backups are of the whole store, so that nothing else names theirs. */
const BACKUP_PLACE = ['backup key'] as const

function newKey(
  { random, clock }: Pick<CustodyParts, 'random' | 'clock'>,
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

const wrapKey = (
  random: Random,
  root: RootKey,
  purpose: Purpose,
  id: string,
  secret: Secret,
): Uint8Array => root.wrapper.wrap([purpose, id], secret, random.bytes(NONCE_BYTES))

function unwrapKey(root: RootKey, purpose: Purpose, { id, wrapped }: WrappedKey): Secret {
  const secret = root.wrapper.unwrap([purpose, id], wrapped)
  if (secret === undefined) throw damaged()
  return secret
}

/** The record as text, and opened again: what is committed has been read back. */
function sealWith(root: RootKey, record: CustodyRecord): Unsealed {
  const text = encodeSetting(record, root.settingMacKey)
  const readBack = parseSetting(text)
  assert(readBack.isAuthentic(root.settingMacKey), 'custody authenticates what it has written')
  return unseal(root, readBack.record, text)
}

function unseal(root: RootKey, record: CustodyRecord, text: string): Unsealed {
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
