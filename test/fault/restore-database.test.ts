import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { FrameWriter } from '../../src/audit/event.ts'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import type { RestoreOptions } from '../../src/cli/backup-program.ts'
import { OperatorError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { SERVICE_SECRETS } from '../../src/core/tables.ts'
import { CUSTODY_SETTING } from '../../src/crypto/custody.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { backUpNode } from '../../src/server/backup/node-backup.ts'
import { restoreBackup } from '../../src/server/backup/restore.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { openNodeAudit } from '../../src/server/node/node-audit.ts'
import { type NodeState, openNodeState } from '../../src/server/node/node-state.ts'
import { TRANSFER_SETTING } from '../../src/storage/transfer.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema, urlWith } from '../support/postgres-stores.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { startOptionsFor } from '../support/stopped-node.ts'

const server = await startPostgres()
const source = await openSchema(server, 'restore_from')
const target = await openSchema(server, 'restore_to')
after(async () => {
  await source.close()
  await target.close()
  await server.stop()
})

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const parts = { clock: machineClock, random: createRandom(), log: quiet }
const folder = temporaryFolder()
const keyfile = join(folder, 'root.key')
const backup = join(folder, 'store.srb')
const urlOf = (schema: string): string => urlWith(server, { schema })

const optionsFor = (dataFolder: string, schema: string) => ({
  ...startOptionsFor(dataFolder),
  store: urlOf(schema),
  keyfile,
})
const openNode = (dataFolder: string, schema: string): Promise<NodeState> =>
  openNodeState(optionsFor(dataFolder, schema), parts, 'any')

const restoring = (more: Partial<RestoreOptions> = {}) =>
  restoreBackup({ ...optionsFor(temporaryFolder(), 'restore_to'), file: backup, ...more })

const refusal =
  (message: RegExp, hint = /./) =>
  (error: unknown): boolean =>
    error instanceof OperatorError && message.test(error.message) && hint.test(error.hint ?? '')

/** Leaves a record in a node's outbox, as where it is stopped before the record is in its log. */
const leave = ({ rows }: NodeState, name: string): Promise<number> =>
  rows.transaction((tx) => tx.addOutbox(new FrameWriter().operator(machineClock.now(), name, {})))

/** What an open node's log holds of what was left, once everything that waits is in it. */
async function recordsOf(dataFolder: string, state: NodeState): Promise<readonly string[]> {
  const audit = await openNodeAudit(state, startOptionsFor(dataFolder), parts)
  await audit.recoverOutbox()
  await audit.saveHead()
  await audit.log.close()
  const found: string[] = []
  for await (const { text } of readFrames(join(dataFolder, 'audit'))) {
    const action = /"action":"(of [^"]+)"/.exec(text)?.[1]
    if (action !== undefined) found.push(action)
  }
  return found.sort()
}

const one = temporaryFolder()
before(async () => {
  const [first, second] = [
    await openNode(one, 'restore_from'),
    await openNode(temporaryFolder(), 'restore_from'),
  ]
  for (let number = 0; number < 30; number++) {
    await first.records.transaction(async (tx) => {
      using secret = new Secret(new TextEncoder().encode(`secret ${number}`))
      const record = { name: `${number}`, createdAt: machineClock.now(), publicPart: '' }
      await tx.insert(SERVICE_SECRETS, record, secret)
    })
  }
  await leave(second, 'of the second')
  await leave(first, 'of the first')
  await leave(second, 'of the second, too')
  const made = await backUpNode(first, backup, parts)
  assert.equal(made.outbox, 3)
  // What is on the record already when the backup is put back beside this node's log.
  await leave(first, 'of later')
  await leave(first, 'of later, too')
  assert.equal((await recordsOf(one, first)).length, 3)
  await first.close()
  await second.close()
})
afterEach(() => target.empty())

/** Nothing is there, so that the same may be tried again. */
async function assertUntouched(): Promise<void> {
  const { rows } = await target.client.query('SELECT name FROM restore_to.setting')
  assert.deepEqual(rows, [])
  const { rows: accounts } = await target.client.query('SELECT * FROM restore_to.account')
  assert.deepEqual(accounts, [])
}

async function settingOf(name: string): Promise<unknown> {
  const { rows } = await target.client.query(
    'SELECT value FROM restore_to.setting WHERE name = $1',
    [name],
  )
  return rows[0]?.value
}

