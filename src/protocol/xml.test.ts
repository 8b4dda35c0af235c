import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escapeXml, xmlElement } from './xml.ts'

test('markup is escaped', () => {
  assert.equal(escapeXml(`a<b>&"c'`), 'a&lt;b&gt;&amp;&quot;c&apos;')
  assert.equal(escapeXml(']]>'), ']]&gt;')
})

test('text that needs nothing stays as it is', () => {
  assert.equal(
    escapeXml('arn:aws:iam::111122223333:root\n\tä€😀'),
    'arn:aws:iam::111122223333:root\n\tä€😀',
  )
})

test('controls that XML can write survive parsing, as references', () => {
  assert.equal(escapeXml('\r\u007f\u0085\u2028'), '&#xD;&#x7F;&#x85;&#x2028;')
})

test('what XML cannot write becomes the replacement character', () => {
  for (const code of [0, 1, 8, 0x0b, 0x0c, 0x0e, 0x1f, 0xd800, 0xdfff, 0xfffe, 0xffff]) {
    assert.equal(escapeXml(`a${String.fromCharCode(code)}b`), 'a\ufffdb')
  }
})

test('structures, lists and absent members', () => {
  const value = {
    A: 'x',
    B: undefined,
    C: 7,
    D: false,
    E: [{ F: '<' }, { F: '' }],
    G: [],
    H: ['y'],
  }
  assert.equal(
    xmlElement('R', value),
    '<R><A>x</A><C>7</C><D>false</D><E><member><F>&lt;</F></member><member><F/></member></E><G/><H><member>y</member></H></R>',
  )
  assert.equal(xmlElement('R', undefined), '')
  assert.equal(xmlElement('R', {}), '<R/>')
})

test('a name that would be markup is a mistake of ours', () => {
  for (const name of ['', 'a b', '<a', '1a', 'a>', 'ä']) {
    assert.throws(() => xmlElement(name, 'x'), TypeError)
  }
})
