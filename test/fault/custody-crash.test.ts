import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { instant } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import type { CommitSetting, Custody, CustodyParts } from '../../src/crypto/custody.ts'
import { createCustody, openCustody } from '../../src/crypto/custody.ts'
import type { KeyFileDisk } from '../../src/crypto/key-file-disk.ts'
import { localDisk } from '../../src/crypto/key-file-disk.ts'
import type { Seal } from '../../src/crypto/seal.ts'
import { keyfileSeal } from '../../src/crypto/seal-keyfile.ts'
import { passphraseSeal } from '../../src/crypto/seal-passphrase.ts'
import { seededRandom } from '../support/seeded-random.ts'

// A crash is a step that fails, before or after it took effect, and no step after it that works: what
// the process would have cleaned up, it does not. Then the store is opened with a sound disk.

const random = seededRandom('custody-crash')
const clock = { now: () => instant(1_700_000_000_000) }
const ROW = { table: 'backing_key', key: ['eu-central-1', 'key', 'material'] }
const STEPS_MAX = 60

class Crash extends Error {}

/** Lets `left` steps happen; the next one crashes, and everything after it. */
class CrashPoint {
  #left: number
  readonly #takesEffect: boolean
  hasCrashed = false

  constructor({ afterSteps, takesEffect }: { afterSteps: number; takesEffect: boolean }) {
    this.#left = afterSteps
    this.#takesEffect = takesEffect
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    if (this.hasCrashed) throw new Crash()
    if (this.#left-- > 0) return work()
    this.hasCrashed = true
    if (this.#takesEffect) await work()
    throw new Crash()
  }
}

const crashingDisk = (point: CrashPoint): KeyFileDisk => ({
  read: (path) => point.step(() => localDisk.read(path)),
  resolve: (path) => point.step(() => localDisk.resolve(path)),
  write: (path, contents) => point.step(() => localDisk.write(path, contents)),
  link: (from, to) => point.step(() => localDisk.link(from, to)),
  rename: (from, to) => point.step(() => localDisk.rename(from, to)),
  remove: (path) => point.step(() => localDisk.remove(path)),
  syncFolderOf: (path) => point.step(() => localDisk.syncFolderOf(path)),
})

/** The one setting of a store, whose commit is a step like any other. */
class SettingStore {
  text: string | undefined

  commit =
    (point: CrashPoint): CommitSetting =>
    (next, previous) =>
      point.step(() => {
        assert.equal(this.text, previous)
        this.text = next
        return Promise.resolve()
      })
}

const never = (): CrashPoint => new CrashPoint({ afterSteps: Infinity, takesEffect: true })
const secretOf = (text: string): Secret => new Secret(new TextEncoder().encode(text))

describe('a crash in custody', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'strongroom-crash-'))
    path = join(folder, 'root.key')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const seal = (point: CrashPoint): Seal =>
    keyfileSeal({ path, random, onWarning: assert.fail, disk: crashingDisk(point) })
  const parts = (point: CrashPoint): CustodyParts => ({ seal: seal(point), random, clock })

  /** What a start does: create or open, commit, settle. */
  async function start(store: SettingStore, point: CrashPoint): Promise<Custody> {
    if (store.text !== undefined) {
      const opened = await openCustody(store.text, parts(point))
      await opened.settleSeal()
      return opened
    }
    const created = await createCustody(parts(point))
    await point.step(() => {
      store.text = created.settingText
      return Promise.resolve()
    })
    await created.settleSeal()
    return created
  }

  /** Runs `scenario` with a crash at its first step, its second and so on, until one runs through. */
  async function atEveryStep(
    scenario: (point: CrashPoint, label: string) => Promise<void>,
  ): Promise<number> {
    for (let afterSteps = 0; afterSteps < STEPS_MAX; afterSteps++) {
      for (const takesEffect of [false, true]) {
        const point = new CrashPoint({ afterSteps, takesEffect })
        await scenario(point, `step ${afterSteps}, ${takesEffect ? 'done' : 'not done'}`)
        rmSync(folder, { recursive: true })
        folder = mkdtempSync(join(tmpdir(), 'strongroom-crash-'))
        path = join(folder, 'root.key')
        if (!point.hasCrashed) return afterSteps
      }
    }
    throw new Error('the scenario never ran through')
  }

