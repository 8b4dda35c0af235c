import type { KeyObject } from 'node:crypto'
import { ConflictError, IntegrityError, OperatorError } from '../core/errors.ts'
import type { Clock, Random } from '../core/ports.ts'
import type { RecordGuard, RowIdentity } from '../core/record-guard.ts'
import type { Secret } from '../core/secret.ts'
import type { DomainKey } from './custody-keys.ts'
import { rootKeyOf } from './custody-keys.ts'
import type { WrappedKey } from './custody-setting.ts'
import { damaged, parseSetting } from './custody-setting.ts'
import {
  newKey,
  type Purpose,
  sealWith,
  type Unsealed,
  unseal,
  unsealAgain,
  unwrapKey,
  wrapKey,
} from './custody-unsealed.ts'
import { NONCE_BYTES } from './one-time-cipher.ts'
import type { Seal } from './seal.ts'
import { WRAPPING_KEY_ID_AT } from './wrapping.ts'

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

/** What a change of custody is about to bring. */
interface Pending {
  readonly seal: Seal
  readonly unsealed: Unsealed
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
 * `RecordGuard` are synchronous and may be called while a rotation is under way. Where several processes
 * are on one store, each tells its custody what the store has (`take`) before it writes.
 */
export class Custody implements RecordGuard {
  readonly #random: Random
  readonly #clock: Clock
  #seal: Seal
  #unsealed: Unsealed
  #isChanging = false
  /** What was committed last, or was to be: whether it is in the store may be known elsewhere first. */
  #pending: Pending | undefined

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

  knows(mac: Uint8Array): boolean {
    return this.#domainKeyNamedIn(mac, 0) !== undefined
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
   * Takes over what the store has now: another process on it may have changed the keys. Costs nothing where nobody has.
   * @throws {OperatorError} where the root key is another one, or the text is not genuine
   */
  take(text: string): void {
    if (text === this.#unsealed.text) return
    const pending = this.#pending
    if (pending?.unsealed.text === text) {
      this.#seal = pending.seal
      this.#unsealed = pending.unsealed
    } else {
      this.#unsealed = unsealAgain(this.#unsealed.root, text)
    }
  }

  /** The keys as another text of the same store has them: for reading what was written under it. @throws as `take` */
  asOf(text: string): Custody {
    const parts = { seal: this.#seal, random: this.#random, clock: this.#clock }
    const known = [this.#unsealed, this.#pending?.unsealed].find((one) => one?.text === text)
    return new Custody(parts, known ?? unsealAgain(this.#unsealed.root, text))
  }

  /**
   * Makes a new domain key and retires the others, which go on opening what they wrapped. In two steps: first the new key only opens, so
   * that no process of several meets what it does not know, then new rows name it. The caller then rewrites every row for which
   * `isCurrent` is false, and calls `dropRetired`.
   * @returns the ids of the retired keys
   * @throws what `commit` throws; nothing has changed in memory then, unless `take` hears that the commit happened.
   */
  rotateDomainKey(commit: CommitSetting): Promise<readonly string[]> {
    return this.#change(async (before) => {
      const { root, record } = before
      const made = newKey({ random: this.#random, clock: this.#clock }, root, 'domain key')
      const retired = record.domainKeys.map((key) => ({ ...key, status: 'retired' as const }))
      const announced = [...record.domainKeys, { ...made, status: 'retired' as const }]
      const known = sealWith(root, { ...record, domainKeys: announced })
      await this.#commit(known, { previous: before, commit })
      const next = sealWith(root, { ...record, domainKeys: [made, ...retired] })
      await this.#commit(next, { previous: known, commit })
      return retired.map(({ id }) => id)
    })
  }

  /**
   * Forgets retired domain keys, those that `rotateDomainKey` named. Whatever still names one is lost: call it only after a pass over all
   * rows that began after `rotateDomainKey` had resolved, and after every write that began before it had ended.
   */
  dropRetired(commit: CommitSetting, ids: readonly string[]): Promise<void> {
    return this.#change(async (before) => {
      const { root, record } = before
      // Another process may have rotated since: what it has retired is still in use.
      const domainKeys = record.domainKeys.filter(
        ({ id, status }) => status === 'current' || !ids.includes(id),
      )
      const next = sealWith(root, { ...record, domainKeys })
      await this.#commit(next, { previous: before, commit })
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
      await this.#commit(next, { previous: current, commit, seal })
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

  /** Commits `next` and takes it over, unless `take` has, or has something newer. */
  async #commit(
    next: Unsealed,
    {
      previous,
      commit,
      seal = this.#seal,
    }: { readonly previous: Unsealed; readonly commit: CommitSetting; readonly seal?: Seal },
  ): Promise<void> {
    this.#pending = { seal, unsealed: next }
    await commit(next.text, previous.text)
    if (this.#unsealed === previous) this.take(next.text)
  }

  /** One change at a time: two would each commit a setting without the other's key. */
  async #change<T>(work: (current: Unsealed) => Promise<T>): Promise<T> {
    if (this.#isChanging) throw new ConflictError('another rotation is under way')
    this.#isChanging = true
    try {
      return await work(this.#unsealed)
    } finally {
      this.#isChanging = false
    }
  }
}

/** Backups are of the whole store, so that nothing else names theirs. */
const BACKUP_PLACE = ['backup key'] as const
