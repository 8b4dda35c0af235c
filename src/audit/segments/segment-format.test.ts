import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  AUDIT_KEY,
  AUDIT_KEY_ID,
  append,
  FaultyFiles,
  NODE_ID,
  openTestLog,
} from '../../../test/fault/audit-fixture.ts'
import { batchBytesFor, decodeBatchHeader, outboxIdOf } from './batch-format.ts'
import {
  checkSealMac,
  checkSegmentHeaderMac,
  decodeSeal,
  decodeSegmentHeader,
  encodeSeal,
  encodeSegmentHeader,
  isSegmentSize,
  NO_CHAIN,
  readU64,
  type Seal,
  type SegmentHeader,
  segmentName,
  segmentNumberOf,
  writeU64,
} from './segment-format.ts'

const HEADER: SegmentHeader = {
  sizeBytes: 4096,
  number: 3,
  firstSequence: 2 ** 40,
  createdAt: 1_790_000_000_000,
  outboxHigh: 12,
  previousChain: 'c'.repeat(32),
  nodeId: 'knoten-ß',
  macKeyId: 'k'.repeat(64),
  afterDamage: true,
}

const SEAL: Seal = {
  endOffset: 3072,
  batches: 4,
  firstSequence: 5,
  lastSequence: 2 ** 33,
  sealedAt: 1_790_000_000_001,
  outboxLowest: 1,
  outboxHighest: 9,
  outboxHigh: 12,
  chain: 'd'.repeat(32),
  chainStart: NO_CHAIN,
}

/** The `hex` block of the format's page, as bytes. */
function vectorOfThePage(): Buffer {
  const page = readFileSync(
    new URL('../../../docs/formats/audit-segments.md', import.meta.url),
    'utf8',
  )
  const block = /```hex\n([^`]+)```/.exec(page)?.[1]
  assert.ok(block)
  return Buffer.from(block.replaceAll(/\s/g, ''), 'hex')
}

describe('the format of audit segments', () => {
  test('is the one on its page, byte for byte', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { segmentBytes: 4096 })
    const done = [
      append(log, '{"kind":"call","internal":{"time":1},"records":[]}'),
      append(log, '{"kind":"call","internal":{"outbox":7,"time":2},"records":[]}'),
    ]
    assert.deepEqual(await Promise.all(done), [undefined, undefined])
    const bytes = files.contents.get(segmentName(1))
    assert.ok(bytes)
    const vector = vectorOfThePage()
    assert.equal(bytes.subarray(0, vector.length).toString('hex'), vector.toString('hex'))
    assert.ok(bytes.subarray(vector.length).every((byte) => byte === 0))
  })

  test('gives a segment header back as it was', () => {
    const bytes = encodeSegmentHeader(HEADER, AUDIT_KEY)
    assert.equal(bytes.length, 512)
    assert.deepEqual(decodeSegmentHeader(bytes), HEADER)
    assert.equal(checkSegmentHeaderMac(bytes, AUDIT_KEY), true)
    bytes.writeUInt8(bytes.readUInt8(511) ^ 1, 511)
    assert.equal(checkSegmentHeaderMac(bytes, AUDIT_KEY), false)
  })

  test('gives a seal back as it was', () => {
    const bytes = encodeSeal(SEAL, AUDIT_KEY)
    assert.equal(bytes.length, 256)
    assert.deepEqual(decodeSeal(bytes), SEAL)
    assert.equal(checkSealMac(bytes, AUDIT_KEY), true)
    bytes.writeUInt8(bytes.readUInt8(255) ^ 1, 255)
    assert.equal(checkSealMac(bytes, AUDIT_KEY), false)
  })

  test('has no segment header, seal or batch in other bytes', () => {
    for (const size of [0, 256, 512]) {
      assert.equal(decodeSegmentHeader(Buffer.alloc(size)), undefined)
      assert.equal(decodeSeal(Buffer.alloc(size, 0xff)), undefined)
    }
    assert.equal(decodeBatchHeader(Buffer.alloc(128)), undefined)
  })

  test('has file names that sort like their numbers', () => {
    assert.equal(segmentName(12), 'segment-0000000000000012.log')
    assert.equal(segmentNumberOf(segmentName(12)), 12)
    for (const name of ['next.log', 'segment-12.log', 'segment-0000000000000000.log', 'x']) {
      assert.equal(segmentNumberOf(name), undefined)
    }
  })

  test('has numbers of 64 bits, of which 53 are used', () => {
    const bytes = Buffer.alloc(8)
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      writeU64(bytes, value, 0)
      assert.equal(readU64(bytes, 0), value)
      assert.equal(bytes.readBigUInt64BE(0), BigInt(value))
    }
    bytes.fill(0xff)
    assert.equal(Number.isNaN(readU64(bytes, 0)), true)
  })

  test('has batches of whole alignment units, and segments of whole sectors', () => {
    assert.equal(batchBytesFor(48), 256)
    assert.equal(batchBytesFor(49), 384)
    assert.equal(isSegmentSize(2048), true)
    for (const size of [0, 1536, 2049, 2 ** 31, Number.NaN])
      assert.equal(isSegmentSize(size), false)
  })
})

describe('the outbox id of a frame', () => {
  const cases: readonly [string, number][] = [
    ['{"kind":"call","internal":{"outbox":42,"time":1},"records":[]}', 42],
    ['{"kind":"call","internal":{"outbox":7},"records":[]}', 7],
    ['{"kind":"call","internal":{"time":1,"outbox":42},"records":[]}', 0],
    ['{"kind":"call","internal":{"time":1},"records":["\\"internal\\":{\\"outbox\\":5"]}', 0],
    ['{"kind":"call","records":[]}', 0],
    ['{"kind":"call","internal":{"outbox":99999999999999999999},"records":[]}', 0],
    ['', 0],
  ]
  for (const [frame, id] of cases) {
    test(`is ${id} in ${frame.slice(0, 60)}`, () => assert.equal(outboxIdOf(frame), id))
  }
})

test('names of nodes and keys have 1 to 64 bytes', async () => {
  for (const name of ['', 'x'.repeat(65), 'ß'.repeat(33)]) {
    const files = new FaultyFiles()
    await assert.rejects(openTestLog(files, { nodeId: name }), { name: 'OperatorError' })
    await assert.rejects(openTestLog(files, { macKeyId: name }), { name: 'OperatorError' })
  }
  await assert.rejects(openTestLog(new FaultyFiles(), { segmentBytes: 1000 }), /multiple of 512/)
  assert.equal(NODE_ID.length > 0 && AUDIT_KEY_ID.length > 0, true)
})
