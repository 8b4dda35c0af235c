import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
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
import { callFrames, NEWEST, sequences } from '../../../test/support/index-fixture.ts'
import { openAuditLog } from '../segments/open-audit-log.ts'
import { IndexThread } from './index-thread.ts'

async function threadOver(t: TestContext, frames: number) {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-index-'))
  const log = keptLog()
  const { log: audit } = await openAuditLog({
    folder: join(folder, 'audit'),
    nodeId: NODE_ID,
    macKey: AUDIT_KEY,
    macKeyId: AUDIT_KEY_ID,
    clock: tickingClock(),
    log,
    segmentBytes: 8192,
  })
  for (const frame of callFrames(frames)) await append(audit, frame)
  const index = new IndexThread({
    folder: join(folder, 'audit'),
    nodeId: NODE_ID,
    file: join(folder, 'index.db'),
    head: () => audit.head().sequence,
    log,
  })
  t.after(async () => {
    await index.close()
    await audit.close()
    rmSync(folder, { recursive: true })
  })
  return { index, audit, log, file: join(folder, 'index.db') }
}

test('the thread of the index answers from all that is durable, and keeps the kind of refusals', async (t) => {
  const { index, audit, log } = await threadOver(t, 5)
  assert.equal(index.stats().lagFrames, 5)
  assert.deepEqual(await sequences(index), [5, 4, 3, 2, 1])
  assert.deepEqual([index.sequence, index.stats().lagFrames], [5, 0])
  for (const frame of callFrames(2, 5)) await append(audit, frame)
  assert.equal(index.stats().lagFrames, 2)
  await index.catchUp()
  assert.deepEqual([index.sequence, index.stats().events], [7, 7])
  const counts = await index.counts({ by: ['operation'], limit: 10 })
  assert.deepEqual(
    counts.map(({ values, count }) => [...values, count]),
    [
      ['Encrypt', 4],
      ['Decrypt', 3],
    ],
  )
  assert.equal((await index.requestFrames('request-3')).length, 1)
  await assert.rejects(index.search({ ...NEWEST, after: '!' }), { name: 'OperatorError' })
  await index.forgetBelow(4)
  assert.deepEqual(await sequences(index), [7, 6, 5, 4])
  await index.reset()
  assert.deepEqual(await sequences(index), [7, 6, 5, 4, 3, 2, 1])
  assert.deepEqual(log.messages, [])
})

test('a thread of the index that was closed refuses, and is not started to be closed', async (t) => {
  const { index } = await threadOver(t, 1)
  await index.close()
  await assert.rejects(index.search(NEWEST), /has ended/)
  await index.catchUp()
  await index.close()
})

test('a failing index is told of once, and that it works again, too', async (t) => {
  const { index, audit, log, file } = await threadOver(t, 1)
  mkdirSync(file)
  await index.catchUp()
  await index.catchUp()
  const failed = 'the index of the audit log could not be brought up to date'
  assert.deepEqual(log.messages, [failed])
  await assert.rejects(index.search(NEWEST), /could not be opened/)
  rmdirSync(file)
  await index.catchUp()
  assert.equal(index.sequence, audit.head().sequence)
  await append(audit, callFrames(2)[1] ?? '')
  await index.catchUp()
  const again = 'the index of the audit log is brought up to date again'
  assert.deepEqual(log.messages, [failed, again])
})

test('closing does not wait for a question that takes long', async (t) => {
  const { index } = await threadOver(t, 300)
  const question = index.search(NEWEST)
  const outcome = question.then(
    () => 'answered',
    (error: unknown) => String(error),
  )
  await index.close()
  assert.match(await outcome, /answered|has ended/)
})
