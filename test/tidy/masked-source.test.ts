import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { maskSource } from './masked-source.ts'

/** The three views, blanks squeezed. */
function views(source: string): readonly [string, string, string] {
  const { code, uncommented, comments } = maskSource(source)
  for (const view of [code, uncommented, comments]) {
    assert.equal(view.length, source.length)
    assert.deepEqual(view.split('\n').length, source.split('\n').length)
  }
  const squeeze = (text: string): string => text.replaceAll(/ +/g, ' ').trim()
  return [squeeze(code), squeeze(uncommented), squeeze(comments)]
}

describe('a source is split into code, text and comments:', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['a // b', 'a', 'a', '// b'],
    ['a /* b\n c */ d', 'a \n d', 'a \n d', '/* b\n c */'],
    ["f('a // b')", "f(' ')", "f('a // b')", ''],
    [String.raw`f('it\'s', "\\")`, `f(' ', " ")`, String.raw`f('it\'s', "\\")`, ''],
    ['`a ${b} c`', '` ${b} `', '`a ${b} c`', ''],
    [
      "`a ${f({ x: `y ${'z'}` })} c` + d",
      "` ${f({ x: ` ${' '}` })} ` + d",
      "`a ${f({ x: `y ${'z'}` })} c` + d",
      '',
    ],
    ['x = /a"b[/]/ + c', 'x = / / + c', 'x = /a"b[/]/ + c', ''],
    ['x = a / b / c // d', 'x = a / b / c', 'x = a / b / c', '// d'],
    ["return /'/.test(x)", 'return / /.test(x)', "return /'/.test(x)", ''],
    ["x = f() / 2 + 'a/b'", "x = f() / 2 + ' '", "x = f() / 2 + 'a/b'", ''],
    ["x = a[0] / 2 // '", 'x = a[0] / 2', 'x = a[0] / 2', "// '"],
    ['#!/usr/bin/env node\na', 'a', 'a', '#!/usr/bin/env node'],
    ["x // it's\ny('z')", "x \ny(' ')", "x \ny('z')", "// it's"],
  ]
  for (const [source, code, uncommented, comments] of cases) {
    test(JSON.stringify(source), () => {
      assert.deepEqual(views(source), [code, uncommented, comments])
    })
  }
})
