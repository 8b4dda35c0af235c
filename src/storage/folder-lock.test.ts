import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { OperatorError } from '../core/errors.ts'
import { hasLockFile, lockFolder } from './folder-lock.ts'

const parent = await mkdtemp(join(tmpdir(), 'strongroom-lock-'))
after(() => rm(parent, { recursive: true }))
const newFolder = (): Promise<string> => mkdtemp(join(parent, 'data-'))

/** A process that holds the lock of a folder until it is killed. */
async function holderOf(folder: string): Promise<ChildProcess> {
  const program = `
    import { lockFolder } from ${JSON.stringify(import.meta.resolve('./folder-lock.ts'))}
    // Kept: a lock that nobody holds on to is collected, and with it the lock on the file.
    globalThis.lock = lockFolder(${JSON.stringify(folder)})
    process.stdout.write('locked')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert(child.stdout)
  await once(child.stdout, 'data')
  return child
}

const refusal = (pid: number | undefined, folder: string) => (error: unknown) => {
  assert(error instanceof OperatorError)
  assert.equal(error.message, `another Strongroom process (pid ${pid}) is using ${folder}`)
  assert.ok(error.hint)
  return true
}

test('a lock that is removed leaves nothing, and the next one holds', async () => {
  const folder = await newFolder()
  assert.equal(hasLockFile(folder), false)
  const first = lockFolder(folder)
  assert.equal(hasLockFile(folder), true)
  first.releaseAndRemove()
  assert.deepEqual(await readdir(folder), [])
  const second = lockFolder(folder)
  first.releaseAndRemove()
  assert.throws(() => lockFolder(folder), refusal(process.pid, folder))
  second.release()
  assert.deepEqual(await readdir(folder), ['lock'])
})

test('a folder is locked once, and again after its release', async () => {
  const folder = await newFolder()
  const lock = lockFolder(folder)
  assert.throws(() => lockFolder(folder), refusal(process.pid, folder))
  lock.release()
  lock.release()
  await assert.rejects(stat(join(folder, 'lock.pid')), { code: 'ENOENT' })
  lockFolder(folder).release()
})

test('another process is refused while a holder lives, and kill -9 frees the folder', async (context) => {
  const folder = await newFolder()
  const holder = await holderOf(folder)
  // A failure below must not leave it behind, or the run would wait for it.
  context.after(() => holder.kill('SIGKILL'))
  assert.throws(() => lockFolder(folder), refusal(holder.pid, folder))
  // The refusal must not have taken the lock or its file from the holder.
  assert.throws(() => lockFolder(folder), refusal(holder.pid, folder))
  const exit = once(holder, 'exit')
  holder.kill('SIGKILL')
  await exit
  const lock = lockFolder(folder)
  assert.equal(await readFile(join(folder, 'lock.pid'), 'utf8'), `${process.pid}\n`)
  lock.release()
})

test('what lock.pid says does not decide, and nonsense in it is not repeated', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'lock.pid'), '1\n')
  const lock = lockFolder(folder)
  await writeFile(join(folder, 'lock.pid'), 'escape \u001b[31m')
  assert.throws(() => lockFolder(folder), {
    message: `another Strongroom process is using ${folder}`,
  })
  lock.release()
})

test('the lock files are private', async () => {
  const folder = await newFolder()
  const lock = lockFolder(folder)
  for (const name of ['lock', 'lock.pid']) {
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600)
  }
  lock.release()
})

test('a folder that is not there is named', () => {
  const folder = join(parent, 'none')
  assert.throws(() => lockFolder(folder), {
    name: 'OperatorError',
    message: `the data folder ${folder} cannot be locked`,
  })
})
