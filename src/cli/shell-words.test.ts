import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { shellWord } from './shell-words.ts'

test('a shell reads every word back as it was', () => {
  const words = [
    'plain-Word_1',
    'http://127.0.0.1:7600',
    "it's",
    'a b',
    '$(id)',
    '`id`',
    '"',
    '\\',
    '',
    '*',
    '~',
    'ü',
  ]
  const script = `printf '%s\\n' ${words.map(shellWord).join(' ')}`
  assert.equal(
    execFileSync('sh', ['-c', script], { encoding: 'utf8' }),
    words.map((word) => `${word}\n`).join(''),
  )
})

test('a word that needs no quotes gets none', () => {
  assert.equal(shellWord('/var/lib/strongroom'), '/var/lib/strongroom')
})
