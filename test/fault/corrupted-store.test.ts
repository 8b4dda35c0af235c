import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { before, describe, test } from 'node:test'
import { IntegrityError, OperatorError } from '../../src/core/errors.ts'
import type { RecordStore } from '../../src/core/records.ts'
import { BACKING_KEYS, KEYS } from '../../src/core/tables.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { type NodeState, openNodeState } from '../../src/server/node/node-state.ts'
import { keptFailures } from '../support/kept-failures.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type ServerProcess, startServer, temporaryFolder } from '../support/server-process.ts'
import { startOptionsFor } from '../support/stopped-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const INTERNAL =
  'The request was rejected because of an internal error. The request can be retried.'
const KEY_COUNT = 12
const FLIPS = 300
/** How far from a key's id bits are flipped. Unit: bytes. */
const NEAR = 300
const STORE = 'strongroom.db'

const clientOf = ({ endpoint, credentials }: ServerProcess): WireClient =>
  new WireClient(endpoint, credentials.accessKeyId, 'us-east-1', credentials.secretAccessKey)

describe('a damaged store', () => {
  const sound = temporaryFolder()
  const ciphertexts = new Map<string, string>()

  before(async () => {
    await using server = await startServer({ dataFolder: sound })
    const client = clientOf(server)
    for (let n = 0; n < KEY_COUNT; n += 1) {
      const { id: KeyId } = await createKey(client)
      const encrypted = await client.kms('Encrypt', { KeyId, Plaintext: blob(KeyId) })
      ciphertexts.set(KeyId, textOf(succeeded(encrypted), 'CiphertextBlob'))
    }
    client.close()
    await server.stop()
  })

  test('with altered rows fails the calls that need them, decrypts nothing wrongly, and serves the rest', async () => {
    const dataFolder = temporaryFolder()
    cpSync(sound, dataFolder, { recursive: true })
    const [keyRow = '', mac = '', wrapped = '', exchanged = '', older = '', ...others] =
      ciphertexts.keys()
    alterRows(join(dataFolder, STORE), { keyRow, mac, wrapped, exchanged, older })
    await using server = await startServer({ dataFolder })
    const client = clientOf(server)
    const decrypt = (id: string) => client.kms('Decrypt', { CiphertextBlob: ciphertexts.get(id) })
    for (const id of [keyRow, mac, wrapped, exchanged, older]) {
      refused(await decrypt(id), 'KMSInternalException', INTERNAL, 500)
    }
    assert.ok(others.length > 0)
    for (const id of others) {
      const opened = textOf(succeeded(await decrypt(id)), 'Plaintext')
      assert.equal(Buffer.from(opened, 'base64').toString(), id)
    }
    await server.saysToOperator(/"msg":"a request failed"/)
    await server.saysToOperator(
      /IntegrityError: the row .+ of kms_key was not written by Strongroom as it is now/,
    )
    await createKey(client)
    client.close()
    await server.stop()
  })

  test('with an altered row that is due starts, tells of it, and serves the rest', async () => {
    const dataFolder = temporaryFolder()
    cpSync(sound, dataFolder, { recursive: true })
    const [due = '', other = ''] = ciphertexts.keys()
    {
      using db = new DatabaseSync(join(dataFolder, STORE))
      const altering = db.prepare('UPDATE kms_key SET deletion_date = 1 WHERE key_id = ?')
      assert.equal(altering.run(due).changes, 1)
    }
    await using server = await startServer({ dataFolder })
    const client = clientOf(server)
    refused(await client.kms('DescribeKey', { KeyId: due }), 'KMSInternalException', INTERNAL, 500)
    succeeded(await client.kms('DescribeKey', { KeyId: other }))
    await server.saysToOperator(
      /kms_key has another value in the column deletion_date.*"msg":"a round of timed work failed; the next one tries again"/,
    )
    client.close()
    await server.stop()
  })

  test('with any bit of its file flipped gives every record as it was, or refuses', async () => {
    const folder = temporaryFolder()
    cpSync(sound, folder, { recursive: true, filter: (path) => !/audit|trail/.test(path) })
    const file = join(folder, STORE)
    const bytes = readFileSync(file)
    const written = await whereItOpens(folder, (state) =>
      contentsOf(state.records, ciphertexts.keys()),
    )
    assert.ok(written !== undefined)
    assert.ok([...written.values()].every((content) => content !== undefined))
    const random = seededRandom('corrupted-store')
    const targets = [...ciphertexts.keys()].flatMap((id) => placesOf(bytes, id))
    let refusals = 0
    for (let round = 0; round < FLIPS; round += 1) {
      const place = Buffer.from(random.bytes(4)).readUInt32BE()
      // Anywhere, and more often about what is read: a key's id stands in its rows and their indexes.
      const near = (targets[round % targets.length] ?? 0) + ((place >>> 3) % (2 * NEAR)) - NEAR
      const at = (round % 4 === 0 ? place >>> 3 : Math.max(0, near)) % bytes.length
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (place & 7))
      writeFileSync(file, damaged)
      const found = await whereItOpens(folder, (state) =>
        contentsOf(state.records, ciphertexts.keys()),
      )
      if (found === undefined) refusals += 1
      for (const [id, content] of found ?? []) {
        if (content === undefined) refusals += 1
        else assert.equal(content, written.get(id), `bit ${place & 7} of byte ${at}`)
      }
    }
    assert.ok(refusals > 0, 'some of the bits matter')
  })
})

