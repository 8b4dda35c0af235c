import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import { type Freshness, whileFresh } from './fresh-handler.ts'

const request: HttpRequest = {
  method: 'POST',
  target: '/',
  rawHeaders: [],
  headers: {},
  body: Buffer.alloc(0),
  connection: { remoteAddress: '127.0.0.1' },
}
const served: HttpReply = { status: 200, headers: [], body: 'served' }
const handler = (): HttpReply => served
const refuse = (): HttpReply => ({ status: 503, headers: [], body: '' })
const freshness = (now: boolean, later: boolean): Freshness => ({
  isFresh: () => now,
  whenFresh: () => Promise.resolve(later),
})

describe('a request to a node that shares its store', () => {
  test('is served at once while the node is up to date', () => {
    assert.equal(whileFresh(handler, refuse, freshness(true, true))(request), served)
  })

  test('waits for a node that comes up to date', async () => {
    assert.equal(await whileFresh(handler, refuse, freshness(false, true))(request), served)
  })

  test('is refused by one that does not, so that the client tries again', async () => {
    let handled = 0
    const guarded = whileFresh(
      () => {
        handled++
        return served
      },
      refuse,
      freshness(false, false),
    )
    const reply = await guarded(request)
    assert.equal(reply.status, 503)
    assert.equal(handled, 0)
  })

  test('is nobody’s concern where nothing is shared', () => {
    assert.equal(whileFresh(handler, refuse, undefined), handler)
  })
})
