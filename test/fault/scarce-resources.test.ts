import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { blob, createKey, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const onLinux = { skip: process.platform === 'linux' ? false : 'looks at /proc' }
const hasPrlimit = ((): boolean => {
  try {
    execFileSync('prlimit', ['--version'])
    return true
  } catch {
    return false
  }
})()

const clientOf = ({ endpoint, credentials }: ServerProcess): WireClient =>
  new WireClient(endpoint, credentials.accessKeyId, 'us-east-1', credentials.secretAccessKey)

const descriptorsOf = ({ pid }: ServerProcess): number => readdirSync(`/proc/${pid}/fd`).length

/** Resident memory. Unit: bytes. */
const memoryOf = ({ pid }: ServerProcess): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/** Opens so many connections, some at a time; each ends in its own time. */
async function openMany({ endpoint }: ServerProcess, count: number): Promise<Socket[]> {
  const port = Number(new URL(endpoint).port)
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(200, count - sockets.length) }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      return new Promise<Socket>((resolve) => {
        socket.once('connect', () => resolve(socket)).once('close', () => resolve(socket))
      })
    })
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

/** Waits until something holds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 300, what)
    await delay(50)
  }
}

/** Encrypts and decrypts once. */
async function works(client: WireClient, KeyId: string): Promise<void> {
  const encrypted = await client.kms('Encrypt', { KeyId, Plaintext: blob('x') })
  const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
  succeeded(await client.kms('Decrypt', { CiphertextBlob }))
}

describe('a node that runs out of descriptors', {
  skip: hasPrlimit && process.platform === 'linux' ? false : 'needs prlimit',
}, () => {
  test('goes on with the connections that it has, and takes new ones when some have closed', async () => {
    // No more than most systems give a service that asks for nothing.
    await using server = await startServer({ wrapper: ['prlimit', '--nofile=1024:1024', '--'] })
    await server.saysToOperator(/"descriptors":1024,"msg":"this process may open few files: /)
    const client = clientOf(server)
    const { id } = await createKey(client)
    await works(client, id)
    const limit = descriptorsOf(server) + 20
    execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${limit}:${limit}`])
    const sockets = await openMany(server, 200)
    await until('the descriptors are used up', () => descriptorsOf(server) >= limit - 1)
    await until('the others were closed', () => sockets.some(({ closed }) => closed))
    // Log and store are open, and the client has its connection: nothing of this needs a descriptor.
    for (let n = 0; n < 20; n += 1) await works(client, id)
    await createKey(client)
    for (const socket of sockets) socket.destroy()
    await until('descriptors are free again', () => descriptorsOf(server) < limit - 10)
    const another = clientOf(server)
    await works(another, id)
    another.close()
    client.close()
    await server.stop()
  })
})

describe('thousands of connections that do nothing', onLinux, () => {
  test('cost little memory, keep nobody from being served, and leave nothing behind', async () => {
    const COUNT = 3000
    /** Of a connection that has sent its first bytes: sockets, streams, timers. */
    const BYTES_EACH_MAX = 40_000
    /** What the node itself opens now and then: its index, files of the trail. */
    const OWN_FILES_MAX = 20
    await using server = await startServer()
    const client = clientOf(server)
    const { id } = await createKey(client)
    for (let n = 0; n < 50; n += 1) await works(client, id)
    const memory = memoryOf(server)
    const descriptors = descriptorsOf(server)
    const sockets = await openMany(server, COUNT)
    for (const socket of sockets) socket.write('POST / HTTP/1.1\r\nHost: a\r\n')
    await until('all are open', () => descriptorsOf(server) >= descriptors + COUNT)
    await works(client, id)
    const each = (memoryOf(server) - memory) / COUNT
    assert.ok(each < BYTES_EACH_MAX, `${each} bytes a connection`)
    for (const socket of sockets) socket.destroy()
    await until('all are closed', () => descriptorsOf(server) <= descriptors + OWN_FILES_MAX)
    await works(client, id)
    client.close()
    await server.stop()
  })

  test('beyond the limit are closed, and the operator reads how many', async () => {
    const COUNT = 4200
    await using server = await startServer()
    const client = clientOf(server)
    const { id } = await createKey(client)
    const sockets = await openMany(server, COUNT)
    await until('those that are too many were closed', () => sockets.some(({ closed }) => closed))
    await works(client, id)
    await until('the operator reads of it', () =>
      /"connections":\d+,"msg":"connections were closed: too many are open"/.test(server.stderr),
    )
    for (const socket of sockets) socket.destroy()
    client.close()
    await server.stop()
  })
})
