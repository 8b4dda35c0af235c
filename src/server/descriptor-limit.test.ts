import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFilesMax } from './descriptor-limit.ts'

const line = (soft: string, hard: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units
Max processes             2000                 2000                 processes
Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files
Max locked memory         8388608              8388608              bytes
`

test('the limit on open files is the soft one, and none where it is unlimited', () => {
  assert.equal(openFilesMax(line('1024', '524288')), 1024)
  assert.equal(openFilesMax(line('unlimited', 'unlimited')), undefined)
  assert.equal(openFilesMax(''), undefined)
})
