import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeMetrics } from './merged-metrics.ts'

const calls = (count: number): string =>
  `# HELP calls_total Calls\n# TYPE calls_total counter\ncalls_total{what="a } b"} ${count}\n`
const up = '# HELP up Whether it is\n# TYPE up gauge\nup 1\n'

test('samples of several workers stand together, each with its worker', () => {
  const merged = mergeMetrics([
    { worker: '1', text: calls(3) + up },
    { worker: '2', text: up + calls(4) },
    { worker: '', text: '# HELP own Own\n# TYPE own gauge\nown{worker="2"} 5\n' },
  ])
  assert.equal(
    merged,
    [
      '# HELP calls_total Calls',
      '# TYPE calls_total counter',
      'calls_total{worker="1",what="a } b"} 3',
      'calls_total{worker="2",what="a } b"} 4',
      '# HELP up Whether it is',
      '# TYPE up gauge',
      'up{worker="1"} 1',
      'up{worker="2"} 1',
      '# HELP own Own',
      '# TYPE own gauge',
      'own{worker="2"} 5',
      '',
    ].join('\n'),
  )
})

test('the end that OpenMetrics wants is there once', () => {
  const merged = mergeMetrics([
    { worker: '1', text: `${up}# EOF\n` },
    { worker: '2', text: `${up}# EOF\n` },
  ])
  assert.equal(merged.match(/# EOF/g)?.length, 1)
  assert.ok(merged.endsWith('# EOF\n'))
})
