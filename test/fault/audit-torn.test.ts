import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuditDamage } from '../../src/audit/segments/audit-log.ts'
import {
  SECTOR_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from '../../src/audit/segments/segment-format.ts'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import {
  aFrame,
  append,
  appendInTurn,
  FaultyFiles,
  keptLog,
  macKeyOf,
  openTestLog,
  readAll,
  textsOf,
} from './audit-fixture.ts'

/** A batch of three sectors and more, so that any of them can be missing. */
const LONG = 1700
const OPTIONS = { segmentBytes: 8192 }

/**
 * Two acknowledged frames, then a write of which the disk keeps what `keep` says; the process is gone
 * before it calls back.
 */
async function crashInWrite(filler: number, keepBytes: number): Promise<FaultyFiles> {
  const files = new FaultyFiles()
  const { log } = await openTestLog(files, OPTIONS)
  await appendInTurn(log, [aFrame(1), aFrame(2)])
  const cut = new Promise<void>((resolve) => {
    files.onWrite = () => {
      setImmediate(resolve)
      return { keepBytes }
    }
  })
  log.append(aFrame(3, filler), () => assert.fail('never acknowledged'))
  await cut
  return files.copy()
}

/** The whole last batch, and where it begins. */
async function lastBatch(
  filler: number,
): Promise<{ readonly files: FaultyFiles; readonly at: number; readonly length: number }> {
  const files = await crashInWrite(filler, Number.MAX_SAFE_INTEGER)
  const bytes = files.contents.get(segmentName(1))
  assert.ok(bytes)
  let end = bytes.length
  while (bytes[end - 1] === 0) end -= 1
  return { files, at: SEGMENT_HEADER_BYTES + 2 * 384, length: end - SEGMENT_HEADER_BYTES - 2 * 384 }
}

/** Opens what a crash left: nothing acknowledged is lost, it is mended once, and it verifies again. */
async function opensAndMends(files: FaultyFiles, expected: readonly string[]): Promise<number> {
  const torn = await verifyLog(files, { macKey: macKeyOf })
  assert.deepEqual(torn.problems, [])
  const { log, recovered } = await openTestLog(files, OPTIONS)
  assert.equal(recovered.tornTail !== undefined, torn.tornTail !== undefined)
  await appendInTurn(log, [aFrame(9)])
  await log.close()
  const texts = textsOf(await readAll(files))
  const recovery = texts.filter((text) => text.startsWith('{"kind":"recovered"'))
  assert.equal(recovery.length, recovered.tornTail === undefined ? 0 : 1)
  assert.deepEqual(
    texts.filter((text) => !recovery.includes(text)),
    [...expected, aFrame(9)],
  )
  const result = await verifyLog(files, { macKey: macKeyOf })
  assert.deepEqual([result.problems, result.tornTail], [[], undefined])
  return recovery.length
}

describe('a write that was cut short', () => {
  for (const { filler, step } of [
    { filler: 0, step: 1 },
    { filler: LONG, step: 5 },
  ]) {
    test(`after any ${step} bytes is overwritten at the next start`, async () => {
      const { length } = await lastBatch(filler)
      for (let kept = 1; kept < length; kept += step) {
        const files = await crashInWrite(filler, kept)
        const mended = await opensAndMends(files, [aFrame(1), aFrame(2)])
        assert.equal(mended, 1, `${kept} bytes`)
      }
    })
  }

  test('before its first byte leaves nothing to mend', async () => {
    const files = await crashInWrite(LONG, 0)
    assert.equal(await opensAndMends(files, [aFrame(1), aFrame(2)]), 0)
  })

  test('behind its last byte is in the log, although nobody was told', async () => {
    const { files } = await lastBatch(LONG)
    assert.equal(await opensAndMends(files, [aFrame(1), aFrame(2), aFrame(3, LONG)]), 0)
  })

  test('with any of its sectors missing is overwritten, too', async () => {
    const { files, at, length } = await lastBatch(LONG)
    const first = Math.floor(at / SECTOR_BYTES)
    const last = Math.floor((at + length - 1) / SECTOR_BYTES)
    const sectors = last - first + 1
    assert.ok(sectors >= 4)
    for (let missing = 1; missing < 2 ** sectors - 1; missing += 1) {
      const copy = files.copy()
      for (let sector = first; sector <= last; sector += 1) {
        if ((missing & (1 << (sector - first))) === 0) continue
        const from = Math.max(at, sector * SECTOR_BYTES)
        copy.contents.get(segmentName(1))?.fill(0, from, (sector + 1) * SECTOR_BYTES)
      }
      assert.equal(await opensAndMends(copy, [aFrame(1), aFrame(2)]), 1, `mask ${missing}`)
    }
  })

  test('is told to the reader, who ends before it', async () => {
    const files = await crashInWrite(LONG, 700)
    const places: { readonly file: string; readonly offset: number }[] = []
    const frames = await readAll(files, { onTornTail: (place) => places.push(place) })
    assert.deepEqual(textsOf(frames), [aFrame(1), aFrame(2)])
    assert.deepEqual(places, [{ file: segmentName(1), offset: SEGMENT_HEADER_BYTES + 2 * 384 }])
  })
})

describe('what is not a torn tail is damage', () => {
  const refusal = {
    name: 'OperatorError',
    message: /the audit log is damaged: audit\/segment-0+1\.log at offset \d+/,
  }

  test('a hole in a batch that others follow', async () => {
    const { files } = await lastBatch(LONG)
    const first = files.contents.get(segmentName(1))
    first?.fill(0, SEGMENT_HEADER_BYTES + 200, SEGMENT_HEADER_BYTES + 384)
    await assert.rejects(openTestLog(files, OPTIONS), refusal)
  })

  test('bytes behind a batch that was cut short', async () => {
    const { files, at, length } = await lastBatch(LONG)
    const bytes = files.contents.get(segmentName(1))
    bytes?.fill(0, at + 512, at + 1024)
    bytes?.writeUInt8(1, at + length + 3)
    await assert.rejects(openTestLog(files, OPTIONS), refusal)
  })

  test('anything that is not the beginning of a batch', async () => {
    const files = await crashInWrite(0, 0)
    files.contents.get(segmentName(1))?.write('x', SEGMENT_HEADER_BYTES + 2 * 384)
    await assert.rejects(openTestLog(files, OPTIONS), refusal)
  })

  test('a log that ends before the head that was noted', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, OPTIONS)
    await appendInTurn(log, [aFrame(1)])
    const early = files.copy()
    await appendInTurn(log, [aFrame(2)])
    const expectedHead = log.head()
    await log.close()
    await assert.rejects(openTestLog(early, { ...OPTIONS, expectedHead }), /was cut off: frame 2/)
    await assert.rejects(
      openTestLog(new FaultyFiles(), { ...OPTIONS, expectedHead }),
      /all segments are missing/,
    )
    const head = { sequence: 2, chain: '00'.repeat(32) }
    await assert.rejects(
      openTestLog(files, { ...OPTIONS, expectedHead: head }),
      /frame 2 is not the one that was written/,
    )
  })

  test('a missing segment, and a last segment without its header', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { segmentBytes: 2048 })
    await appendInTurn(
      log,
      Array.from({ length: 8 }, (_, n) => aFrame(n, 60)),
    )
    await log.close()
    const holed = files.copy()
    holed.contents.delete(segmentName(2))
    await assert.rejects(openTestLog(holed), /segment-0+2\.log at offset 0: the segment is missing/)
    files.contents.get(segmentName(3))?.fill(0, 0, 512)
    await assert.rejects(
      openTestLog(files),
      /segment-0+3\.log at offset 0: the segment header is damaged/,
    )
  })

  test('accepting it begins a segment that says so, behind every sequence that was seen', async () => {
    const { files, at } = await lastBatch(LONG)
    const bytes = files.contents.get(segmentName(1))
    bytes?.writeUInt8(0x20, SEGMENT_HEADER_BYTES + 200)
    const messages = keptLog()
    const { log, recovered } = await openTestLog(files, {
      ...OPTIONS,
      acceptDamage: true,
      log: messages,
    })
    assert.equal(recovered.acceptedDamage?.offset, SEGMENT_HEADER_BYTES)
    assert.ok(at > 0)
    assert.deepEqual(log.head().segment, 2)
    assert.equal(log.head().sequence, 4)
    assert.deepEqual(messages.messages, ['damage in the audit log was accepted'])
    await appendInTurn(log, [aFrame(5)])
    const expectedHead = log.head()
    await log.close()

    const result = await verifyLog(files, { macKey: macKeyOf, expectedHead })
    assert.equal(result.ok, false)
    assert.deepEqual(
      result.problems.map(({ segment, what }) => [segment, what]),
      [
        [segmentName(1), 'its hash does not match'],
        [segmentName(1), 'the segment has no seal, and another one follows'],
        [segmentName(2), 'the operator accepted damage before this segment'],
      ],
    )
    const again = await openTestLog(files, { ...OPTIONS, expectedHead })
    assert.equal(again.recovered.acceptedDamage, undefined)
    const places: string[] = []
    const onDamage = ({ file, what }: AuditDamage): unknown => places.push(`${file}: ${what}`)
    const sequences = (await readAll(files, { onDamage })).map(({ sequence }) => sequence)
    assert.deepEqual(sequences, [2, 3, 4, 5])
    assert.deepEqual(places, [`${segmentName(1)}: its hash does not match`])
    const from = await readAll(files, { from: 4 })
    assert.deepEqual(
      from.map(({ sequence, text }) => [sequence, text.slice(0, 25)]),
      [
        [4, '{"kind":"damage-accepted"'],
        [5, aFrame(5).slice(0, 25)],
      ],
    )
  })

  test('a log that was cut off is continued behind the noted head, once accepted', async () => {
    const { files } = await lastBatch(0)
    const expectedHead = { sequence: 77, chain: '11'.repeat(32) }
    const { log } = await openTestLog(files, { ...OPTIONS, expectedHead, acceptDamage: true })
    assert.equal(log.head().sequence, 78)
    await log.close()
    // The store may still hold the old head when the node is killed right after.
    const again = await openTestLog(files, { ...OPTIONS, expectedHead })
    assert.equal(again.log.head().sequence, 78)
  })
})

describe('a log that cannot be opened', () => {
  test('belongs to another node', async () => {
    const files = new FaultyFiles()
    await (await openTestLog(files)).log.close()
    await assert.rejects(
      openTestLog(files, { nodeId: 'node-2' }),
      /belongs to node node-1, this is node-2/,
    )
  })

  test('was written under a key that is not known; a known earlier key begins a new segment', async () => {
    const files = new FaultyFiles()
    const first = await openTestLog(files)
    await append(first.log, aFrame(1))
    await first.log.close()
    await assert.rejects(
      openTestLog(files, { macKeyId: 'newer' }),
      /with the key vector, which is not known/,
    )
    const { log } = await openTestLog(files, { macKeyId: 'newer', earlierMacKey: macKeyOf })
    assert.equal(log.head().segment, 2)
    assert.equal(log.head().sequence, 1)
    await append(log, aFrame(2))
    await log.close()
    const result = await verifyLog(files, { macKey: () => macKeyOf('vector') })
    assert.deepEqual(result.problems, [])
    assert.deepEqual(textsOf(await readAll(files)), [aFrame(1), aFrame(2)])
  })
})
