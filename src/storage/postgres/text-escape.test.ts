import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { escapeText, unescapeText } from './text-escape.ts'

const text = fc.string({
  unit: fc.constantFrom('\u0000', '\u0001', '\u0002', 'a', 'é', '\u{1F511}'),
})

test('a text comes back as it was, and nothing in between has a U+0000', () => {
  fc.assert(
    fc.property(text, (plain) => {
      assert.ok(!escapeText(plain).includes('\u0000'))
      assert.equal(unescapeText(escapeText(plain)), plain)
    }),
  )
})

test('texts keep their order by bytes', () => {
  const order = (a: string, b: string): number =>
    Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(order(escapeText(a), escapeText(b)), order(a, b))
    }),
  )
})

test('a text without control characters is the same string', () => {
  assert.equal(escapeText('alias/example'), 'alias/example')
  assert.equal(escapeText('\u0000'), '\u0001\u0001')
  assert.equal(escapeText('\u0001'), '\u0001\u0002')
})
