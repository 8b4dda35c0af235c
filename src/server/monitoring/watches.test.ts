import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { Log } from '../../core/ports.ts'
import { NodeMetrics } from './node-metrics.ts'
import { openWatches } from './watches.ts'

const NO_LOG: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

describe('watches', () => {
  test('that nobody asked for are not there, and no stages are asked for', async () => {
    assert.deepEqual(openWatches({}, NO_LOG), [])
    const metrics = new NodeMetrics()
    assert.equal(metrics.watch.begin, undefined)
    await metrics.close()
  })

  test('ask for stages where calls are traced', async () => {
    const watches = openWatches({ otlpEndpoint: 'http://127.0.0.1:4318' }, NO_LOG)
    const metrics = new NodeMetrics(watches)
    assert.equal(typeof metrics.watch.begin, 'function')
    await metrics.close()
  })

  test('take no endpoint that is no URL, or has credentials', () => {
    for (const otlpEndpoint of ['4318', 'ftp://a', 'http://user:pass@127.0.0.1:4318']) {
      assert.throws(() => openWatches({ otlpEndpoint }, NO_LOG), /--otlp-endpoint takes/)
    }
  })
})
