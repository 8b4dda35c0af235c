import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createHmac, hash, timingSafeEqual } from 'node:crypto'
import { IntegrityError } from '../../src/core/errors.ts'
import type { AccountId, KeyId, Region } from '../../src/core/ids.ts'
import { instant, parseAccountId, parseKeyId, parseKeyMaterialId } from '../../src/core/ids.ts'
import type { BackingKey, Key } from '../../src/core/key.ts'
import type { RecordGuard, RowIdentity } from '../../src/core/record-guard.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Row, RowReader, RowStore } from '../../src/core/store.ts'
import { BACKING_KEYS, KEYS, TABLES } from '../../src/core/tables.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'

/** A guard with keys 0 and 1, one of which is current: the first byte of MACs and wrappings names it. */
export class TwoKeyGuard implements RecordGuard {
  current = 0
  #nonces = 0

  mac(identity: RowIdentity, version: number, body: string, secret: Uint8Array | null): Uint8Array {
    return this.#macWith(this.current, identity, version, body, secret)
  }

  checkMac(
    identity: RowIdentity,
    version: number,
    body: string,
    secret: Uint8Array | null,
    mac: Uint8Array,
  ): boolean {
    const expected = this.#macWith(mac[0] ?? 0, identity, version, body, secret)
    return mac.length === expected.length && timingSafeEqual(mac, expected)
  }

  knows(mac: Uint8Array): boolean {
    return mac[0] === 0 || mac[0] === 1
  }

  wrap(identity: RowIdentity, secret: Secret): Uint8Array {
    const nonce = new Uint8Array(12)
    nonce[0] = ++this.#nonces
    const cipher = createCipheriv('aes-256-gcm', guardKeyOf(this.current), nonce, {
      authTagLength: 16,
    })
    cipher.setAAD(aad(identity))
    const sealed = [cipher.update(secret.expose()), cipher.final(), cipher.getAuthTag()]
    return new Uint8Array(Buffer.concat([new Uint8Array([this.current]), nonce, ...sealed]))
  }

  unwrap(identity: RowIdentity, wrapped: Uint8Array): Secret {
    try {
      const key = guardKeyOf(wrapped[0] ?? 0)
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(1, 13), {
        authTagLength: 16,
      })
      decipher.setAAD(aad(identity))
      decipher.setAuthTag(wrapped.subarray(-16))
      const opened = [decipher.update(wrapped.subarray(13, -16)), decipher.final()]
      return new Secret(new Uint8Array(Buffer.concat(opened)))
    } catch (cause) {
      throw new IntegrityError('the secret does not open', { cause })
    }
  }

  readonly isCurrent = (row: Row): boolean =>
    row.mac[0] === this.current && (row.secret === null || row.secret[0] === this.current)

  #macWith(
    key: number,
    { table, key: rowKey }: RowIdentity,
    version: number,
    body: string,
    secret: Uint8Array | null,
  ): Uint8Array {
    const hexSecret = secret && Buffer.from(secret).toString('hex')
    const input = JSON.stringify([table, rowKey, version, body, hexSecret])
    const mac = createHmac('sha256', guardKeyOf(key)).update(input).digest()
    return new Uint8Array([key, ...mac])
  }
}

const guardKeyOf = (id: number): Buffer => hash('sha256', `test key ${id}`, 'buffer')
const aad = ({ table, key }: RowIdentity): Buffer => Buffer.from(JSON.stringify([table, key]))

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture is not well-formed')
  return value
}

export const ACCOUNT: AccountId = must(parseAccountId('111122223333'))
// The Region parser belongs to another layer; the name is a real one.
export const REGION = 'eu-central-1' as Region
const MATERIAL_ID = must(parseKeyMaterialId('ab'.repeat(32)))

/** The nth key id. */
export const keyIdOf = (n: number): KeyId =>
  must(parseKeyId(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`))

export const aKey = (n: number, more: Partial<Key> = {}): Key => ({
  accountId: ACCOUNT,
  region: REGION,
  keyId: keyIdOf(n),
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  description: `key ${n}`,
  createdAt: instant(1_700_000_000_000),
  state: { name: 'Enabled' },
  tags: { team: 'payments' },
  currentMaterialId: MATERIAL_ID,
  onDemandRotations: 0,
  ...more,
})

export const aBackingKey = (n: number): BackingKey => ({
  accountId: ACCOUNT,
  region: REGION,
  keyId: keyIdOf(n),
  materialId: MATERIAL_ID,
  createdAt: instant(1_700_000_000_000),
  generation: 1,
  state: 'CURRENT',
})

/** A fresh secret whose bytes are all `byte`. */
export const aSecret = (byte: number): Secret => new Secret(new Uint8Array(32).fill(byte))

/** A record store in memory, and what is below it. */
export const setUp = (cacheRecords = 100) => {
  const rows = openMemoryStore(TABLES.map((table) => table.schema))
  const guard = new TwoKeyGuard()
  return { rows, guard, records: createRecordStore({ rows, guard, cacheRecords }) }
}
/** The row key of the nth key. */
export const keyOf = (n: number): string[] => [REGION, keyIdOf(n)]
/** The row key of the backing key of the nth key. */
export const backingKeyOf = (n: number): readonly string[] => BACKING_KEYS.keyOf(aBackingKey(n))

/** Changes a stored row behind the record store's back: no MAC is made. */
export async function tamper(
  rows: RowStore,
  key: readonly string[],
  change: (row: Row) => Row,
  table = KEYS.schema,
): Promise<void> {
  await rows.transaction(async (tx) => {
    const row = await tx.get(table, key)
    assert(row)
    await tx.delete(table, key, row.version)
    const changed = change(row)
    // A row is inserted as version 1 and brought to its version from there.
    await tx.insert(table, { ...changed, version: 1 })
    for (let version = 2; version <= changed.version; version++) {
      await tx.update(table, { ...changed, version })
    }
  })
}

/** Counts reads of single rows, and can hold them up between reading and answering. */
export interface WatchedRows {
  readonly rows: RowStore
  gets: number
  pages: number
  /** While set, each read waits for it after it has read the row. */
  gate: Promise<void> | undefined
  /** While set, pages show rows that someone edited in the file, unknown to this process. */
  edit: ((row: Row) => Row) | undefined
}

/** A row store in front of another that the test can watch and slow down. */
export function watch(inner: RowStore): WatchedRows {
  const watched: WatchedRows = {
    gets: 0,
    pages: 0,
    gate: undefined,
    edit: undefined,
    rows: {
      async get(...args: Parameters<RowReader['get']>) {
        watched.gets++
        const row = await inner.get(...args)
        await watched.gate
        return row
      },
      async page(...args: Parameters<RowReader['page']>) {
        watched.pages++
        const page = await inner.page(...args)
        await watched.gate
        const { edit } = watched
        return edit === undefined ? page : page.map((row) => edit(row))
      },
      count: (...args) => inner.count(...args),
      setting: (name) => inner.setting(name),
      transaction: (work) => inner.transaction(work),
      snapshot: (work) => inner.snapshot(work),
      load: (...args) => inner.load(...args),
      loadOutbox: (entries) => inner.loadOutbox(entries),
      onCommit: (listener) => inner.onCommit(listener),
      epoch: () => inner.epoch(),
      changesSince: (...args) => inner.changesSince(...args),
      trimChanges: (epoch) => inner.trimChanges(epoch),
      outbox: (...args) => inner.outbox(...args),
      raiseOutbox: (atLeast) => inner.raiseOutbox(atLeast),
      outboxDelivered: (ids) => inner.outboxDelivered(ids),
      close: () => inner.close(),
    },
  }
  return watched
}
