import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createOperatorLog } from './operator/operator-log.ts'
import { Readiness } from './readiness.ts'

const log = createOperatorLog('silent')

/** Transport of which is noted when it was told that connections are to end. */
const transportOf = (readiness: Readiness) => {
  const told: boolean[] = []
  return { told, endConnections: () => told.push(readiness.isReady(partsOf())) }
}

const partsOf = ({ isFailing = false, isFresh = true } = {}) => ({
  audit: { isFailing: () => isFailing },
  state: {
    // Of the store no more than this is looked at.
    store: { freshness: { isFresh: () => isFresh } } as never,
  },
})

describe('a node is ready', () => {
  test('while its calls are recorded and its caches are true', () => {
    const readiness = new Readiness()
    assert.equal(readiness.isReady(partsOf()), true)
    assert.equal(readiness.isReady(partsOf({ isFailing: true })), false)
    assert.equal(readiness.isReady(partsOf({ isFresh: false })), false)
  })

  test('and not any more once it leaves, before connections end, for as long as was asked', async () => {
    const readiness = new Readiness()
    const transport = transportOf(readiness)
    const startMs = performance.now()
    await readiness.leave(transport, 0.2, log)
    assert.ok(performance.now() - startMs > 150)
    assert.deepEqual(transport.told, [false])
    assert.equal(readiness.isReady(partsOf()), false)
  })

  test('and leaves at once where nothing was asked: what is kept open ends with the rest', async () => {
    const readiness = new Readiness()
    const transport = transportOf(readiness)
    await readiness.leave(transport, 0, log)
    assert.deepEqual(transport.told, [])
    assert.equal(readiness.isReady(partsOf()), false)
  })

  test('no longer where it never had a port', async () => {
    const readiness = new Readiness()
    await readiness.leave(undefined, 3600, log)
    assert.equal(readiness.isReady(partsOf()), false)
  })
})
