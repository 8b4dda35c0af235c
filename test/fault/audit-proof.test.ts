import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type EventProof, proveEvent } from '../../src/audit/trail/event-proof.ts'
import { instant } from '../../src/core/ids.ts'
import {
  ACCOUNT_A,
  aRecord,
  ChainMaker,
  makeTrail,
  memoryCopy,
  TRAIL_START,
} from '../support/trail-maker.ts'
import { END, type Files, FOREIGN, KEY, PLACE } from './audit-trail-fixture.ts'

const idOf = (sequence: number): string =>
  `00000000-0000-4000-8000-${String(sequence).padStart(12, '0')}`
const exampleOf = (name: string): string =>
  fileURLToPath(new URL(`../../examples/verify-proof/${name}`, import.meta.url))
const CHECKERS = [
  ['Node.js', process.execPath, exampleOf('verify-proof.mjs')],
  ['Python', 'python3', exampleOf('verify_proof.py')],
] as const

const folder = mkdtempSync(join(tmpdir(), 'strongroom-proof-'))
after(() => rmSync(folder, { recursive: true }))
const keyFile = join(folder, 'audit.pem')
writeFileSync(keyFile, `${FOREIGN.publicPem}${KEY.publicPem}`)

const { files } = makeTrail(KEY)

async function proven(eventId: string, from: Files = files): Promise<EventProof> {
  const proof = await proveEvent(memoryCopy(from), eventId, undefined)
  assert.ok(proof !== undefined && proof !== 'open', eventId)
  return proof
}

/** A chain of one log file of so many records. */
function trailOf(records: number): Files {
  const made: Files = new Map()
  const maker = new ChainMaker(made, { ...PLACE, key: KEY, start: TRAIL_START })
  const all = Array.from({ length: records }, (_, n) => aRecord(PLACE, n + 1, TRAIL_START + n))
  maker.digest([maker.logFile(all, TRAIL_START + 60_000)], { sequence: records })
  return made
}

describe('a proof of an event', () => {
  test('is found with or without a word on where it is', async () => {
    for (let sequence = 1; sequence <= 36; sequence += 1) {
      const proof = await proven(idOf(sequence))
      assert.match(proof.record, new RegExp(`"eventID":"${idOf(sequence)}"`))
      const record: unknown = JSON.parse(proof.record)
      assert.ok(typeof record === 'object' && record !== null && 'awsRegion' in record)
      const accountId = proof.logFile.split('/')[1] ?? ''
      const time = instant(TRAIL_START + Math.floor((sequence - 1) / 12) * 3_600_000)
      const place = { accountId, region: String(record.awsRegion), time }
      assert.deepEqual(await proveEvent(memoryCopy(files), idOf(sequence), place), proof)
    }
  })

  test('is there for none that the trail does not have', async () => {
    assert.equal(await proveEvent(memoryCopy(files), idOf(99), undefined), undefined)
    const place = { accountId: ACCOUNT_A, region: 'us-east-2', time: instant(TRAIL_START) }
    assert.equal(await proveEvent(memoryCopy(files), idOf(1), place), undefined)
  })

  test('waits for the digest', async () => {
    const open = new Map(files)
    const maker = new ChainMaker(open, { ...PLACE, key: KEY, start: END })
    maker.logFile([aRecord(PLACE, 500, END + 5)], END + 60_000)
    assert.equal(await proveEvent(memoryCopy(open), idOf(500), undefined), 'open')
  })

  test('is not made of what was altered', async () => {
    const altered = new Map(files)
    const { logFile } = await proven(idOf(1))
    const path = [...files.keys()].find((name) => name.endsWith(logFile)) ?? ''
    const content = gunzipSync(files.get(path) ?? '').toString()
    altered.set(path, gzipSync(content.replace('"n":[4', '"n":[5')))
    await assert.rejects(proven(idOf(1), altered), /was altered: it proves nothing any more/)
  })

  test('takes the signature from the digest behind, where the copy has none', async () => {
    const unsigned = new Map([...files].filter(([name]) => !name.endsWith('.sig')))
    assert.deepEqual(await proven(idOf(1), unsigned), await proven(idOf(1)))
    await assert.rejects(proven(idOf(36), unsigned), /the signature of .* is not in this copy/)
  })
})

for (const [language, command, script] of CHECKERS) {
  const isAbsent = spawnSync(command, ['--version']).error !== undefined
  const skip = isAbsent ? `${command} is not installed` : false

  describe(`the checker in ${language}`, { skip }, () => {
    let proof: EventProof
    before(async () => {
      proof = await proven(idOf(5))
    })

    function check(
      text: string,
      key = keyFile,
    ): { readonly status: number | null; readonly out: string } {
      const file = join(folder, `${language}.json`)
      writeFileSync(file, text)
      const { status, stdout, stderr } = spawnSync(command, [script, file, key], {
        encoding: 'utf8',
      })
      return { status, out: stdout + stderr }
    }

    test('takes proofs from files of one record to many', async () => {
      const { status, out } = check(JSON.stringify(proof))
      assert.equal(
        out.split('\n')[0],
        `Proven: event ${idOf(5)} of account ${proof.logFile.split('/')[1]}.`,
      )
      assert.equal(status, 0)
      for (const [records, ids] of [
        [1, [1]],
        [7, [1, 2, 5, 6, 7]],
        [9, [9]],
      ] as const) {
        const made = trailOf(records)
        for (const id of ids) {
          const one = await proven(idOf(id), made)
          assert.deepEqual([check(JSON.stringify(one)).status, records, id], [0, records, id])
        }
      }
    })

    const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)
    for (const [what, change, reason] of [
      [
        'record',
        (p) => ({ ...p, record: p.record.replace('Encrypt', 'Decrypt') }),
        /not in the log file/,
      ],
      ['index', (p) => ({ ...p, index: 1 - p.index }), /not in the log file/],
      ['index beyond the file', (p) => ({ ...p, index: 2 }), /no such record/],
      ['path', (p) => ({ ...p, path: p.path.map(flipped) }), /not in the log file/],
      ['shorter path', (p) => ({ ...p, path: [] }), /not in the log file/],
      ['longer path', (p) => ({ ...p, path: [...p.path, ...p.path] }), /too long/],
      ['log file', (p) => ({ ...p, logFile: `${p.logFile}x` }), /does not name the log file/],
      ['digest', (p) => ({ ...p, digest: `${p.digest} ` }), /not signed with a key of that file/],
      ['signature', (p) => ({ ...p, signature: flipped(p.signature) }), /not signed/],
      ['cut signature', (p) => ({ ...p, signature: p.signature.slice(2) }), /not signed/],
      ['event', (p) => ({ ...p, eventId: idOf(6) }), /another event/],
      ['version', (p) => ({ ...p, version: 2 }), /no proof/],
    ] as const satisfies readonly (readonly [string, (p: EventProof) => object, RegExp])[]) {
      test(`refuses another ${what}`, () => {
        const { status, out } = check(JSON.stringify(change(proof)))
        assert.match(out, /^Not proven: /)
        assert.match(out, reason)
        assert.equal(status, 1)
      })
    }

    test('refuses the signature of a key that it was not given, and half a proof', () => {
      const foreign = join(folder, 'foreign.pem')
      writeFileSync(foreign, FOREIGN.publicPem)
      assert.match(check(JSON.stringify(proof), foreign).out, /Not proven: .*not signed/)
      assert.notEqual(check(JSON.stringify(proof).slice(0, -9)).status, 0)
    })
  })
}
