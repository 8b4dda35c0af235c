import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import fc from 'fast-check'
import type { HttpHandler } from '../../src/core/transport.ts'
import { type HttpTransport, openHttpTransport } from '../../src/server/http/http-transport.ts'
import { CORPUS } from './http-corpus.ts'
import { MemoryLog, post, seenOf } from './http-fixture.ts'
import { RawClient } from './http-raw-client.ts'

/** Says in its reply all that it saw, so that equal output means equal requests. */
const mirror: HttpHandler = (request) => ({
  status: 200,
  headers: ['X-Length', String(request.rawHeaders.length)],
  body: JSON.stringify(seenOf(request)),
})

/** Answers in a later turn of the loop, as a handler that waits for a disk does. */
const laterMirror: HttpHandler = async (request) => {
  await turnOfLoop()
  return mirror(request)
}

/** A short linger, since half of the corpus is refused. */
const limits = { lingerMs: 40, bodyBytesMax: 2000, headBytesMax: 32_768 }

/**
 * All that the server sends back for the pieces of an input, without its date. Whether a late reply
 * notices that the client has stopped sending, and says close, is a matter of timing.
 */
async function outputOf(port: number, pieces: readonly Buffer[]): Promise<string> {
  const client = await RawClient.open(port)
  for (const [index, piece] of pieces.entries()) {
    await client.send(piece)
    // The server shares this loop: it reads the piece before the next one is sent.
    if (index < pieces.length - 1) for (let turn = 0; turn < 3; turn += 1) await turnOfLoop()
  }
  client.socket.end()
  const text = await client.rest()
  client.close()
  return text
    .replaceAll(/\r\nDate: [^\r]*/g, '')
    .replaceAll(/(200 OK.*?\r\nConnection: )[a-z-]*/gs, '$1')
}

for (const [name, handler] of [
  ['at once', mirror],
  ['later', laterMirror],
] as const) {
  describe(`the fast path and node:http, replies ${name}`, () => {
    let lean: HttpTransport
    let node: HttpTransport

    before(async () => {
      const options = { host: '127.0.0.1', port: 0, handler, log: new MemoryLog(), limits }
      lean = await openHttpTransport(options)
      node = await openHttpTransport({ ...options, fastPath: false })
    })

    after(async () => {
      await lean.close(0)
      await node.close(0)
    })

    const agree = async (pieces: readonly string[]): Promise<void> => {
      const bytes = pieces.map((piece) => Buffer.from(piece, 'latin1'))
      const [fast, slow] = await Promise.all([
        outputOf(lean.address.port, bytes),
        outputOf(node.address.port, bytes),
      ])
      assert.equal(fast, slow, `they differ for ${JSON.stringify(pieces)}`)
    }

    test('agree on every request of the corpus', async () => {
      for (let at = 0; at < CORPUS.length; at += 16) {
        await Promise.all(CORPUS.slice(at, at + 16).map((input) => agree([input])))
      }
    })

    test('agree on every request of the corpus cut in two', async () => {
      for (let at = 0; at < CORPUS.length; at += 16) {
        await Promise.all(
          CORPUS.slice(at, at + 16).map((input, index) => {
            const cut = (input.length * (1 + (index % 7))) >> 3
            return agree([input.slice(0, cut), input.slice(cut)])
          }),
        )
      }
    })

    test('agree wherever a request is cut', async () => {
      const input =
        post('/one', 'body', 'X-A: b\r\n') +
        'POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n' +
        post('/three', 'c')
      const cuts = Array.from({ length: input.length + 1 }, (_, index) => index)
      for (let at = 0; at < cuts.length; at += 16) {
        await Promise.all(
          cuts.slice(at, at + 16).map((cut) => agree([input.slice(0, cut), input.slice(cut)])),
        )
      }
    })

    test('agree on a request that comes byte by byte', async () => {
      await agree((post('/one', 'body', 'X-A: b\r\n') + post('/two', '')).split(''))
    })

    test('agree on requests made of hostile parts', async () => {
      await fc.assert(fc.asyncProperty(hostile, agree), { numRuns: 300 })
    })
  })
}

const PIECES = [
  ['GET ', 'POST ', 'HEAD ', '/', '/a', '*', ' ', '\t', '\r\n', '\r\n', '\r\n', '\n', '\r', '\0'],
  [' HTTP/1.1\r\n', ' HTTP/1.0\r\n', 'Host: a\r\n', 'Host: a\r\n', 'X: b\r\n', ':', ': ', 'X'],
  ['Content-Length: 3\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'abc'],
  ['Connection: close\r\n', 'Connection: keep-alive\r\n', '3\r\nabc\r\n0\r\n\r\n', '\x7f', '\xff'],
  ['GET / HTTP/1.1\r\nHost: a\r\n', 'POST / HTTP/1.1\r\nHost: a\r\n', '\r\n\r\n', '5', ','],
].flat()
const piece = fc.constantFrom(...PIECES)

/** Parts in any order, or a good request with one byte changed; in one to three pieces. */
const hostile: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.oneof(
      fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.tuple(fc.nat(90), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
        const good = post('/good', 'abc', 'X-Name: value\r\n') + post('/next', '')
        return good.slice(0, at) + String.fromCharCode(byte) + good.slice(at + 1)
      }),
    ),
    fc.array(fc.nat(120), { maxLength: 2 }),
  )
  .map(([text, cuts]) => {
    const [first = text.length, second = text.length] = cuts.sort((a, b) => a - b)
    return [text.slice(0, first), text.slice(first, second), text.slice(second)]
  })
