import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SegmentFile, SegmentFiles } from '../../src/audit/segments/segment-files.ts'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import {
  aFrame,
  append,
  FaultyFiles,
  macKeyOf,
  openTestLog,
  readAll,
  textsOf,
} from './audit-fixture.ts'

const SEGMENT_BYTES = 2048
/** Over three segments, so that rotation lies between writes that have something behind them. */
const FRAMES = Array.from({ length: 8 }, (_, n) => aFrame(n, 60))

/** How much of a write of `length` bytes at `at` is on the disk. */
type Kept = (length: number, at: number) => number

/** What a write leaves on the disk when the process is killed in it. */
const PREFIXES: readonly Kept[] = [
  () => 0,
  () => 1,
  (length) => Math.min(length, 100),
  (length) => Math.min(length, 129),
  (length) => length >> 1,
  (length) => length - 1,
  (length) => length,
]

/** Where power is lost in it: a sector is written or not. */
const SECTORS: readonly Kept[] = [1, 2, Number.POSITIVE_INFINITY].map(
  (sectors) => (length, at) => Math.min(length, (Math.floor(at / 512) + sectors) * 512 - at),
)

/** Files of a process that is killed in its `crashAt`th change of the disk: nothing answers from then on. */
class CrashingFiles implements SegmentFiles {
  readonly folder = 'audit'
  readonly disk: FaultyFiles
  readonly crashed: Promise<void>
  #crash = (): void => undefined
  #changes = 0
  readonly #crashAt: number
  readonly #kept: Kept

  constructor(disk: FaultyFiles, crashAt: number, kept: Kept) {
    this.disk = disk
    this.#crashAt = crashAt
    this.#kept = kept
    this.crashed = new Promise((resolve) => {
      this.#crash = resolve
    })
  }

  get changes(): number {
    return this.#changes
  }

  /** `now`: this change is the last one, and may happen in part. `gone`: nothing happens any more. */
  #next(): 'whole' | 'now' | 'gone' {
    this.#changes += 1
    if (this.#changes < this.#crashAt) return 'whole'
    if (this.#changes > this.#crashAt) return 'gone'
    this.#crash()
    return 'now'
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    const fate = this.#next()
    if (fate === 'whole') return work()
    if (fate === 'now' && this.#kept(2, 0) > 0) await work()
    return new Promise(() => undefined)
  }

  list(): Promise<readonly string[]> {
    return this.disk.list()
  }

  create(name: string): Promise<SegmentFile> {
    return this.#change(async () => this.#file(await this.disk.create(name)))
  }

  async open(name: string): Promise<SegmentFile> {
    return this.#file(await this.disk.open(name))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change(() => this.disk.rename(from, to))
  }

  remove(name: string): Promise<void> {
    return this.#change(() => this.disk.remove(name))
  }

  #file(file: SegmentFile): SegmentFile {
    return {
      ...file,
      write: (bytes, length, at, done) => {
        const fate = this.#next()
        if (fate === 'gone') return
        const kept = fate === 'now' ? this.#kept(length, at) : length
        if (kept > 0) file.write(bytes, kept, at, fate === 'now' ? () => undefined : done)
      },
    }
  }
}

interface Crash {
  /** What the disk holds. */
  readonly disk: FaultyFiles
  readonly acknowledged: readonly string[]
  /** It came to its end before the crash was due. */
  readonly finished: boolean
}

async function crashIn(
  disk: FaultyFiles,
  crashAt: number,
  kept: Kept,
  frames: readonly string[],
): Promise<Crash> {
  const files = new CrashingFiles(disk, crashAt, kept)
  const acknowledged: string[] = []
  const work = async (): Promise<void> => {
    const { log } = await openTestLog(files, { segmentBytes: SEGMENT_BYTES })
    for (const frame of frames) {
      assert.equal(await append(log, frame), undefined)
      acknowledged.push(frame)
    }
    await log.close()
  }
  await Promise.race([work(), files.crashed])
  // A change that was under way reaches the disk, or what is kept of it.
  await new Promise((resolve) => setImmediate(resolve))
  return { disk: disk.copy(), acknowledged, finished: files.changes < crashAt }
}

const isMending = (text: string): boolean => text.startsWith('{"kind":"recovered"')

/** Opens what a crash left, goes on writing, and checks that the log has all that was acknowledged, once. */
async function goesOn(
  { disk, acknowledged }: Pick<Crash, 'disk' | 'acknowledged'>,
  unsure: readonly string[],
  where: string,
): Promise<void> {
  const { log } = await openTestLog(disk, { segmentBytes: SEGMENT_BYTES })
  const last = aFrame(99)
  assert.equal(await append(log, last), undefined, where)
  await log.close()
  const result = await verifyLog(disk, { macKey: macKeyOf })
  assert.deepEqual([result.problems, result.tornTail], [[], undefined], where)
  const texts = textsOf(await readAll(disk)).filter((text) => !isMending(text))
  const added = texts.slice(acknowledged.length, -1)
  assert.deepEqual(texts, [...acknowledged, ...added, last], where)
  // The write that was under way may have reached the disk whole.
  assert.deepEqual(added, unsure.slice(0, added.length), where)
  assert.ok(added.length <= 1, where)
}

describe('a process that is killed', () => {
  test('in any change of the log, however much of it is on the disk, loses nothing', async () => {
    for (const kept of PREFIXES) {
      for (let crashAt = 1; ; crashAt += 1) {
        const crash = await crashIn(new FaultyFiles(), crashAt, kept, FRAMES)
        if (crash.finished) {
          assert.ok(crashAt > 20, `only ${crashAt} changes`)
          break
        }
        const unsure = FRAMES.slice(crash.acknowledged.length)
        await goesOn(crash, unsure, `change ${crashAt}, ${kept(1000, 0)} of 1000 bytes`)
      }
    }
  })

  test('and killed again, in any change of the start that mends it, loses nothing', async () => {
    const torn = (length: number): number => length >> 1
    let mended = 0
    for (let crashAt = 1; ; crashAt += 1) {
      const first = await crashIn(new FaultyFiles(), crashAt, torn, FRAMES)
      if (first.finished) break
      const unsure = FRAMES.slice(first.acknowledged.length)
      for (const kept of SECTORS) {
        for (let again = 1; ; again += 1) {
          const second = await crashIn(first.disk.copy(), again, kept, [])
          if (second.finished) break
          mended += 1
          const { acknowledged } = first
          await goesOn({ disk: second.disk, acknowledged }, unsure, `${crashAt}, then ${again}`)
        }
      }
    }
    assert.ok(mended > 100)
  })
})
