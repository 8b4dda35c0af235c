import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { parseTrustedKeys } from '../../src/audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../src/audit/trail/verify-trail.ts'
import { instant } from '../../src/core/ids.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  aRecord,
  ChainMaker,
  type Change,
  type MadeRecord,
  makeTrail,
  memoryCopy,
  TRAIL_START,
} from '../support/trail-maker.ts'
import {
  atHour,
  END,
  type Files,
  FOREIGN,
  findings,
  HOUR_MS,
  isOf,
  isTold,
  KEY,
  KEYS,
  PLACE,
  pathOf,
  UNTIL,
} from './audit-trail-fixture.ts'

describe('records', () => {
  const trail = makeTrail(KEY)
  const [first = ''] = [...trail.files.keys()].filter((name) => name.includes('/CloudTrail/'))

  for (const [what, change] of [
    ['removed', (records: string[]) => records.slice(1)],
    ['reordered', (records: string[]) => records.toReversed()],
    ['inserted', (records: string[]) => [aRecord(PLACE, 99, TRAIL_START + 1).text, ...records]],
    ['twice', (records: string[]) => [...records, ...records.slice(-1)]],
    ['altered', ([one = '', ...rest]: string[]) => [one.replace('Encrypt', 'Decrypt'), ...rest]],
  ] as const) {
    test(`${what}, and compressed as they were before, are found`, async () => {
      const files = new Map(trail.files)
      const content = gunzipSync(files.get(first) ?? '').toString()
      const records = content.slice('{"Records":['.length, -2).split(/(?<=\}),(?=\{"eventVersion)/)
      assert.ok(records.length > 1)
      files.set(first, gzipSync(`{"Records":[${change(records).join(',')}]}`))
      await isTold(files, /was altered: its hash is not the one that its digest names/)
      assert.equal((await findings(files)).length, 1)
    })
  }

  test('that are compressed anew, and say the same, are found', async () => {
    const files = new Map(trail.files)
    files.set(first, gzipSync(gunzipSync(files.get(first) ?? ''), { level: 1 }))
    await isTold(files, /was altered in its compressed bytes/)
  })
})

describe('a digest that is signed anew', () => {
  /** Hour by hour, with another signer from `from` on. */
  function chain(from: number, to: number, change?: Change): Files {
    const files: Files = new Map()
    const maker = new ChainMaker(files, { ...PLACE, key: KEY, start: END - 4 * HOUR_MS })
    for (let hour = 0; hour < 4; hour += 1) {
      const time = END - (4 - hour) * HOUR_MS + 60_000
      const logFiles = [maker.logFile([aRecord(PLACE, hour + 1, time)], time)]
      const isForeign = hour >= from && hour < to
      maker.digest(logFiles, {
        sequence: hour + 1,
        ...(isForeign && { key: FOREIGN, ...(change && { change }) }),
      })
    }
    return files
  }

  test('is found where its key is another', async () => {
    assert.deepEqual(await findings(chain(9, 9)), [])
    const found = await findings(chain(1, 2))
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', /is signed with a key that was not given/)
  })

  test('is found where it names the right key all the same', async () => {
    const change: Change = (digest) => {
      digest.digestPublicKeyFingerprint = KEY.fingerprint
    }
    await isTold(chain(1, 2, change), /does not match its signature/)
  })

  test('with everything behind it: every one is found', async () => {
    assert.equal((await findings(chain(2, 4))).length, 2)
    assert.equal((await findings(chain(0, 4))).length, 4)
  })

  test('is found where its key was not valid then, as far as the file says when', async () => {
    const during = (from: string, to: string): string =>
      `Valid from:  ${from}\nValid to:    ${to}\n${KEY.publicPem}`
    const told = (text: string): Promise<readonly string[]> =>
      findings(chain(9, 9), { keys: parseTrustedKeys(text) })
    assert.deepEqual(await told(during('2026-01-31T21:00:00.000Z', '2026-02-01T01:00:00.000Z')), [])
    for (const [text, expected] of [
      [during('2026-01-31T21:00:00.000Z', '2026-02-01T00:30:00.000Z'), 1],
      [during('2026-01-31T22:30:00.000Z', '2027-01-01T00:00:00.000Z'), 1],
      [during('2027-01-01T00:00:00.000Z', '2027-02-01T00:00:00.000Z'), 4],
    ] as const) {
      const found = await told(text)
      assert.equal(found.length, expected)
      assert.match(found[0] ?? '', /is signed with the key [0-9a-f]{32}, which was not valid then/)
    }
    assert.throws(() => parseTrustedKeys(during('yesterday', 'x')), /a time that is none/)
  })

  test('is no finding with a key that was given, too', async () => {
    const keys = parseTrustedKeys(`the first\n${KEY.publicPem}\nand the next\n${FOREIGN.publicPem}`)
    assert.deepEqual(await findings(chain(2, 4), { keys }), [])
  })
})

const ofLogFile =
  (member: string, value: unknown): Change =>
  (digest) => {
    const [file] = digest.logFiles
    if (file !== undefined) file[member] = value
  }

describe('a digest that is signed with the right key and says what is not so', () => {
  const WRONG = 'ab'.repeat(32)
  const cases: readonly (readonly [string, Change, RegExp])[] = [
    ['its place', (d) => void (d.digestS3Object = `${d.digestS3Object}x`), /place of another/],
    ['its bucket', (d) => void (d.digestS3Bucket = 'other'), /place of another/],
    ['its account', (d) => void (d.awsAccountId = ACCOUNT_A), /belongs to account/],
    ['its end', (d) => void (d.digestEndTime = '2026-01-31T22:30:00Z'), /its name says otherwise/],
    ['its beginning', (d) => void (d.digestStartTime = '2026-01-31T22:30:00Z'), /leaves a gap/],
    ['an earlier one', (d) => void (d.digestStartTime = '2026-01-31T21:30:00Z'), /covers time/],
    ['a window of no length', (d) => void (d.digestStartTime = d.digestEndTime), /ends before/],
    ['the hash before', (d) => void (d.previousDigestHashValue = WRONG), /with another hash/],
    ['the bytes before', (d) => void (d.strongroom['previousGzipHash'] = WRONG), /compressed/],
    ['the signature before', (d) => void (d.previousDigestSignature = 'abcd'), /another signature/],
    ['the digest before', (d) => void (d.previousDigestS3Object = 'x'), /is missing/],
    ['the log', (d) => void (d.strongroom['sequence'] = 3), /goes back to frame 3/],
    ['where frame 24 was', (d) => void (d.strongroom['chain'] = WRONG), /was another at frame 24/],
    [
      'that it is not kept',
      (d) => void (d.strongroom['keptSince'] = '2027-01-01T00:00:00Z'),
      /not kept itself/,
    ],
    [
      'its newest event',
      (d) => void (d['newestEventTime'] = '2026-01-31T22:59:59Z'),
      /names other times/,
    ],
    ['how many records', ofLogFile('recordCount', 9), /has \d records, its digest says 9/],
    ['their tree', ofLogFile('merkleRoot', WRONG), /another Merkle root/],
    ['their hash', ofLogFile('hashValue', WRONG), /its hash is not the one/],
    ['their bytes', ofLogFile('gzipHash', WRONG), /in its compressed bytes/],
    ['their frames', ofLogFile('firstSequence', 1), /which do not follow frame 12/],
    ['frames to come', ofLogFile('lastSequence', 99), /holds frames \d+ to 99/],
    [
      'their times',
      ofLogFile('oldestEventTime', '2026-01-31T22:00:00Z'),
      /begins at .*, its digest says/,
    ],
    ['their bucket', ofLogFile('s3Bucket', 'other'), /no log file of its account and Region/],
    ['no extension', (d) => void (d.strongroom = {}), /member strongroom.version/],
    [
      'a file twice',
      (d) => void d.logFiles.push({ ...d.logFiles[0] }),
      /another digest has already/,
    ],
    [
      'no predecessor',
      (d) =>
        void Object.assign(
          d,
          Object.fromEntries(
            Object.keys(d)
              .filter((name) => name.startsWith('previous'))
              .map((name) => [name, null]),
          ),
        ),
      /begins a new chain/,
    ],
  ]
  for (const [name, change, expected] of cases) {
    test(`about ${name} is found`, async () => {
      await isTold(makeTrail(KEY, atHour(1, change)).files, expected)
    })
  }

  /** A digest over log files that were made as `records` say. */
  function trailOf(records: readonly MadeRecord[]): Files {
    const files: Files = new Map()
    const maker = new ChainMaker(files, { ...PLACE, key: KEY, start: END - HOUR_MS })
    maker.digest([maker.logFile(records, END - HOUR_MS / 2)], { sequence: 9 })
    return files
  }
  const time = END - HOUR_MS + 1000

  test('with records of others, and events that stand twice, is found', async () => {
    const elsewhere = { account: ACCOUNT_A, region: 'us-east-1' }
    const others = { account: ACCOUNT_B, region: 'eu-central-1' }
    const one = aRecord(PLACE, 1, time)
    assert.deepEqual(await findings(trailOf([one])), [])
    await isTold(trailOf([one, aRecord(elsewhere, 2, time)]), /record 2 belongs to another Region/)
    await isTold(trailOf([one, aRecord(others, 2, time)]), /record 2 belongs to another account/)
    await isTold(
      trailOf([one, one]),
      /record 2 is event 0{8}-.*, which stands in the trail already/,
    )
    await isTold(trailOf([one, { ...one, text: '{"a":1}' }]), /record 2 is no CloudTrail record/)
  })

  test('delivered at another time than its window is found', async () => {
    const files: Files = new Map()
    const maker = new ChainMaker(files, { ...PLACE, key: KEY, start: END - HOUR_MS })
    maker.digest([maker.logFile([aRecord(PLACE, 1, time)], END - 2 * HOUR_MS)], { sequence: 9 })
    await isTold(files, /delivered outside of its window/)
  })
})

describe('what validate-logs of the AWS CLI does not see', () => {
  const { files: whole, digests } = makeTrail(KEY)
  const [ofFirst = []] = digests

  function without(key: string, files: Files): void {
    files.delete(pathOf(key))
    files.delete(pathOf(`${key}.sig`))
    const content = gunzipSync(whole.get(pathOf(key)) ?? '').toString()
    for (const match of content.matchAll(/"s3Object":"([^"]+)"/g))
      files.delete(pathOf(match[1] ?? ''))
  }

  test('the newest digest, its signature and its log files removed: time is missing', async () => {
    const files = new Map(whole)
    without(ofFirst.at(-1) ?? '', files)
    const later = instant(END + HOUR_MS + 1000)
    assert.deepEqual(await findings(new Map(whole), { until: later }), [])
    await isTold(files, /is the newest digest of account .* ends at 2026-02-01T00:00:00Z/, {
      until: later,
    })
    without(ofFirst.at(-2) ?? '', files)
    await isTold(files, /and ends at 2026-01-31T23:00:00Z: what reaches to 2026-02-01T01:30:00Z/)
  })

  test('a digest altered, and the one before removed with its log files', async () => {
    const files = new Map(whole)
    without(ofFirst[1] ?? '', files)
    files.set(pathOf(ofFirst[2] ?? ''), gzipSync('{}'))
    const found = await findings(files)
    assert.ok(found.some((text) => /its member awsAccountId/.test(text)))
    assert.ok(
      found.some((text) => /begins a new chain|gap|continues|missing/.test(text)),
      found.join('\n'),
    )
  })

  test('a log file in no digest', async () => {
    const files = new Map(whole)
    const maker = new ChainMaker(files, { ...PLACE, key: KEY, start: TRAIL_START })
    maker.logFile([aRecord(PLACE, 500, TRAIL_START + 5)], TRAIL_START + 60_000)
    await isTold(files, /is in no digest: it was added/)
  })

  test('the oldest digests removed with their log files', async () => {
    const files = new Map(whole)
    without(ofFirst[0] ?? '', files)
    await isTold(files, /T220000Z.json.gz: is missing, and what was before it/)
    without(ofFirst[1] ?? '', files)
    await isTold(files, /the trail is kept since 2026-01-31T21:00:00Z/)
  })

  test('a Region, or all of a chain, removed but for its log files', async () => {
    const files = new Map(whole)
    for (const name of whole.keys())
      if (isOf(ACCOUNT_B, name) && name.includes('-Digest')) files.delete(name)
    await isTold(files, /is in no digest/)
  })
})

describe('retention', () => {
  const cut = makeTrail(KEY, (digest) => {
    if (digest.digestEndTime > '2026-02-01T00:30')
      digest.strongroom['keptSince'] = '2026-01-31T23:00:00Z'
  })
  const isOld = (name: string): boolean => /_20260131T2[12]\d\d|_20260131T2[23]0000Z/.test(name)

  test('that a digest tells of is no damage', async () => {
    const files = new Map([...cut.files].filter(([name]) => !isOld(name)))
    const verdict = await verifyTrail(memoryCopy(files), { keys: KEYS, until: UNTIL })
    assert.deepEqual(verdict.findings, [])
    assert.equal(verdict.digests, 6)
    assert.match(verdict.notes[0] ?? '', /begins at 2026-01-31T23:00:00Z: retention removed/)
  })

  test('that was not finished is none either; what is kept must be there', async () => {
    const files = new Map(cut.files)
    const [log = ''] = [...files.keys()].filter(
      (name) => isOld(name) && name.includes('/CloudTrail/'),
    )
    files.delete(log)
    assert.deepEqual(await findings(files), [])
    // A digest goes before its signature.
    const [oldest = ''] = [...files.keys()].filter((name) => /-Digest.*220000Z.json.gz$/.test(name))
    for (const name of cut.files.keys()) if (/_20260131T21\d\d/.test(name)) files.delete(name)
    files.delete(oldest)
    assert.deepEqual(await findings(files), [])
    const more = new Map([...cut.files].filter(([name]) => !isOld(name) && !/T000000Z/.test(name)))
    await isTold(more, /is missing, and what was before it: the trail is kept since 2026-01-31T23/)
  })
})
