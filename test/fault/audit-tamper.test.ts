import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { decodeBatchHeader } from '../../src/audit/segments/batch-format.ts'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import {
  BATCH_ALIGNMENT,
  BATCH_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from '../../src/audit/segments/segment-format.ts'
import {
  type NotedHead,
  type VerifyOptions,
  verifyLog,
} from '../../src/audit/segments/verify-log.ts'
import {
  aFrame,
  appendInTurn,
  FaultyFiles,
  macKeyOf,
  openTestLog,
  readAll,
  textsOf,
} from './audit-fixture.ts'

const SEGMENT_BYTES = 2048

interface Written {
  readonly files: FaultyFiles
  readonly head: { readonly sequence: number; readonly chain: string }
}

/** Three segments, the last one not full. */
async function writeLog(): Promise<Written> {
  const files = new FaultyFiles()
  const { log } = await openTestLog(files, { segmentBytes: SEGMENT_BYTES })
  await appendInTurn(
    log,
    Array.from({ length: 8 }, (_, n) => aFrame(n, 60)),
  )
  const head = log.head()
  await log.close()
  assert.deepEqual([...files.contents.keys()], [1, 2, 3].map(segmentName))
  return { files, head }
}

/** Copies the log, changes the copy and says whether the verifier noticed. */
async function notices(
  { files }: Written,
  change: (contents: Map<string, Buffer>) => void,
  options: VerifyOptions = { macKey: macKeyOf },
): Promise<boolean> {
  const copy = files.copy()
  change(copy.contents)
  const result = await verifyLog(copy, options)
  return !result.ok || result.tornTail !== undefined
}

function bytesOf(contents: Map<string, Buffer>, number: number): Buffer {
  const bytes = contents.get(segmentName(number))
  assert.ok(bytes)
  return bytes
}

/** The batches of a segment, as places in its bytes. */
function batchesOf(bytes: Buffer): { readonly at: number; readonly end: number }[] {
  const batches = []
  for (let at = SEGMENT_HEADER_BYTES; at + BATCH_HEADER_BYTES < bytes.length; ) {
    const header = decodeBatchHeader(bytes.subarray(at, at + BATCH_HEADER_BYTES))
    if (header === undefined) break
    batches.push({ at, end: at + header.lengthBytes })
    at += header.lengthBytes
  }
  return batches
}

describe('a changed audit log does not verify', () => {
  let written: Written
  before(async () => {
    written = await writeLog()
  })

  test('the unchanged log does', async () => {
    const options = { macKey: macKeyOf, expectedHead: written.head }
    const result = await verifyLog(written.files, options)
    assert.deepEqual(result.problems, [])
    assert.equal(result.ok, true)
    assert.equal(result.macsChecked, true)
    assert.equal(result.frames, 8)
    assert.deepEqual(result.head, { sequence: written.head.sequence, chain: written.head.chain })
  })

  // Two ways over one segment each, a third over the last: every structure meets each kind of change.
  for (const [name, mask, number] of [
    ['flipping all bits', 0xff, 1],
    ['flipping the lowest bit', 0x01, 2],
    ['flipping the highest bit', 0x80, 3],
  ] as const) {
    test(`${name} of any byte of segment ${number}`, async () => {
      const missed: string[] = []
      const file = segmentName(number)
      for (const bytes of [bytesOf(written.files.contents, number)]) {
        for (let at = 0; at < bytes.length; at += 1) {
          const noticed = await notices(written, (contents) => {
            const copy = contents.get(file)
            assert.ok(copy)
            copy.writeUInt8(copy.readUInt8(at) ^ mask, at)
          })
          if (!noticed) missed.push(`${file}:${at}`)
        }
      }
      assert.deepEqual(missed, [])
    })
  }

  test('a flipped byte of an acknowledged batch never opens as a torn tail', async () => {
    const last = bytesOf(written.files.contents, 3)
    const batch = batchesOf(last).at(-1)
    assert.ok(batch)
    const opened: number[] = []
    for (let at = batch.at; at < batch.end; at += 1) {
      const copy = written.files.copy()
      bytesOf(copy.contents, 3).writeUInt8(last.readUInt8(at) ^ 0x01, at)
      await openTestLog(copy).then(
        () => opened.push(at),
        (error: unknown) =>
          assert.match(String(error), /damaged: audit\/segment-0+3\.log at offset/),
      )
    }
    assert.deepEqual(opened, [])
  })

  test('without the key any byte outside the MACs', async () => {
    const bytes = bytesOf(written.files.contents, 1)
    const macs = new Set<number>()
    const addMac = (from: number): void => {
      for (let at = from; at < from + 32; at += 1) macs.add(at)
    }
    addMac(480)
    addMac(bytes.length - 32)
    for (const { end } of batchesOf(bytes)) addMac(end - 48)
    for (let at = 0; at < bytes.length; at += 1) {
      const change = (contents: Map<string, Buffer>): void => {
        const copy = bytesOf(contents, 1)
        copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at)
      }
      assert.equal(await notices(written, change, {}), !macs.has(at), `byte ${at}`)
    }
  })

  test('a log that contradicts what was noted elsewhere', async () => {
    const heads: NotedHead[] = []
    for (const at of [3, 8]) {
      const files = new FaultyFiles()
      const { log } = await openTestLog(files, { segmentBytes: SEGMENT_BYTES })
      await appendInTurn(
        log,
        Array.from({ length: at }, (_, n) => aFrame(n, 60)),
      )
      heads.push({ ...log.head(), nodeId: 'node-1', where: `line ${at}` })
      await log.close()
    }
    const told = async (noted: readonly NotedHead[]): Promise<string[]> =>
      (await verifyLog(written.files, { noted })).problems.map(
        ({ sequence, what }) => `${sequence} ${what}`,
      )
    assert.deepEqual(await told(heads), [])
    const [first, last] = heads
    assert.ok(first !== undefined && last !== undefined)
    const chain = '00'.repeat(32)
    assert.deepEqual(await told([{ ...first, chain }]), [
      '3 it is not the frame that was noted in line 3',
    ])
    assert.match(
      (await told([{ ...last, sequence: 9 }])).join(),
      /^9 the log was cut off or rolled/,
    )
    assert.deepEqual(await told([{ ...last, sequence: 9, nodeId: 'other' }]), [])
    assert.deepEqual(await told([{ ...first, chain, nodeId: 'other' }]), [])
  })

  test('without the key the result says that MACs were not checked', async () => {
    const result = await verifyLog(written.files)
    assert.equal(result.ok, true)
    assert.equal(result.macsChecked, false)
  })

  test('with another key every segment', async () => {
    const other = createSecretKey(Buffer.alloc(32, 7))
    const result = await verifyLog(written.files, { macKey: () => other })
    const segments = new Set(result.problems.map(({ segment }) => segment))
    assert.equal(segments.size, 3)
  })

  test('cutting the first or the last file at any length', async () => {
    for (const number of [1, 3]) {
      const file = segmentName(number)
      const bytes = bytesOf(written.files.contents, number)
      for (let length = 0; length < bytes.length; length += 1) {
        const noticed = await notices(written, (contents) => {
          contents.set(file, bytes.subarray(0, length))
        })
        assert.ok(noticed, `${file} cut to ${length}`)
      }
    }
  })

  test('removing any segment, where the head is known', async () => {
    for (const name of written.files.contents.keys()) {
      const options = { macKey: macKeyOf, expectedHead: written.head }
      assert.ok(await notices(written, (contents) => contents.delete(name), options), name)
    }
  })

  test('removing any segment but the last, where no head is known', async () => {
    for (const number of [1, 2]) {
      assert.ok(await notices(written, (contents) => contents.delete(segmentName(number))))
    }
  })

  test('zeroing the last batches, where the head is known', async () => {
    const change = (contents: Map<string, Buffer>): void => {
      bytesOf(contents, 3).fill(0, SEGMENT_HEADER_BYTES)
    }
    assert.equal(await notices(written, change), false)
    const options = { macKey: macKeyOf, expectedHead: written.head }
    assert.equal(await notices(written, change, options), true)
  })

  test('exchanging two segments', async () => {
    assert.ok(
      await notices(written, (contents) => {
        const first = bytesOf(contents, 1)
        contents.set(segmentName(1), bytesOf(contents, 2))
        contents.set(segmentName(2), first)
      }),
    )
  })

  test('repeating a segment under the next number', async () => {
    assert.ok(
      await notices(written, (contents) => contents.set(segmentName(4), bytesOf(contents, 3))),
    )
  })

  const moved: readonly [string, (bytes: Buffer) => void][] = [
    [
      'dropping a batch and closing the gap',
      (bytes) => {
        const [first] = batchesOf(bytes)
        assert.ok(first)
        bytes.copy(bytes, first.at, first.end, bytes.length - 256)
      },
    ],
    [
      'zeroing a batch that is not the last',
      (bytes) => {
        const [first] = batchesOf(bytes)
        assert.ok(first)
        bytes.fill(0, first.at, first.end)
      },
    ],
    [
      'exchanging two batches',
      (bytes) => {
        const [first, second] = batchesOf(bytes)
        assert.ok(first && second)
        const kept = Buffer.from(bytes.subarray(first.at, first.end))
        const length = bytes.copy(bytes, first.at, second.at, second.end)
        kept.copy(bytes, first.at + length)
      },
    ],
    [
      'repeating the last batch behind it',
      (bytes) => {
        const last = batchesOf(bytes).at(-1)
        assert.ok(last)
        bytes.copy(bytes, last.end, last.at, last.end)
      },
    ],
  ]
  for (const [name, change] of moved) {
    test(name, async () => {
      for (const number of [1, 2, 3]) {
        if (number === 3 && batchesOf(bytesOf(written.files.contents, 3)).length < 2) continue
        assert.ok(
          await notices(written, (contents) => change(bytesOf(contents, number))),
          `segment ${number}`,
        )
      }
    })
  }

  test('inserting a batch of another log of the same node', async () => {
    const other = await writeLog()
    const foreign = new FaultyFiles()
    const { log } = await openTestLog(foreign, { segmentBytes: SEGMENT_BYTES })
    await appendInTurn(log, [aFrame(100, 60), aFrame(101, 60)])
    await log.close()
    const [, second] = batchesOf(bytesOf(foreign.contents, 1))
    assert.ok(second)
    const from = bytesOf(foreign.contents, 1).subarray(second.at, second.end)
    assert.ok(await notices(other, (contents) => from.copy(bytesOf(contents, 1), second.at)))
  })

  test('the verifier goes on behind a problem and names the frame', async () => {
    const copy = written.files.copy()
    const [first] = batchesOf(bytesOf(copy.contents, 1))
    assert.ok(first)
    copy.contents.get(segmentName(1))?.writeUInt8(0, first.at + BATCH_ALIGNMENT + 60)
    const result = await verifyLog(copy, { macKey: macKeyOf })
    const [problem] = result.problems
    assert.equal(problem?.segment, segmentName(1))
    assert.equal(problem?.offset, first.at)
    assert.equal(problem?.sequence, 1)
    assert.equal(result.frames, 7)
    assert.equal(result.head.sequence, 8)
  })

  test('the reader hands out what is before the damage, then throws', async () => {
    const copy = written.files.copy()
    const [, second] = batchesOf(bytesOf(copy.contents, 2))
    assert.ok(second)
    copy.contents.get(segmentName(2))?.fill(0x20, second.at + 200, second.at + 201)
    const all = textsOf(await readAll(written.files))
    const seen: string[] = []
    await assert.rejects(
      async () => {
        for await (const { text } of readFrames(copy)) seen.push(text)
      },
      { name: 'IntegrityError' },
    )
    assert.ok(seen.length > 0 && seen.length < all.length)
    assert.deepEqual(seen, all.slice(0, seen.length))
  })
})
