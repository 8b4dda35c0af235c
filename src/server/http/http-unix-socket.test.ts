import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { link, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { HttpHandler } from '../../core/transport.ts'
import { openUnixSocketTransport } from './http-unix-socket.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }

const handler: HttpHandler = (request) => ({
  status: 200,
  headers: [],
  body: `${request.target} from ${request.connection.remoteAddress}`,
})

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function open(t: TestContext, path: string) {
  const transport = await openUnixSocketTransport({ path, handler, log: silent })
  t.after(() => transport.close(0))
  return transport
}

/** Asks over the socket, reaching it through its open folder, so that its path may be of any length. */
async function ask(path: string): Promise<string> {
  const folder = openSync(dirname(path), 'r')
  try {
    const socketPath = `/proc/self/fd/${folder}/${basename(path)}`
    const asked = httpRequest({ socketPath, path: '/status', agent: false }).end()
    const [reply] = await once(asked, 'response')
    let body = ''
    for await (const piece of reply) body += piece
    return body
  } finally {
    closeSync(folder)
  }
}

const onLinux = { skip: process.platform !== 'linux' && 'needs /proc' }

describe('a UNIX socket', onLinux, () => {
  test('serves its owner alone and leaves nothing behind', async (t) => {
    const folder = await newFolder(t)
    const path = join(folder, 'operator.sock')
    const transport = await open(t, path)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(folder), ['operator.sock'])
    assert.equal(await ask(path), '/status from local')
    await transport.close(1000)
    assert.deepEqual(await readdir(folder), [])
  })

  test('is served again where a program has left its socket behind', async (t) => {
    const path = join(await newFolder(t), 'operator.sock')
    // A second name of a socket stays when the program that bound it goes: a socket without one.
    const gone = createServer().listen(`${path}.born`)
    await once(gone, 'listening')
    await link(`${path}.born`, path)
    gone.close()
    await once(gone, 'close')
    assert.ok((await stat(path)).isSocket())
    await open(t, path)
    assert.equal(await ask(path), '/status from local')
  })

  test('is not taken from a program that serves it', async (t) => {
    const path = join(await newFolder(t), 'operator.sock')
    await open(t, path)
    await assert.rejects(open(t, path), {
      name: 'OperatorError',
      message: `another program serves ${path}`,
    })
    assert.equal(await ask(path), '/status from local')
  })

  test('never replaces a file of another kind', async (t) => {
    const path = join(await newFolder(t), 'operator.sock')
    await writeFile(path, 'precious')
    await assert.rejects(open(t, path), { message: `${path} exists and is not a socket` })
  })

  test('in a folder that is missing is refused in plain words', async (t) => {
    const folder = join(await newFolder(t), 'nowhere')
    await assert.rejects(open(t, join(folder, 'operator.sock')), {
      name: 'OperatorError',
      message: `the folder ${folder} cannot be opened`,
    })
  })

  test('works below a folder with a very long name', async (t) => {
    const folder = join(await newFolder(t), 'l'.repeat(120), 'o'.repeat(120))
    await mkdir(folder, { recursive: true })
    const path = join(folder, 'operator.sock')
    const transport = await open(t, path)
    assert.equal(await ask(path), '/status from local')
    await transport.close(1000)
    assert.deepEqual(await readdir(folder), [])
  })

  test('that a successor has replaced is left to it', async (t) => {
    const path = join(await newFolder(t), 'operator.sock')
    const first = await open(t, path)
    await rm(path)
    await open(t, path)
    await first.close(1000)
    assert.equal(await ask(path), '/status from local')
  })
})