describe('a backup that is put into a database', () => {
  test('is all there, and what any node had left on the record is in one log, once', async () => {
    const dataFolder = temporaryFolder()
    const steps = new Set<string>()
    const done = await restoring({
      dataFolder,
      onProgress: ({ step, rows, total }) => {
        steps.add(step)
        assert.ok(total === undefined || rows <= total)
      },
    })
    assert.ok(done.records > 30)
    assert.equal(done.failed, 0)
    assert.deepEqual([...steps], ['restored', 'checked'])
    for (const _ of [1, 2]) {
      const state = await openNode(dataFolder, 'restore_to')
      for (let number = 0; number < 30; number++) {
        const stored = await state.records.find(SERVICE_SECRETS, [`${number}`])
        assert.ok(stored)
        using secret = state.records.unwrap(SERVICE_SECRETS, stored)
        assert.equal(new TextDecoder().decode(secret.expose()), `secret ${number}`)
      }
      assert.deepEqual(await recordsOf(dataFolder, state), [
        'of the first',
        'of the second',
        'of the second, too',
      ])
      await state.close()
    }
  })

  test('beside the log of the node that made it repeats nothing that is in that log', async () => {
    await restoring({ dataFolder: one })
    for (const _ of [1, 2]) {
      const state = await openNode(one, 'restore_to')
      assert.deepEqual(await recordsOf(one, state), [
        'of later',
        'of later, too',
        'of the first',
        'of the second',
        'of the second, too',
      ])
      await leave(state, 'no action of ours')
      await state.close()
    }
  })

  test('was made while the domain key was rotated, and opens with the keys of its moment', async () => {
    const dataFolder = temporaryFolder()
    const state = await openNode(dataFolder, 'restore_from')
    const { rows, custody, records, commitSetting } = state
    const ofItsMoment = custody.settingText
    const rotating: typeof rows.snapshot = (work) =>
      rows.snapshot(async (snapshot) => {
        const retired = await custody.rotateDomainKey(commitSetting)
        await records.rewriteAll({ isCurrent: (row) => custody.isCurrent(row) })
        await custody.dropRetired(commitSetting, retired)
        return work(snapshot)
      })
    const file = join(folder, 'rotated.srb')
    await backUpNode({ ...state, rows: { ...rows, snapshot: rotating } }, file, parts)
    assert.notEqual(custody.settingText, ofItsMoment)
    await state.close()
    await restoring({ file })
    assert.equal(await settingOf(CUSTODY_SETTING), ofItsMoment)
  })

  test('is refused where the tables are missing, and says how they are made', async () => {
    const store = urlOf('restore_nowhere')
    await assert.rejects(restoring({ store }), refusal(/./, /strongroom migrate/))
  })

  test('is refused where there is a store, and where a node runs', async () => {
    const dataFolder = temporaryFolder()
    const state = await openNode(dataFolder, 'restore_from')
    const store = urlOf('restore_from')
    const known = await state.store.mail?.members()
    await assert.rejects(restoring({ store }), refusal(/node [0-9a-f-]{36} uses the store as well/))
    const still = await state.store.mail?.members()
    await state.close()
    assert.deepEqual(still, known, 'the folder that was refused is no node of the store')
    await assert.rejects(restoring({ store }), refusal(/is not empty/, /drop the schema/))
  })

  test('is refused with another root key, and where it was altered; nothing has been put in', async () => {
    const other = join(temporaryFolder(), 'root.key')
    const bytes = readFileSync(backup)
    const altered = join(folder, 'altered.srb')
    for (const at of [bytes.length - 1, bytes.length >> 1]) {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] ?? 0) ^ 1
      writeFileSync(altered, copy)
      await assert.rejects(restoring({ file: altered }), refusal(/is damaged/))
    }
    writeFileSync(altered, bytes.subarray(0, bytes.length - 40))
    await assert.rejects(restoring({ file: altered }), refusal(/is damaged/))
    await assert.rejects(restoring({ file: folder }), refusal(/is no backup/))
    await assert.rejects(restoring({ keyfile: other }), refusal(/key file .* is missing/))
    copyFileSync(keyfile, other)
    writeFileSync(other, readFileSync(other, 'latin1').replace(/[0-9a-f]{64}/, '0'.repeat(64)))
    await assert.rejects(restoring({ keyfile: other }), OperatorError)
    await assertUntouched()
    await restoring()
  })

  test('that did not come to its end is nobody’s to serve from, nor to fill again', async () => {
    const crash = new Error('the crash')
    const onProgress = (): never => {
      throw crash
    }
    await assert.rejects(restoring({ onProgress }), crash)
    const message = /a restore into this store has not come to its end/
    await assert.rejects(
      openNode(temporaryFolder(), 'restore_to'),
      refusal(message, /drop the schema/),
    )
    await assert.rejects(restoring(), refusal(/is not empty/))
    assert.equal(await settingOf(CUSTODY_SETTING), undefined)
    assert.equal(await settingOf(TRANSFER_SETTING), 'restore begun')
  })
})
