import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  aFrame,
  append,
  appendInTurn,
  keptLog,
  readAll,
  textsOf,
  tickingClock,
} from '../../../test/fault/audit-fixture.ts'
import { openMemoryAuditLog } from './memory-log.ts'

const OPTIONS = { nodeId: 'dev', clock: tickingClock(), log: keptLog() }

test('a log in memory gives back what was appended', async () => {
  const { log, files } = await openMemoryAuditLog(OPTIONS)
  const frames = Array.from({ length: 40 }, (_, n) => aFrame(n, n))
  await Promise.all(frames.map((frame) => append(log, frame)))
  assert.equal(log.head().sequence, 40)
  assert.deepEqual(textsOf(await readAll(files)), frames)
  assert.deepEqual(textsOf(await readAll(files, { from: 39 })), frames.slice(38))
  await log.close()
  assert.match(String(await append(log, aFrame(1))), /is closed/)
})

test('a log in memory keeps the newest frames only', async () => {
  const { log, files } = await openMemoryAuditLog({ ...OPTIONS, segmentBytes: 2048, segments: 3 })
  const frames = Array.from({ length: 100 }, (_, n) => aFrame(n, 200))
  await appendInTurn(log, frames)
  const kept = await readAll(files)
  assert.ok(kept.length >= 4 && kept.length < 20)
  assert.deepEqual(textsOf(kept), frames.slice(-kept.length))
  assert.ok((await files.list()).length <= 4)
  await log.close()
})
