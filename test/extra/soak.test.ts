import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from './soak.ts'

test('a node under load holds no more at the end than after its warm-up', {
  skip: process.platform === 'linux' ? false : 'looks at /proc',
}, async (t) => {
  const { warm, end, findings } = await soak({ warmUpMs: 15_000, durationMs: 30_000 })
  t.diagnostic(`${JSON.stringify(warm)} ${JSON.stringify(end)}`)
  assert.deepEqual(findings, [])
  assert.ok(end.calls > warm.calls + 500, `${end.calls} calls`)
})
