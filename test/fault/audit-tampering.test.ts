import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parseTrustedKeys } from '../../src/audit/trail/trusted-keys.ts'
import {
  type TrailVerdict,
  type VerifyTrailOptions,
  verifyTrail,
} from '../../src/audit/trail/verify-trail.ts'
import { instant } from '../../src/core/ids.ts'
import {
  ACCOUNT_A,
  aRecord,
  ChainMaker,
  makeKey,
  makeTrail,
  memoryCopy,
  TRAIL_HOURS,
  TRAIL_START,
} from '../support/trail-maker.ts'

const HOUR_MS = 3_600_000
const END = TRAIL_START + TRAIL_HOURS * HOUR_MS
const KEY = makeKey()
const KEYS = parseTrustedKeys(KEY.publicPem)
const TRAIL = makeTrail(KEY)

type Files = Map<string, Buffer>

const verified = (
  files: ReadonlyMap<string, Buffer>,
  options: Partial<VerifyTrailOptions> = {},
): Promise<TrailVerdict> =>
  verifyTrail(memoryCopy(files), {
    keys: KEYS,
    until: instant(END + HOUR_MS / 2),
    ...options,
  })

const copied = (files: Files): Files =>
  new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)]))

/** What is found in a copy that was changed; a finding is told with its file. */
async function findingsAfter(
  change: (files: Files) => void,
  options: Partial<VerifyTrailOptions> = {},
): Promise<string[]> {
  const files = copied(TRAIL.files)
  change(files)
  const { findings, intact } = await verified(files, options)
  assert.equal(intact, findings.length === 0)
  return findings.map(({ file, what }) => `${file} ${what}`)
}

/** Fails unless each change is found; a finding that names `file` is asked for where that is given. */
async function eachIsFound(
  changes: Iterable<readonly [name: string, change: (files: Files) => void]>,
): Promise<void> {
  const missed: string[] = []
  for (const [name, change] of changes) {
    if ((await findingsAfter(change)).length === 0) missed.push(name)
  }
  assert.deepEqual(missed, [])
}

const names = [...TRAIL.files.keys()]
const KINDS = [
  ['log file', names.filter((name) => name.includes('/CloudTrail/'))],
  ['digest', names.filter((name) => /-Digest.*\.gz$/.test(name))],
  ['signature', names.filter((name) => name.endsWith('.sig'))],
] as const

const bytesOf = (files: Files, name: string): Buffer => files.get(name) ?? Buffer.alloc(0)

describe('an untouched trail', () => {
  test('is intact', async () => {
    const counts = { accounts: 2, regions: 2, hours: 12, digests: 12, logFiles: 18, records: 36 }
    assert.deepEqual(await verified(TRAIL.files), {
      intact: true,
      findings: [],
      findingsLeftOut: 0,
      notes: [],
      ...counts,
    })
  })
})

for (const [kind, all] of KINDS) {
  /** Those of one chain: the others are like them. */
  const files = all.filter((name) => /444455556666.*eu-central-1/.test(name))
  describe(`a ${kind}`, () => {
    test('that is missing is found', async () => {
      await eachIsFound(all.map((name) => [name, (copy) => copy.delete(name)]))
    })

    test('that was cut short or made longer is found', async () => {
      await eachIsFound(
        files.flatMap((name) =>
          [0, 1, 20, -9, -2].map((end) => [
            `${name} ${end}`,
            (copy) => copy.set(name, bytesOf(copy, name).subarray(0, end)),
          ]),
        ),
      )
      await eachIsFound(
        files.map((name) => [
          name,
          (copy) => copy.set(name, Buffer.concat([bytesOf(copy, name), Buffer.from('\n')])),
        ]),
      )
    })

    test('in the place of another is found', async () => {
      await eachIsFound(
        all.map((name, n) => [
          name,
          (copy) => {
            const other = all[(n + 1) % all.length] ?? ''
            const bytes = bytesOf(copy, name)
            copy.set(name, bytesOf(copy, other))
            copy.set(other, bytes)
          },
        ]),
      )
    })

    test('under another name is found', async () => {
      await eachIsFound(
        files.flatMap((name) =>
          [
            name.replace('/2026/01/31/', '/2026/01/30/').replace('/2026/02/01/', '/2026/02/02/'),
            name.replace(/\d(?=\d\dZ)/, (digit) => String((Number(digit) + 1) % 6)),
            name.replace('_eu-central-1_2', '_us-east-2_2'),
            `${name}.old`,
            name.replace('AWSLogs', 'Logs'),
          ]
            .filter((to) => to !== name)
            .map((to) => [
              to,
              (copy) => {
                const bytes = bytesOf(copy, name)
                copy.delete(name)
                copy.set(to, bytes)
              },
            ]),
        ),
      )
    })

    test('that stands there twice is found', async () => {
      await eachIsFound(
        files.map((name) => [
          name,
          (copy) => copy.set(name.replace(/\d\d(?=Z)/, '59'), bytesOf(copy, name)),
        ]),
      )
    })
  })
}

/** One chain of two hours, small enough for every byte of it. */
function smallTrail(): Files {
  const files: Files = new Map()
  const place = { account: ACCOUNT_A, region: 'us-east-1' }
  const chain = new ChainMaker(files, { ...place, key: KEY, start: END - 2 * HOUR_MS })
  const records = [1, 2].map((at) => aRecord(place, at, END - HOUR_MS - at * 1000))
  chain.digest([chain.logFile(records, END - HOUR_MS - 1000)], { sequence: 2 })
  chain.digest([], { sequence: 2 })
  return files
}

const contentOf = (bytes: Buffer): string => {
  try {
    return gunzipSync(bytes).toString()
  } catch {
    return ''
  }
}

describe('a flipped bit', () => {
  /** What compressed the newest digest is vouched for by nothing; what it says is. */
  const isHarmless = (name: string, before: Buffer, after: Buffer): boolean =>
    name === [...small.keys()].findLast((other) => other.endsWith('.gz')) &&
    contentOf(before) === contentOf(after)
  const small = smallTrail()

  test('is found in any byte of any file', async () => {
    const missed: string[] = []
    for (const [name, bytes] of small) {
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at)
        const { intact } = await verified(new Map([...small, [name, changed]]))
        if (intact && !isHarmless(name, bytes, changed)) missed.push(`${name}:${at}`)
      }
    }
    assert.deepEqual(missed, [])
  })

  test('is found whichever it is', async () => {
    const anyFile = fc.constantFrom(...names)
    await fc.assert(
      fc.asyncProperty(
        anyFile,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (name, n, mask) => {
          const files = copied(TRAIL.files)
          const bytes = bytesOf(files, name)
          const at = n % bytes.length
          const before = Buffer.from(bytes)
          bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at)
          const isNewest = TRAIL.digests.some((keys) => name.endsWith(keys.at(-1) ?? ''))
          const { intact } = await verified(files)
          assert.ok(!intact || (isNewest && contentOf(before) === contentOf(bytes)))
        },
      ),
      { numRuns: 200 },
    )
  })
})
