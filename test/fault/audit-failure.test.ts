import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuditLog } from '../../src/audit/segments/audit-log.ts'
import { NEXT_NAME, segmentName } from '../../src/audit/segments/segment-format.ts'
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

interface Failing {
  readonly files: FaultyFiles
  readonly log: AuditLog
  readonly messages: readonly string[]
  /** Moves the steady clock past the pause between attempts. */
  later(): void
}

async function openFailing(segmentBytes = 8192): Promise<Failing> {
  const files = new FaultyFiles()
  const kept = keptLog()
  let now = 1000
  const { log } = await openTestLog(files, { segmentBytes, log: kept, steadyMs: () => now })
  return {
    files,
    log,
    messages: kept.messages,
    later: () => {
      now += 100
    },
  }
}

const EIO = new Error('EIO: i/o error, write')
const ENOSPC = new Error('ENOSPC: no space left on device, write')

async function verifies(files: FaultyFiles, frames: readonly string[]): Promise<void> {
  const result = await verifyLog(files, { macKey: macKeyOf })
  assert.deepEqual([result.problems, result.tornTail], [[], undefined])
  assert.deepEqual(textsOf(await readAll(files)), frames)
}

describe('a write to the audit log that fails', () => {
  for (const keepBytes of [0, 200, Number.MAX_SAFE_INTEGER]) {
    test(`after ${keepBytes} bytes fails its frames and leaves nothing of them`, async () => {
      const { files, log, later } = await openFailing()
      await appendInTurn(log, [aFrame(1)])
      files.onWrite = () => ({ keepBytes, error: EIO })
      const errors = await Promise.all([append(log, aFrame(2, 900)), append(log, aFrame(3))])
      for (const error of errors) {
        assert.equal(error?.name, 'DependencyError')
        assert.equal(error?.cause, EIO)
      }
      assert.equal(log.stats().failing, true)
      files.onWrite = undefined
      later()
      await appendInTurn(log, [aFrame(4)])
      assert.equal(log.stats().failing, false)
      assert.equal(log.head().sequence, 2)
      await log.close()
      await verifies(files, [aFrame(1), aFrame(4)])
    })
  }

  test('takes the frames with it that wait behind it', async () => {
    const { files, log } = await openFailing()
    let waiting: Promise<unknown>[] = []
    files.onWrite = () => {
      waiting = [2, 3, 4].map((n) => append(log, aFrame(n)))
      files.onWrite = undefined
      return { keepBytes: 300, error: EIO }
    }
    const first = await append(log, aFrame(1))
    const errors = [first, ...(await Promise.all(waiting))]
    assert.equal(errors.length, 4)
    for (const error of errors) assert.match(String(error), /could not be written/)
    assert.equal(log.stats().framesFailed, 4)
    assert.equal(log.stats().waitingFrames, 0)
    await log.close()
    await verifies(files, [])
  })

  test('lets one append in 100 ms try again; the others fail without touching the disk', async () => {
    const { files, log, messages, later } = await openFailing()
    files.onWrite = () => ({ keepBytes: 10, error: EIO })
    await append(log, aFrame(1))
    const writes = files.writes.length
    for (let n = 0; n < 5; n += 1) {
      assert.match(String(await append(log, aFrame(n))), /could not be written/)
    }
    assert.equal(files.writes.length, writes)
    later()
    await append(log, aFrame(2))
    assert.equal(files.writes.length, writes + 1)
    assert.deepEqual(messages, ['the audit log could not be written: requests fail until it can'])
    files.onWrite = undefined
    later()
    assert.equal(await append(log, aFrame(3)), undefined)
    assert.equal(messages.at(-1), 'the audit log is written again')
    await log.close()
    await verifies(files, [aFrame(3)])
  })

  test('is overwritten with zeros first, in a write of its own', async () => {
    const { files, log, later } = await openFailing()
    files.onWrite = () => ({ keepBytes: 900, error: EIO })
    await append(log, aFrame(1, 1200))
    const failed = files.writes.at(-1)
    assert.ok(failed)
    // The zeroing fails as well: the range stays in doubt and the append fails.
    later()
    assert.match(String(await append(log, aFrame(2))), /could not be written/)
    files.onWrite = undefined
    later()
    await appendInTurn(log, [aFrame(3)])
    const [zeroed, written] = files.writes.slice(-2)
    assert.deepEqual(zeroed, failed)
    assert.equal(written?.at, failed.at)
    assert.ok((written?.length ?? 0) < failed.length)
    await log.close()
    await verifies(files, [aFrame(3)])
  })

  test('and a kill right after it leaves a log that opens', async () => {
    for (const keepBytes of [0, 100, 500, 1000, Number.MAX_SAFE_INTEGER]) {
      const { files, log } = await openFailing()
      await appendInTurn(log, [aFrame(1)])
      files.onWrite = () => ({ keepBytes, error: EIO })
      await append(log, aFrame(2, 1000))
      const crashed = files.copy()
      const again = await openTestLog(crashed)
      await appendInTurn(again.log, [aFrame(3)])
      await again.log.close()
      const texts = textsOf(await readAll(crashed))
      assert.equal(texts[0], aFrame(1))
      assert.equal(texts.at(-1), aFrame(3))
      assert.equal(texts.includes(aFrame(2, 1000)), keepBytes === Number.MAX_SAFE_INTEGER)
    }
  })

  test('is cleared away when the log is closed', async () => {
    const { files, log } = await openFailing()
    files.onWrite = () => ({ keepBytes: Number.MAX_SAFE_INTEGER, error: EIO })
    await append(log, aFrame(1))
    files.onWrite = undefined
    await log.close()
    await verifies(files, [])
  })
})

