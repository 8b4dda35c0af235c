import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
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
const NODE_CHECKER = exampleOf('verify-proof.mjs')
const PYTHON_CHECKER = exampleOf('verify_proof.py')

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

interface Outcome {
  readonly status: number | null
  readonly out: string
}

/** Writes a proof, or any text, into a file; returns its path. */
function written(name: string, proof: object | string): string {
  const file = join(folder, name)
  writeFileSync(file, typeof proof === 'string' ? proof : JSON.stringify(proof))
  return file
}

/** A thread for each: a process for each would take many times as long. */
async function checkWithNode(proofs: readonly string[], key = keyFile): Promise<Outcome[]> {
  const check = async (file: string): Promise<Outcome> => {
    const worker = new Worker(NODE_CHECKER, { argv: [file, key], stdout: true, stderr: true })
    // What the checker does not catch ends it, too.
    worker.on('error', () => undefined)
    const outputs = [worker.stdout, worker.stderr].map((stream) => text(stream))
    const status = await new Promise<number>((resolve) => worker.on('exit', resolve))
    return { status, out: (await Promise.all(outputs)).join('') }
  }
  return Promise.all(proofs.map(check))
}

/** One process that runs the checker again and again. */
const PYTHON_LOOP = `
import contextlib, io, json, runpy, sys
script, key, files, outcomes = sys.argv[1], sys.argv[2], sys.argv[3:], []
for file in files:
    sys.argv, out, status = [script, file, key], io.StringIO(), 0
    try:
        with contextlib.redirect_stdout(out):
            runpy.run_path(script)
    except SystemExit as end:
        out.write(str(end.code)); status = 1
    except ValueError:
        status = 1
    outcomes.append({"status": status, "out": out.getvalue()})
print(json.dumps(outcomes))
`

async function checkWithPython(proofs: readonly string[], key = keyFile): Promise<Outcome[]> {
  const args = ['-c', PYTHON_LOOP, PYTHON_CHECKER, key, ...proofs]
  const { stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8' })
  assert.equal(stderr, '')
  const outcomes: Outcome[] = JSON.parse(stdout)
  return outcomes
}

const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)

/** What each altered proof is refused for. */
const ALTERATIONS: readonly (readonly [string, (p: EventProof) => object, RegExp])[] = [
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
]

const hasPython = spawnSync('python3', ['--version']).error === undefined
for (const [language, check, skip] of [
  ['JavaScript', checkWithNode, false],
  ['Python', checkWithPython, hasPython ? false : 'python3 is not installed'],
] as const) {
  describe(`the checker in ${language}`, { skip }, () => {
    let proof: EventProof
    before(async () => {
      proof = await proven(idOf(5))
    })

    test('takes proofs from files of one record to many', async () => {
      const proofs = [written('five', proof)]
      for (const [records, ids] of [
        [1, [1]],
        [7, [1, 2, 5, 6, 7]],
        [9, [9]],
      ] as const) {
        const made = trailOf(records)
        for (const id of ids) proofs.push(written(`${records}-${id}`, await proven(idOf(id), made)))
      }
      const [first, ...others] = await check(proofs)
      const accountId = proof.logFile.split('/')[1]
      assert.equal(first?.out.split('\n')[0], `Proven: event ${idOf(5)} of account ${accountId}.`)
      assert.deepEqual(
        [first.status, ...others.map(({ status }) => status)],
        proofs.map(() => 0),
      )
    })

    test('refuses another record, index, path, log file, digest, signature, event and version', async () => {
      const outcomes = await check(
        ALTERATIONS.map(([what, change]) => written(what, change(proof))),
      )
      for (const [n, [what, , reason]] of ALTERATIONS.entries()) {
        const { status, out } = outcomes[n] ?? { status: null, out: '' }
        assert.match(out, /^Not proven: /, what)
        assert.match(out, reason, what)
        assert.equal(status, 1, what)
      }
    })

    test('refuses the signature of a key that it was not given, and half a proof', async () => {
      const foreign = written('foreign.pem', FOREIGN.publicPem)
      const [unsigned] = await check([written('five', proof)], foreign)
      assert.match(unsigned?.out ?? '', /Not proven: .*not signed/)
      const [half] = await check([written('half', JSON.stringify(proof).slice(0, -9))])
      assert.equal(half?.status, 1)
    })
  })
}

test('the checkers run as they are told to be run', async () => {
  const file = written('five', await proven(idOf(5)))
  const programs = [
    [process.execPath, NODE_CHECKER],
    ...(hasPython ? [['python3', PYTHON_CHECKER]] : []),
  ]
  for (const [command = '', script = ''] of programs) {
    const { status, stdout } = spawnSync(command, [script, file, keyFile], { encoding: 'utf8' })
    assert.match(stdout, /^Proven: event /)
    assert.equal(status, 0)
    assert.equal(spawnSync(command, [script, file]).status, 1)
  }
})
