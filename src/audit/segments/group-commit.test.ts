import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  aFrame,
  append,
  appendInTurn,
  FaultyFiles,
  macKeyOf,
  openTestLog,
  readAll,
  textsOf,
} from '../../../test/fault/audit-fixture.ts'
import { FRAME_BYTES_MAX, segmentName } from './segment-format.ts'
import { verifyLog } from './verify-log.ts'

const framesFrom = (from: number, count: number, filler = 0): string[] =>
  Array.from({ length: count }, (_, n) => aFrame(from + n, filler))

describe('the audit log', () => {
  test('gives back what was appended, over many segments and openings', async () => {
    const files = new FaultyFiles()
    const all: string[] = []
    for (let round = 0; round < 4; round += 1) {
      const { log } = await openTestLog(files, { segmentBytes: 4096 })
      const frames = framesFrom(round * 20, 20, round * 120)
      await appendInTurn(log, frames.slice(0, 5))
      await Promise.all(frames.slice(5).map((frame) => append(log, frame)))
      all.push(...frames)
      assert.equal(log.head().sequence, all.length)
      await log.close()
    }
    const frames = await readAll(files)
    assert.deepEqual(textsOf(frames), all)
    assert.deepEqual(
      frames.map(({ sequence }) => sequence),
      all.map((_, n) => n + 1),
    )
    const result = await verifyLog(files, { macKey: macKeyOf })
    assert.deepEqual([result.ok, result.frames], [true, all.length])
    for (const from of [1, 2, 33, 80, 81]) {
      assert.deepEqual(textsOf(await readAll(files, { from })), all.slice(from - 1))
    }
    for (const { segment, offset, text } of frames) {
      const bytes = files.contents.get(segmentName(segment))
      assert.equal(bytes?.toString('utf8', offset + 52, offset + 52 + text.length), text)
    }
  })

  test('is empty at first, and has no head', async () => {
    const files = new FaultyFiles()
    const { log, recovered } = await openTestLog(files)
    assert.deepEqual(log.head(), { sequence: 0, chain: '00'.repeat(32), segment: 1 })
    assert.deepEqual(recovered, { tornTail: undefined, acceptedDamage: undefined })
    await log.close()
    assert.deepEqual(await readAll(files), [])
    assert.equal((await verifyLog(files, { macKey: macKeyOf })).ok, true)
  })

  test('puts frames of one turn into one write', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { segmentBytes: 65_536 })
    const before = files.writes.length
    await Promise.all(framesFrom(0, 64).map((frame) => append(log, frame)))
    assert.equal(files.writes.length, before + 1)
    const { batchesWritten, framesWritten, lastBatchFrames, waitingFrames } = log.stats()
    assert.deepEqual(
      [batchesWritten, framesWritten, lastBatchFrames, waitingFrames],
      [1, 64, 64, 0],
    )
  })

  test('gathers what comes while a write is under way into the next one', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { segmentBytes: 65_536 })
    let later: Promise<unknown>[] = []
    files.onWrite = () => {
      if (later.length === 0) later = framesFrom(1, 30).map((frame) => append(log, frame))
      return undefined
    }
    await append(log, aFrame(0))
    await Promise.all(later)
    assert.equal(log.stats().batchesWritten, 2)
    assert.equal(log.stats().lastBatchFrames, 30)
  })

  test('calls back in the order of the appends', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { segmentBytes: 2048 })
    const order: number[] = []
    for (let n = 0; n < 60; n += 1) log.append(aFrame(n, n * 10), () => order.push(n))
    await log.close()
    assert.deepEqual(
      order,
      framesFrom(0, 60).map((_, n) => n),
    )
    assert.equal((await verifyLog(files, { macKey: macKeyOf })).ok, true)
  })

  test('closes once everything that waits is written', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files)
    const done = framesFrom(0, 10, 1000).map((frame) => append(log, frame))
    await Promise.all([log.close(), log.close()])
    assert.deepEqual(
      await Promise.all(done),
      Array.from({ length: 10 }, () => undefined),
    )
    assert.equal((await readAll(files)).length, 10)
  })

  test('a callback that throws does not keep the others from being called', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files)
    const thrown = new Error('a bug of the caller')
    const uncaught = new Promise<unknown>((resolve) => {
      process.setUncaughtExceptionCaptureCallback(resolve)
    })
    log.append(aFrame(1), () => {
      throw thrown
    })
    assert.equal(await append(log, aFrame(2)), undefined)
    assert.equal(await uncaught, thrown)
    process.setUncaughtExceptionCaptureCallback(null)
  })

  test('takes frames of 1 MiB, and text beyond ASCII', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { segmentBytes: 4_194_304 })
    const frames = ['{"kind":"ßø€𝄞"}', 'x'.repeat(FRAME_BYTES_MAX), '€'.repeat(349_525), aFrame(1)]
    assert.deepEqual(await Promise.all(frames.map((frame) => append(log, frame))), [
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    assert.match(String(await append(log, 'x'.repeat(FRAME_BYTES_MAX + 1))), /larger than 1048576/)
    await log.close()
    assert.deepEqual(textsOf(await readAll(files)), frames)
    assert.equal((await verifyLog(files, { macKey: macKeyOf })).ok, true)
  })

  test('takes another size for its segments with the next one', async () => {
    const files = new FaultyFiles()
    await (await openTestLog(files, { segmentBytes: 2048 })).log.close()
    const { log } = await openTestLog(files, { segmentBytes: 16_384 })
    await appendInTurn(log, [aFrame(1), aFrame(2, 9000), aFrame(3)])
    await log.close()
    const sizes = [...files.contents.values()].map((bytes) => bytes.length)
    assert.deepEqual(sizes, [2048, 16_384])
    assert.equal((await verifyLog(files, { macKey: macKeyOf })).frames, 3)
  })
})
