import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPaint } from './paint.ts'
import { printable, printableLines } from './printable.ts'

test('a text of somebody else cannot move the cursor, begin a line or turn the writing', () => {
  assert.equal(printable('\u001b[2Ja\r\nb\u0000\u009b1m\u202ec\u2028d\ud800'), '?[2Ja??b??1m?c?d?')
  const all = 'alias/Zoë 日本 😀 "x" ~'
  assert.equal(printable(all), all)
})

test('lines keep their breaks and our colours, and nothing else', () => {
  const paint = createPaint(true)
  const lines = `${paint.bad('no')}\n${paint.strong('yes')}\n`
  assert.equal(printableLines(lines), lines)
  assert.equal(
    printableLines('\u0007[31m\u001b[8mx\u001b[2J\u001b]0;t\u0007\r\u202e😀\n'),
    '?[31m?[8mx?[2J?]0;t???😀\n',
  )
})
