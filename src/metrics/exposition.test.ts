import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { CONTENT_TYPES, exposeMetrics, formatOf } from './exposition.ts'
import { Registry } from './registry.ts'

/** The lines about one metric. */
async function linesOf(registry: Registry, name: string, format: 'prometheus' | 'openmetrics') {
  const text = exposeMetrics(await registry.collect(), format)
  return text.split('\n').filter((line) => line.includes(name))
}

describe('the text that Prometheus reads', () => {
  test('a counter has its help, its type and a line for each series', async () => {
    const registry = new Registry()
    const family = registry.counter({ name: 'calls_total', help: 'Calls', labels: ['how'] })
    family.of('well').add()
    family.of('well').add(2)
    family.of('badly').add()
    assert.deepEqual(await linesOf(registry, 'calls', 'prometheus'), [
      '# HELP calls_total Calls',
      '# TYPE calls_total counter',
      'calls_total{how="well"} 3',
      'calls_total{how="badly"} 1',
    ])
  })

  test('OpenMetrics names a counter without its ending, and says where the text ends', async () => {
    const registry = new Registry()
    registry.counter({ name: 'calls_total', help: 'Calls' }).of().add()
    const text = exposeMetrics(await registry.collect(), 'openmetrics')
    assert.match(text, /# HELP calls Calls\n# TYPE calls counter\ncalls_total 1\n# EOF\n$/)
  })

  test('a histogram has its buckets summed up, its sum and its count', async () => {
    const registry = new Registry()
    const histogram = registry.histogram({ name: 'took_seconds', help: 'Time' }, [0.5, 1]).of()
    for (const value of [0.5, 0.75, 1.5, 0.25]) histogram.observe(value)
    assert.deepEqual(await linesOf(registry, 'took_seconds', 'prometheus'), [
      '# HELP took_seconds Time',
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{le="0.5"} 2',
      'took_seconds_bucket{le="1"} 3',
      'took_seconds_bucket{le="+Inf"} 4',
      'took_seconds_sum 3',
      'took_seconds_count 4',
    ])
    const [, , , second] = await linesOf(registry, 'took_seconds', 'openmetrics')
    assert.equal(second, 'took_seconds_bucket{le="1.0"} 3')
  })

  test('label values and help are escaped', async () => {
    const registry = new Registry()
    registry.gauge({ name: 'odd', help: 'back\\slash\nbreak', labels: ['l'] }).of('a"b\\c\nd')
    assert.deepEqual(await linesOf(registry, 'odd', 'prometheus'), [
      '# HELP odd back\\\\slash\\nbreak',
      '# TYPE odd gauge',
      'odd{l="a\\"b\\\\c\\nd"} 0',
    ])
  })

  test('infinite values have their own words', async () => {
    const registry = new Registry()
    const family = registry.gauge({ name: 'far', help: 'Far', labels: ['l'] })
    family.of('a').value = Number.POSITIVE_INFINITY
    family.of('b').value = Number.NEGATIVE_INFINITY
    family.of('c').value = Number.NaN
    const lines = await linesOf(registry, 'far', 'prometheus')
    assert.deepEqual(lines.slice(2), ['far{l="a"} +Inf', 'far{l="b"} -Inf', 'far{l="c"} NaN'])
  })

  test('the newer format is for who asks for it', () => {
    assert.equal(formatOf(undefined), 'prometheus')
    assert.equal(formatOf('text/plain;version=0.0.4'), 'prometheus')
    assert.equal(formatOf('application/openmetrics-text;version=1.0.0,*/*;q=0.1'), 'openmetrics')
    assert.match(CONTENT_TYPES.prometheus, /^text\/plain; version=0\.0\.4/)
  })
})
