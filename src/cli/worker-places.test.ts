import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertPlacesForWorkers, placeOfWorker } from './worker-places.ts'

test("the first worker's files go where it was said, the others' beside it", () => {
  const cases = [
    ['dir:/copies/trail', 'dir:/copies/trail-worker-2'],
    ['dir:/copies/trail/', 'dir:/copies/trail-worker-2'],
    ['file:anchors.jsonl', 'file:anchors.jsonl-worker-2'],
    ['s3://bucket', 's3://bucket/worker-2'],
    ['s3://bucket/', 's3://bucket/worker-2'],
    ['s3://bucket/kms/one', 's3://bucket/kms/one-worker-2'],
    ['webhook:https://example.com/', 'webhook:https://example.com/'],
  ] as const
  for (const [place, second] of cases) {
    assert.equal(placeOfWorker(place), place)
    assert.equal(placeOfWorker(place, 1), place)
    assert.equal(placeOfWorker(place, 2), second)
  }
})

test('a bucket of every account is refused: its name leaves no room', () => {
  assertPlacesForWorkers(['dir:/x', 's3://bucket'])
  assert.throws(() => assertPlacesForWorkers(['dir:/x', 's3://*']), { name: 'UsageError' })
})
