import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openAuditLog } from '../../src/audit/segments/open-audit-log.ts'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import {
  AUDIT_KEY,
  AUDIT_KEY_ID,
  append,
  keptLog,
  macKeyOf,
  NODE_ID,
  readAll,
  tickingClock,
} from './audit-fixture.ts'

const WRITER = fileURLToPath(new URL('audit-writer-process.ts', import.meta.url))
const base = mkdtempSync(join(tmpdir(), 'strongroom-audit-'))
after(() => rmSync(base, { recursive: true }))

const openOnDisk = (folder: string): ReturnType<typeof openAuditLog> =>
  openAuditLog({
    folder,
    nodeId: NODE_ID,
    macKey: AUDIT_KEY,
    macKeyId: AUDIT_KEY_ID,
    clock: tickingClock(),
    log: keptLog(),
    segmentBytes: 65_536,
  })

/** The numbers that frames of the writer carry, in the order of the log. */
async function numbersIn(folder: string): Promise<number[]> {
  const calls = (await readAll(folder)).filter(({ text }) => text.startsWith('{"kind":"call"'))
  return calls.map(({ text }) => {
    const frame: unknown = JSON.parse(text)
    assert.ok(typeof frame === 'object' && frame !== null && 'internal' in frame)
    const { internal } = frame
    assert.ok(typeof internal === 'object' && internal !== null && 'n' in internal)
    return Number(internal.n)
  })
}

/** Everything the writer prints, and `stop` called once it has printed so many lines. */
async function linesOf(
  child: ChildProcess,
  stopAfter: number,
  stop: () => void,
): Promise<string[]> {
  assert.ok(child.stdout)
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === stopAfter) stop()
  }
  return lines
}

const numberOf = (line: string): number => Number(line.slice('ok '.length))

describe('a process that writes an audit log', () => {
  test('and is killed at any moment loses no acknowledged frame', async () => {
    const folder = join(base, 'killed')
    const acknowledged = new Set<number>()
    for (const stopAfter of [1, 40, 333, 700]) {
      const child = spawn(process.execPath, [WRITER, folder, '0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      const lines = await linesOf(child, stopAfter, () => child.kill('SIGKILL'))
      assert.deepEqual(await exited, [null, 'SIGKILL'])
      assert.ok(lines.length >= stopAfter)
      for (const line of lines) {
        assert.match(line, /^ok \d+$/)
        acknowledged.add(numberOf(line))
      }
      const killed = await verifyLog(folder, { macKey: macKeyOf })
      assert.deepEqual(killed.problems, [])
      await (await openOnDisk(folder)).log.close()
      const reopened = await verifyLog(folder, { macKey: macKeyOf })
      assert.deepEqual([reopened.problems, reopened.tornTail], [[], undefined])
      const numbers = new Set(await numbersIn(folder))
      assert.deepEqual(
        [...acknowledged].filter((n) => !numbers.has(n)),
        [],
      )
    }
  })

  test('and is refused more disk space fails its frames, and goes on when there is room', async () => {
    const folder = join(base, 'full')
    // RLIMIT_FSIZE in units of 512 bytes: half of a segment can be made. Node.js ignores SIGXFSZ, so writes
    // fail with EFBIG.
    const first = spawn(process.execPath, [WRITER, folder, '100', '32768'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await linesOf(first, 0, () => undefined)
    const before = await numbersIn(folder)
    assert.equal(before.length, 100)

    const command = 'ulimit -f 48; exec "$0" "$@"'
    const limited = spawn('sh', ['-c', command, process.execPath, WRITER, folder, '400', '65536'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = await linesOf(limited, 0, () => undefined)
    assert.ok(lines.some((line) => line === 'failed EFBIG'))
    const acknowledged = lines.filter((line) => line.startsWith('ok ')).map(numberOf)
    const result = await verifyLog(folder, { macKey: macKeyOf })
    assert.deepEqual(result.problems, [])
    assert.deepEqual(await numbersIn(folder), [...before, ...acknowledged])

    const { log } = await openOnDisk(folder)
    assert.equal(await append(log, '{"kind":"call","internal":{"n":-1},"records":[]}'), undefined)
    await log.close()
    assert.deepEqual(await numbersIn(folder), [...before, ...acknowledged, -1])
    assert.equal((await verifyLog(folder, { macKey: macKeyOf })).ok, true)
  })

  test('can be read while it writes', async () => {
    const folder = join(base, 'live')
    const { log } = await openOnDisk(folder)
    let appended = 0
    let last: Promise<unknown> = Promise.resolve()
    const reads: Promise<void>[] = []
    const readOn = async (): Promise<void> => {
      let expected = 1
      for await (const { sequence } of readFrames(folder)) {
        assert.equal(sequence, expected)
        expected += 1
      }
    }
    while (appended < 3000) {
      for (let n = 0; n < 50; n += 1) {
        last = append(
          log,
          `{"kind":"call","internal":{"n":${appended}},"records":["${'y'.repeat(300)}"]}`,
        )
        appended += 1
      }
      if (appended % 500 === 0) reads.push(readOn())
      assert.equal(await last, undefined)
    }
    await Promise.all(reads)
    await log.close()
    assert.equal((await readAll(folder)).length, 3000)
  })

  test('keeps its folder and files from other users', async () => {
    const folder = join(base, 'modes')
    await (await openOnDisk(folder)).log.close()
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.equal(statSync(join(folder, 'segment-0000000000000001.log')).mode & 0o777, 0o600)
  })
})
