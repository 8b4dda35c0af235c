import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeProgress } from './progress-bar.ts'

describe('the progress of a long work', () => {
  test('is a bar where the end is known, and a number where it is not', () => {
    assert.equal(
      describeProgress({ step: 'copied', rows: 1, total: 3 }),
      'copied    [##########                    ] 33 %, 1 of 3 records',
    )
    assert.equal(
      describeProgress({ step: 'opened', rows: 0, total: 0 }),
      `opened    [${'#'.repeat(30)}] 100 %, 0 of 0 records`,
    )
    assert.equal(
      describeProgress({ step: 'compared', rows: 200_500, total: undefined }),
      'compared  200500 records',
    )
    assert.equal(describeProgress({ step: 'proved', rows: 1, total: undefined }), 'proved    1 key')
  })
})