/** Where a text stands in bytes. */
function placesOf(bytes: Buffer, text: string): number[] {
  const places: number[] = []
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at)
  return places
}

/** What somebody does who knows SQLite, or a disk that leaves the structure of the file alone. */
function alterRows(file: string, of: Readonly<Record<string, string>>): void {
  using db = new DatabaseSync(file)
  const alter = (name: string, sql: string): void => {
    const { changes } = db.prepare(`${sql} WHERE key_id = ?`).run(of[name] ?? '')
    assert.equal(changes, 1, sql)
  }
  alter('keyRow', `UPDATE kms_key SET body = replace(body, 'Enabled', 'enabled')`)
  alter('mac', 'UPDATE kms_key SET mac = randomblob(length(mac))')
  alter('wrapped', 'UPDATE backing_key SET secret = randomblob(length(secret))')
  alter('older', 'UPDATE backing_key SET version = version + 1')
  alter(
    'exchanged',
    `UPDATE backing_key SET secret = (SELECT secret FROM backing_key WHERE key_id = '${of['wrapped']}')`,
  )
}

/** Undefined where the store does not open, which must be told as damage. */
async function whereItOpens<T>(
  folder: string,
  work: (state: NodeState) => Promise<T>,
): Promise<T | undefined> {
  const parts = { clock: machineClock, random: createRandom(), log: keptFailures() }
  let state: NodeState
  try {
    state = await openNodeState(startOptionsFor(folder), parts, 'existing')
  } catch (error) {
    assert.ok(error instanceof IntegrityError || error instanceof OperatorError, String(error))
    return undefined
  }
  try {
    return await work(state)
  } finally {
    // A file that is damaged may not take what a close writes.
    await state.close().catch(() => undefined)
  }
}

/** Each key's record and material, in a form to compare; undefined where it is refused or not found. */
async function contentsOf(
  records: RecordStore,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, string | undefined>> {
  const contents = new Map<string, string | undefined>()
  for (const id of ids) contents.set(id, await contentOf(records, id))
  return contents
}

async function contentOf(records: RecordStore, id: string): Promise<string | undefined> {
  try {
    const key = await records.find(KEYS, ['us-east-1', id])
    const query = { index: 'key', equals: ['us-east-1', id], limit: 2 }
    const [material] = await records.page(BACKING_KEYS, query)
    if (key === undefined || material === undefined) return undefined
    using secret = records.unwrap(BACKING_KEYS, material)
    const bytes = Buffer.from(secret.expose()).toString('hex')
    return JSON.stringify([key.record, material.record, bytes])
  } catch (error) {
    assert.ok(error instanceof IntegrityError, String(error))
    return undefined
  }
}
