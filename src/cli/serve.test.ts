import assert from 'node:assert/strict'
import test from 'node:test'
import { fakeTerminal } from '../../test/support/fake-terminal.ts'
import { EXIT } from './failures.ts'
import { serveUntilStopped } from './serve.ts'

/** A server that ends when the test says so. */
function aServer() {
  const stopped = Promise.withResolvers<Error | undefined>()
  const stopping = Promise.withResolvers<void>()
  let stops = 0
  return {
    server: {
      stopped: stopped.promise,
      stop: () => {
        stops += 1
        return stopping.promise
      },
    },
    stops: () => stops,
    end: (error?: Error) => {
      stopping.resolve()
      stopped.resolve(error)
    },
    failToStop: (error: Error) => stopping.reject(error),
  }
}

const noAnnouncement = async (): Promise<void> => undefined

/** Lets everything that is ready to run do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a signal stops the server once it has finished, with exit code 0', async () => {
  const [terminal, { server, stops, end }] = [fakeTerminal(), aServer()]
  const exit = serveUntilStopped(server, terminal, noAnnouncement)
  terminal.signal()
  await settle()
  assert.equal(stops(), 1)
  end()
  assert.equal(await exit, EXIT.ok)
  assert.equal(terminal.listening(), 0)
})

test('the same signal passed on by npm does not cut requests off', async () => {
  const [terminal, { server, stops, end }] = [fakeTerminal(), aServer()]
  let exited = false
  const exit = serveUntilStopped(server, terminal, noAnnouncement).finally(() => {
    exited = true
  })
  terminal.signal()
  terminal.advanceMs(999)
  terminal.signal()
  await settle()
  assert.equal(exited, false)
  assert.equal(stops(), 1)
  end()
  assert.equal(await exit, EXIT.ok)
})

test('a second wish to stop gives up waiting, with exit code 1', async () => {
  const [terminal, { server }] = [fakeTerminal(), aServer()]
  const exit = serveUntilStopped(server, terminal, noAnnouncement)
  terminal.signal()
  terminal.advanceMs(1000)
  terminal.signal()
  assert.equal(await exit, EXIT.failed)
})

test('a server that ends by itself takes the command with it', async () => {
  const [terminal, { server, end }] = [fakeTerminal(), aServer()]
  const exit = serveUntilStopped(server, terminal, noAnnouncement)
  end(new Error('the audit log cannot be written'))
  await assert.rejects(exit, /audit log/)
  assert.equal(terminal.listening(), 0)
})

test('a failure while stopping is reported, wherever it shows', async () => {
  for (const fail of ['end', 'failToStop'] as const) {
    const [terminal, fake] = [fakeTerminal(), aServer()]
    const exit = serveUntilStopped(fake.server, terminal, noAnnouncement)
    terminal.signal()
    fake[fail](new Error('the store did not close'))
    await assert.rejects(exit, /did not close/)
  }
})

test('a signal that answers the announcement is heard', async () => {
  const [terminal, { server, stops, end }] = [fakeTerminal(), aServer()]
  const exit = serveUntilStopped(server, terminal, async () => terminal.signal())
  await settle()
  assert.equal(stops(), 1)
  end()
  assert.equal(await exit, EXIT.ok)
})