describe('a segment that cannot be begun', () => {
  /** Fills the first segment so that the next frame needs another. */
  async function full(): Promise<Failing & { readonly frames: string[] }> {
    const failing = await openFailing(4096)
    const frames = [aFrame(1, 1500)]
    failing.files.onName = () => ENOSPC
    await appendInTurn(failing.log, frames)
    return { ...failing, frames }
  }

  test('for want of room fails the frames; the log goes on once there is room', async () => {
    const { files, log, later, frames } = await full()
    const error = await append(log, aFrame(2, 1500))
    assert.equal(error?.cause, ENOSPC)
    // Even a frame for which the old segment would have room: it is sealed.
    later()
    assert.match(String(await append(log, aFrame(3))), /could not be written/)
    files.onName = undefined
    later()
    await appendInTurn(log, [aFrame(4, 1500), aFrame(5)])
    await log.close()
    await verifies(files, [...frames, aFrame(4, 1500), aFrame(5)])
  })

  for (const step of ['zeros', 'seal', 'header', 'rename'] as const) {
    test(`because writing the ${step} failed is tried again`, async () => {
      const { files, log, later, frames } = await full()
      files.onName = (operation) => (operation === 'rename' && step === 'rename' ? EIO : undefined)
      files.onWrite = (name, at, length) => {
        const isSeal = name === segmentName(1) && at === 4096 - 256
        const isHeader = name === NEXT_NAME && length === 512
        const isZeros = name === NEXT_NAME && length === 4096
        const fails = { zeros: isZeros, seal: isSeal, header: isHeader, rename: false }[step]
        return fails ? { keepBytes: 100, error: EIO } : undefined
      }
      assert.equal((await append(log, aFrame(2, 1500)))?.cause, EIO)
      const crashed = files.copy()
      files.onName = undefined
      files.onWrite = undefined
      later()
      await appendInTurn(log, [aFrame(3, 1500)])
      await log.close()
      await verifies(files, [...frames, aFrame(3, 1500)])

      const again = await openTestLog(crashed, { segmentBytes: 4096 })
      await appendInTurn(again.log, [aFrame(4, 1500)])
      await again.log.close()
      await verifies(crashed, [...frames, aFrame(4, 1500)])
    })
  }
})

describe('an append that is refused', () => {
  test('is told so later, never before append returns', async () => {
    const { log } = await openFailing()
    await log.close()
    let returned = false
    const told = new Promise<boolean>((resolve) => {
      log.append(aFrame(1), (error) => {
        assert.match(String(error), /is closed/)
        resolve(returned)
      })
    })
    returned = true
    assert.equal(await told, true)
  })

  test('has a frame that no segment can hold; the next one is written', async () => {
    const { files, log } = await openFailing()
    assert.match(String(await append(log, aFrame(1, 8192))), /larger than \d+ bytes/)
    // Two bytes a character: the limit is one of bytes.
    assert.match(String(await append(log, `{"kind":"${'ß'.repeat(4000)}"}`)), /larger than/)
    await appendInTurn(log, [aFrame(2)])
    assert.equal(log.stats().failing, false)
    await log.close()
    await verifies(files, [aFrame(2)])
  })

  test('is one too many while the disk hangs', async () => {
    const { files, log } = await openFailing()
    files.onWrite = () => ({ keepBytes: 0 })
    log.append(aFrame(0), () => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    let refused = 0
    for (let n = 0; n < 70_000; n += 1) {
      log.append(aFrame(n), (error) => {
        assert.match(String(error), /too many audit frames wait/)
        refused += 1
      })
    }
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(refused > 4000 && refused < 5000)
  })
})

describe('with durability async', () => {
  test('a frame is acknowledged before it is written, and written all the same', async () => {
    const files = new FaultyFiles()
    const { log } = await openTestLog(files, { durability: 'async' })
    const writes = files.writes.length
    assert.equal(await append(log, aFrame(1)), undefined)
    assert.equal(files.writes.length, writes)
    await log.close()
    await verifies(files, [aFrame(1)])
  })

  test('a failed write loses accepted frames, says so, and later appends fail', async () => {
    const files = new FaultyFiles()
    const kept = keptLog()
    let now = 0
    const { log } = await openTestLog(files, {
      durability: 'async',
      log: kept,
      steadyMs: () => now,
    })
    files.onWrite = () => ({ keepBytes: 0, error: EIO })
    now = 1000
    assert.equal(await append(log, aFrame(1)), undefined)
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    assert.deepEqual(kept.messages, [
      'the audit log could not be written: accepted frames are lost',
    ])
    assert.match(String(await append(log, aFrame(2))), /could not be written/)
    assert.equal(log.stats().framesFailed, 2)
    files.onWrite = undefined
    await log.close()
  })
})
