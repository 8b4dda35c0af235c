import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { checkImports, findDeadFiles, importsOf } from './imports.ts'

describe('imports are found:', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["import { a } from './a.ts'", './a.ts', false],
    ["import {\n  type A,\n  b,\n} from './a.ts'", './a.ts', false],
    ["import { type A, type B } from './a.ts'", './a.ts', true],
    ["import type { A } from './a.ts'", './a.ts', true],
    ["import a from './a.ts'", './a.ts', false],
    ["import a, { b } from './a.ts'", './a.ts', false],
    ["import * as a from './a.ts'", './a.ts', false],
    ["import './a.ts'", './a.ts', false],
    ["export { a } from './a.ts'", './a.ts', false],
    ["export type { A } from './a.ts'", './a.ts', true],
    ["export * from './a.ts'", './a.ts', false],
    ["const a = await import('./a.ts')", './a.ts', false],
    ["type A = typeof import('./a.ts')", './a.ts', true],
    ["createRequire(x)\nrequire('a')", 'a', false],
  ]
  for (const [source, specifier, typeOnly] of cases) {
    test(JSON.stringify(source), () => {
      const found = importsOf(source).map((one) => [one.specifier, one.typeOnly])
      assert.deepEqual(found, [[specifier, typeOnly]])
    })
  }

  test('but not in comments, strings and other statements', () => {
    const source = "// import './a.ts'\nconst a = `import './a.ts'`\nexport const b = 1\nf('from')"
    assert.deepEqual(importsOf(source), [])
  })
})

describe('imports point inwards:', () => {
  const broken: readonly (readonly [string, string, RegExp])[] = [
    ['src/core/key.ts', "import { a } from '../crypto/a.ts'", /core must not import crypto/],
    ['src/core/key.ts', "import { a } from 'node:fs'", /core is pure/],
    ['src/authz/a.ts', "import { a } from 'node:crypto'", /authz is pure/],
    ['src/crypto/a.ts', "import { a } from '../storage/a.ts'", /crypto must not import storage/],
    ['src/storage/memory/a.ts', "import { a } from '../../crypto/a.ts'", /must not import crypto/],
    ['src/pipeline/a.ts', "import { a } from '../services/kms/api.ts'", /must not import services/],
    ['src/services/kms/a.ts', "import { a } from '../../storage/a.ts'", /must not import storage/],
    ['src/services/ssm/a.ts', "import { a } from '../kms/key.ts'", /only through its api\.ts/],
    ['src/audit/a.ts', "import { a } from '../server/a.ts'", /only main\.ts and index\.ts/],
    ['src/cli/a.ts', "import type { A } from '../server/a.ts'", /only main\.ts and index\.ts/],
    ['src/cli/a.ts', "import { a } from '../core/a.ts'", /cli imports only types of core/],
    ['src/cli/a.ts', "import type { A } from '../crypto/a.ts'", /cli must not import crypto/],
    ['src/server/a.ts', "import { a } from '../main.ts'", /nothing imports an entry point/],
    ['src/server/a.ts', "import { a } from './a.test.ts'", /nothing imports a test/],
    ['src/server/a.ts', "import { a } from '../../test/support/a.ts'", /nothing outside src/],
    ['src/server/a.ts', "import { a } from './a.js'", /with its extension \.ts/],
    ['src/server/a.ts', "import { a } from 'fast-check'", /fast-check is no runtime dependency/],
    ['src/server/a.ts', "import { a } from '@aws-sdk/client-kms/x'", /@aws-sdk\/client-kms is no/],
    ['src/tools/a.ts', "import { a } from '../core/a.ts'", /src\/tools is no layer/],
  ]
  for (const [path, text, rule] of broken) {
    test(`${path} may not say ${text}`, () => {
      const findings = checkImports([{ path, text: `\n${text}\n` }], ['pino'])
      assert.equal(findings.length, 1)
      assert.match(findings[0]?.rule ?? '', rule)
      assert.equal(findings[0]?.line, 2)
    })
  }

  const kept: readonly (readonly [string, string])[] = [
    ['src/core/a.ts', "import type { A } from 'node:http'"],
    ['src/core/a.ts', "import { a } from './b.ts'"],
    ['src/keystore/software/a.ts', "import { a } from '../../crypto/a.ts'"],
    ['src/services/ssm/a.ts', "import { a } from '../kms/api.ts'"],
    ['src/services/kms/operations/a.ts', "import { a } from '../key.ts'"],
    ['src/services/kms/a.ts', "import { a } from '../../pipeline/a.ts'"],
    ['src/cli/a.ts', "import type { A } from '../core/a.ts'"],
    ['src/server/a.ts', "import type { A } from '../cli/a.ts'"],
    ['src/server/a.ts', "import pino from 'pino'"],
    ['src/main.ts', "import { a } from './server/a.ts'"],
    ['src/core/a.test.ts', "import { a } from '../server/a.ts'"],
    ['test/a.ts', "import { a } from '../src/server/a.ts'"],
  ]
  for (const [path, text] of kept) {
    test(`${path} may say ${text}`, () => {
      assert.deepEqual(checkImports([{ path, text }], ['pino']), [])
    })
  }
})

describe('a dead file is found', () => {
  const main = { path: 'src/main.ts', text: "import './core/used.ts'" }
  const used = { path: 'src/core/used.ts', text: '' }

  test('when nothing imports it', () => {
    const dead = { path: 'src/core/dead.ts', text: "import './used.ts'" }
    assert.deepEqual(findDeadFiles([main, used, dead], []), [
      { path: 'src/core/dead.ts', rule: 'nothing imports this file' },
    ])
  })

  test('when only dead files import each other', () => {
    const a = { path: 'src/core/a.ts', text: "import './b.ts'" }
    const b = { path: 'src/core/b.ts', text: "import './a.ts'" }
    assert.equal(findDeadFiles([main, used, a, b], []).length, 2)
  })

  test('when only a test imports it, unless it is made for tests', () => {
    const suite = {
      path: 'src/core/a.test.ts',
      text: "import './a.ts'\nimport '../../test/support/b.ts'",
    }
    const a = { path: 'src/core/a.ts', text: '' }
    const b = { path: 'test/support/b.ts', text: '' }
    assert.deepEqual(findDeadFiles([main, used, suite, a, b], []), [
      { path: 'src/core/a.ts', rule: 'only tests import this file' },
    ])
  })

  test('but not when something starts it', () => {
    const script = { path: 'scripts/make.ts', text: '' }
    const example = { path: 'examples/a.ts', text: '' }
    const suite = {
      path: 'test/a.test.ts',
      text: "spawn(new URL('./b.ts', import.meta.url))\njoin(folder, 'c.ts')",
    }
    const started = ['test/b.ts', 'test/c.ts'].map((path) => ({ path, text: '' }))
    const files = [main, used, script, example, suite, ...started]
    assert.deepEqual(findDeadFiles(files, ['scripts/make.ts']), [])
    assert.equal(findDeadFiles(files, []).length, 1)
  })
})
