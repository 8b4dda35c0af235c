import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { appendInTurn, keptLog, NODE_ID, tickingClock } from '../../../test/fault/audit-fixture.ts'
import { callFrames } from '../../../test/support/index-fixture.ts'
import { followLog, isMarkOf, type LogMark } from './follow-log.ts'
import { openMemoryAuditLog } from './memory-log.ts'
import { RecordReader } from './record-reader.ts'
import type { SegmentFiles } from './segment-files.ts'

const FRAMES = callFrames(30)

async function logOf(frames: readonly string[], clock = tickingClock()) {
  const { log, files } = await openMemoryAuditLog({
    nodeId: NODE_ID,
    clock,
    log: keptLog(),
    segmentBytes: 4096,
    segments: 100,
  })
  await appendInTurn(log, frames)
  await log.close()
  return files
}

const noDamage = ({ what }: { readonly what: string }): never => assert.fail(what)

async function follow(files: SegmentFiles, options: { after?: LogMark; to?: number } = {}) {
  const frames: string[] = []
  const marks: LogMark[] = []
  for await (const batch of followLog(files, { ...options, onDamage: noDamage })) {
    frames.push(...batch.frames.map(({ text }) => text))
    marks.push(batch.mark)
  }
  return { frames, marks }
}

describe('following a log', () => {
  test('gives every frame from every mark on, and none twice', async () => {
    const files = await logOf(FRAMES)
    const { frames, marks } = await follow(files)
    assert.deepEqual(frames, FRAMES)
    assert.ok((marks.at(-1)?.segment ?? 0) > 3)
    for (const mark of marks) {
      assert.deepEqual((await follow(files, { after: mark })).frames, FRAMES.slice(mark.sequence))
      assert.ok(await isMarkOf(files, mark, NODE_ID))
    }
  })

  test('ends where it is told to', async () => {
    const files = await logOf(FRAMES)
    for (const to of [0, 1, 7, 30, 31]) {
      assert.deepEqual((await follow(files, { to })).frames, FRAMES.slice(0, to))
    }
  })

  test('knows a mark of another log, of another node, and behind the end of a log', async () => {
    const files = await logOf(FRAMES)
    const { marks } = await follow(files)
    const [first, last] = [marks[0], marks.at(-1)]
    assert.ok(first !== undefined && last !== undefined)
    assert.equal(await isMarkOf(files, last, 'another'), false)
    const other = await logOf(FRAMES, tickingClock(5))
    assert.equal(await isMarkOf(other, first, NODE_ID), false)
    const shorter = await logOf(FRAMES.slice(0, 2))
    assert.equal(await isMarkOf(shorter, last, NODE_ID), false)
  })

  test('goes on behind segments that are gone, whose marks stay good', async () => {
    const files = await logOf(FRAMES)
    const { marks } = await follow(files)
    const [mark] = marks
    assert.ok(mark !== undefined)
    const names = (await files.list()).filter((name) => name.startsWith('segment-')).sort()
    for (const name of names.slice(0, 3)) await files.remove(name)
    assert.ok(await isMarkOf(files, mark, NODE_ID))
    const { frames } = await follow(files, { after: mark })
    assert.deepEqual(frames, FRAMES.slice(-frames.length))
    assert.ok(frames.length > 0 && frames.length < 29)
  })
})

describe('reading a single frame', () => {
  test('gives the frame, from wherever it stands in its batch', async () => {
    const long = 'x'.repeat(2500)
    const texts = FRAMES.flatMap((text, n) => (n === 5 ? [text, JSON.stringify({ long })] : [text]))
    const files = await logOf(texts)
    const reader = new RecordReader(files)
    for await (const { frames } of followLog(files, { onDamage: noDamage })) {
      for (const frame of frames) assert.equal(await reader.read(frame), frame.text)
    }
    await reader.close()
  })

  test('refuses another sequence, another place and an altered frame; a segment that is gone has none', async () => {
    const files = await logOf(FRAMES)
    const reader = new RecordReader(files)
    const places = []
    for await (const { frames } of followLog(files, { onDamage: noDamage })) places.push(...frames)
    const [place] = places
    assert.ok(place !== undefined)
    const damaged = /is not what was written/
    await assert.rejects(reader.read({ ...place, sequence: 2 }), damaged)
    await assert.rejects(reader.read({ ...place, offset: place.offset + 128 }), damaged)
    await assert.rejects(reader.read({ ...place, offset: 1_000_000 }), damaged)
    assert.equal(await reader.read({ ...place, segment: 99 }), undefined)
    const file = await files.open('segment-0000000000000001.log', 'write')
    await new Promise((resolve) => file.write(Buffer.from('X'), 1, place.offset + 60, resolve))
    await assert.rejects(reader.read(place), damaged)
  })
})
