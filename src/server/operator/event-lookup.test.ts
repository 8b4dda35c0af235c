import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AUDIT_KEY,
  AUDIT_KEY_ID,
  append,
  keptLog,
  NODE_ID,
  tickingClock,
} from '../../../test/fault/audit-fixture.ts'
import { callFrame, callFrames, NEWEST } from '../../../test/support/index-fixture.ts'
import { openAuditLog } from '../../audit/segments/open-audit-log.ts'
import type { FolderOptions } from '../../cli/program.ts'
import { openEventLookup } from './event-lookup.ts'

/** A folder with nothing but a log, as a copy may be; the log can be written on. */
async function folderWithLog(t: TestContext) {
  const dataFolder = mkdtempSync(join(tmpdir(), 'strongroom-lookup-'))
  const { log } = await openAuditLog({
    folder: join(dataFolder, 'audit'),
    nodeId: NODE_ID,
    macKey: AUDIT_KEY,
    macKeyId: AUDIT_KEY_ID,
    clock: tickingClock(),
    log: keptLog(),
    segmentBytes: 4096,
  })
  t.after(async () => {
    await log.close()
    rmSync(dataFolder, { recursive: true })
  })
  return { options: optionsOf(dataFolder), dataFolder, log }
}

const optionsOf = (dataFolder: string): FolderOptions => ({
  dataFolder,
  store: undefined,
  keyfile: undefined,
  seal: undefined,
  passphraseFile: undefined,
  readPassphrase: () => assert.fail('no passphrase is needed'),
})

test('a folder that no node runs on is looked up without a key, and its index is kept', async (t) => {
  const { options, dataFolder, log } = await folderWithLog(t)
  for (const frame of callFrames(12)) await append(log, frame)
  const open = await openEventLookup(options)
  const progress: number[] = []
  await open.catchUp((done, of) => progress.push(done, of))
  assert.deepEqual(progress, [12, 12])
  assert.equal((await open.lookup.searchEvents(NEWEST)).events.length, 12)
  const counts = await open.lookup.countEvents({ by: ['operation'], limit: 1 })
  assert.deepEqual(
    counts.map(({ values, count }) => [...values, count]),
    [['Decrypt', 6]],
  )
  await open.lookup.reindexEvents()
  assert.deepEqual(await open.lookup.eventIndexStatus(), { sequence: 0 })
  await open.catchUp(() => undefined)
  assert.deepEqual(await open.lookup.eventIndexStatus(), { sequence: 12 })
  await open.close()
  assert.ok(existsSync(join(dataFolder, 'audit-index', 'index.db')))
})

test('following begins where the log ends, and goes on over its segments', async (t) => {
  const { options, log } = await folderWithLog(t)
  for (const frame of callFrames(7)) await append(log, frame)
  const open = await openEventLookup(options)
  const stop = new AbortController()
  const began: number[] = []
  const seen: number[] = []
  await open.follow(
    { eventName: 'Encrypt' },
    {
      async begins(sequence) {
        began.push(sequence)
        for (let n = 8; n < 24; n += 1) await append(log, callFrame(n))
      },
      async write({ sequence }) {
        seen.push(sequence)
        if (sequence === 22) stop.abort()
      },
    },
    stop.signal,
  )
  await open.close()
  assert.deepEqual(began, [7])
  assert.deepEqual(seen, [8, 10, 12, 14, 16, 18, 20, 22])
})

test('without a log there is nothing to look up, and no store to find an alias in', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-lookup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await assert.rejects(openEventLookup(optionsOf(folder)), {
    name: 'OperatorError',
    message: /there is no audit log/,
  })
  const { options, log } = await folderWithLog(t)
  await append(log, callFrame(1))
  const open = await openEventLookup(options)
  await assert.rejects(open.lookup.findKeyArn({ key: 'alias/app' }), {
    name: 'OperatorError',
    message: /there is no Strongroom store/,
  })
  await open.close()
})