  const ignoringCrash = async (point: CrashPoint, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!point.hasCrashed) throw error
    }
  }

  /** The key file holds one root key, `current`, the one that the store names; nothing lies beside it. */
  function assertTidy(custody: Custody, label: string): void {
    assert.deepEqual(readdirSync(folder), ['root.key'], label)
    const lines = readFileSync(path, 'latin1').split('\n').slice(1, -2)
    assert.equal(lines.length, 1, label)
    assert.ok(lines[0]?.startsWith(`root-key ${custody.rootKeyId} current `), label)
  }

  test('at any step of the first start leaves a folder that starts', async () => {
    const steps = await atEveryStep(async (point, label) => {
      const store = new SettingStore()
      await ignoringCrash(point, () => start(store, point))
      const custody = await start(store, never())
      assertTidy(custody, label)
      const again = await start(store, never())
      assert.equal(again.rootKeyId, custody.rootKeyId, label)
    })
    assert.ok(steps >= 10, `only ${steps} steps`)
  })

  test('at any step of a root key rotation leaves a store that opens', async () => {
    const steps = await atEveryStep(async (point, label) => {
      const store = new SettingStore()
      const before = await start(store, never())
      const wrapped = before.wrap(ROW, secretOf('material'))
      const text = store.text ?? ''
      const running = await openCustody(text, parts(never()))
      const rotating = await openCustody(text, { ...parts(never()), seal: seal(point) }).catch(
        () => undefined,
      )
      if (rotating !== undefined) {
        await ignoringCrash(point, () => rotating.rotateRootKey({ commit: store.commit(point) }))
      }
      assert.equal(running.rootKeyId, before.rootKeyId)
      const after = await start(store, never())
      assertTidy(after, label)
      const opened = after.unwrap(ROW, wrapped)
      assert.equal(new TextDecoder().decode(opened.expose()), 'material', label)
      await after.rotateRootKey({ commit: store.commit(never()) })
      assertTidy(await start(store, never()), label)
    })
    assert.ok(steps >= 12, `only ${steps} steps`)
  })

  test('a commit that failed but happened costs nothing, even after more rotations', async () => {
    const store = new SettingStore()
    const custody = await start(store, never())
    const wrapped = custody.wrap(ROW, secretOf('material'))
    await assert.rejects(
      custody.rotateRootKey({
        commit: (next) => {
          store.text = next
          return Promise.reject(new Error('the reply was lost'))
        },
      }),
      /reply was lost/,
    )
    const failing: CommitSetting = () => Promise.reject(new Error('the setting has moved'))
    for (let i = 0; i < 14; i++) await assert.rejects(custody.rotateRootKey({ commit: failing }))
    await assert.rejects(custody.rotateRootKey({ commit: failing }), /unfinished rotations/)
    const again = await start(store, never())
    assert.notEqual(again.rootKeyId, custody.rootKeyId)
    assert.equal(new TextDecoder().decode(again.unwrap(ROW, wrapped).expose()), 'material')
    assertTidy(again, 'after the start')
  })

  test('at the commit of any rotation under a passphrase leaves a store that opens', async () => {
    const passphrase = (): CustodyParts => ({
      seal: passphraseSeal({
        random,
        costs: { memoryKiB: 64, passes: 1, parallelism: 1 },
        readPassphrase: () => Promise.resolve(secretOf('correct horse')),
      }),
      random,
      clock,
    })
    for (const takesEffect of [false, true]) {
      const store = new SettingStore()
      const custody = await createCustody(passphrase())
      store.text = custody.settingText
      const wrapped = custody.wrap(ROW, secretOf('material'))
      for (const { rotate, afterSteps } of [
        {
          afterSteps: 0,
          rotate: (by: Custody, point: CrashPoint) =>
            by.rotateRootKey({ commit: store.commit(point) }),
        },
        // A new domain key takes two commits.
        ...[0, 1].map((steps) => ({
          afterSteps: steps,
          rotate: (by: Custody, point: CrashPoint) => by.rotateDomainKey(store.commit(point)),
        })),
      ]) {
        store.text = custody.settingText
        const point = new CrashPoint({ afterSteps, takesEffect })
        const rotating = await openCustody(store.text, passphrase())
        await assert.rejects(rotate(rotating, point), Crash)
        const again = await openCustody(store.text, passphrase())
        assert.equal(new TextDecoder().decode(again.unwrap(ROW, wrapped).expose()), 'material')
      }
    }
  })
})
