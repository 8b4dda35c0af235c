import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aFrame, appendInTurn, keptLog, tickingClock } from '../../../test/fault/audit-fixture.ts'
import { findFrame } from './find-frame.ts'
import { openMemoryAuditLog } from './memory-log.ts'

const OPTIONS = { nodeId: 'dev', clock: tickingClock(), log: keptLog() }

test('the newest frame that is wanted is found, in whatever segment, while the log is live', async () => {
  const { log, files } = await openMemoryAuditLog({ ...OPTIONS, segmentBytes: 2048, segments: 50 })
  const frames = Array.from({ length: 60 }, (_, n) => aFrame(n, 200))
  await appendInTurn(log, frames)
  assert.ok((await files.list()).length > 5)
  for (const wanted of [0, 1, 30, 58, 59]) {
    assert.equal(await findFrame(files, (text) => text === frames[wanted]), frames[wanted])
  }
  let seen = 0
  const newest = await findFrame(files, () => ++seen > 0)
  assert.equal(newest, frames[59])
  assert.ok(seen < frames.length / 2, 'earlier segments are not read')
  assert.equal(await findFrame(files, () => false), undefined)
  const isFirst = (text: string) => text === frames[0]
  assert.equal(await findFrame(files, isFirst, { segmentsMax: 2 }), undefined)
  await log.close()
})

test('where there is no log that is told', async () => {
  await assert.rejects(
    findFrame('/nowhere/at/all', () => true),
    /there is no audit log/,
  )
})
