import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { Registry } from './registry.ts'

describe('a registry', () => {
  test('gives the same series for the same labels', () => {
    const family = new Registry().counter({ name: 'a_total', help: 'A', labels: ['x', 'y'] })
    assert.equal(family.of('1', '2'), family.of('1', '2'))
    assert.notEqual(family.of('1', '2'), family.of('12', ''))
  })

  test('refuses a name twice, and names that are not as their type wants', () => {
    const registry = new Registry()
    registry.gauge({ name: 'a', help: 'A' })
    for (const make of [
      () => registry.counter({ name: 'a', help: 'A' }),
      () => registry.counter({ name: 'b', help: 'B' }),
      () => registry.gauge({ name: 'c_total', help: 'C' }),
      () => registry.gauge({ name: 'Bad-Name', help: 'D' }),
      () => registry.histogram({ name: 'a', help: 'A' }, [1]),
    ]) {
      assert.throws(make, RangeError)
    }
  })

  test('refuses another number of labels, and more series than a closed set has', () => {
    const family = new Registry().gauge({ name: 'a', help: 'A', labels: ['x'] })
    assert.throws(() => family.of(), RangeError)
    assert.throws(() => family.of('1', '2'), RangeError)
    for (let at = 0; at < 5000; at++) family.of(String(at))
    assert.throws(() => family.of('one more'), RangeError)
    family.clear()
    assert.equal(family.of('one more').value, 0)
  })

  test('shows what was counted, and of series without labels also that nothing was', async () => {
    const registry = new Registry()
    registry.counter({ name: 'plain_total', help: 'P' }).of()
    const family = registry.counter({ name: 'labelled_total', help: 'L', labels: ['x'] })
    family.of('never')
    family.of('once').add()
    registry.histogram({ name: 'took', help: 'T', labels: ['x'] }, [1]).of('never')
    const shown = new Map(
      (await registry.collect()).map((metric) => [
        metric.name,
        [...metric.series()].map(({ labels }) => labels.join()),
      ]),
    )
    assert.deepEqual(shown.get('plain_total'), [''])
    assert.deepEqual(shown.get('labelled_total'), ['once'])
    assert.deepEqual(shown.get('took'), [])
  })

  test('a reading that fails hides nothing else and is counted', async () => {
    const registry = new Registry()
    const gauge = registry.gauge({ name: 'a', help: 'A' }).of()
    registry.read(() => Promise.reject(new Error('the disk is gone')))
    registry.read(() => {
      gauge.value = 7
    })
    const metrics = await registry.collect()
    const valueOf = (name: string) =>
      [...(metrics.find((metric) => metric.name === name)?.series() ?? [])].map((series) =>
        'value' in series ? series.value : undefined,
      )
    assert.deepEqual(valueOf('a'), [7])
    assert.deepEqual(valueOf('strongroom_metrics_reading_failures_total'), [1])
  })
})
