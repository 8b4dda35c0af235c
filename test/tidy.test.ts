import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Finding, RepositoryFile } from './tidy/finding.ts'
import { describeFinding } from './tidy/finding.ts'
import { checkImports, findDeadFiles } from './tidy/imports.ts'
import type { Lockfile, Manifest } from './tidy/repository-rules.ts'
import {
  checkDecisions,
  checkFragment,
  checkLockfile,
  checkManifest,
  checkName,
  checkPlaces,
} from './tidy/repository-rules.ts'
import { checkSource } from './tidy/source-rules.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LEFT_OUT = ['node_modules', 'dist', '.git', 'strongroom-data', 'results']
const TEXT = /(?:\.(?:ts|js|json|md|yml|yaml|sh|txt)|\/run|\/strongroom|^LICENSE|^NOTICE|^\.\w+)$/
/** The machines' own texts: too large to read, or full of base64 that looks like anything. */
const NO_PROSE = /^(?:package-lock\.json|test\/vectors\/|docs\/formats\/vectors\/|models\/.*\.json)/

function readRepository(folder = ''): RepositoryFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (LEFT_OUT.includes(entry.name)) return []
    if (entry.isDirectory()) return readRepository(path)
    return TEXT.test(path) ? [{ path, text: readFileSync(join(ROOT, path), 'utf8') }] : []
  })
}

const files = readRepository()
const sources = files.filter(({ path }) => path.endsWith('.ts'))
const textOf = (path: string): string => files.find((file) => file.path === path)?.text ?? ''
const manifest: Manifest = JSON.parse(textOf('package.json'))
const lockfile: Lockfile = JSON.parse(textOf('package-lock.json'))
const launcher = textOf('bin/strongroom')

function assertNone(findings: readonly Finding[]): void {
  assert.equal(findings.map(describeFinding).join('\n'), '')
}

describe('the repository', () => {
  test('was read', () => {
    for (const path of [
      'src/main.ts',
      'src/core/key.ts',
      'bin/strongroom',
      'package-lock.json',
      'LICENSE',
    ]) {
      assert.ok(
        files.some((file) => file.path === path && file.text !== ''),
        path,
      )
    }
  })

  test('imports point inwards', () => {
    assertNone(checkImports(files, Object.keys(manifest.dependencies)))
  })

  test('has no dead files', () => {
    // What people and npm are told to run.
    const told = files.filter(({ path }) => /^package\.json$|\.md$|^\.ci\//.test(path))
    const started = told.flatMap(
      ({ text }) => text.match(/\b(?:bench|scripts)\/[\w/-]+\.ts\b/g) ?? [],
    )
    assertNone(findDeadFiles(files, started))
  })

  test('keeps the rules for sources', () => {
    assertNone(sources.flatMap((file) => checkSource(file)))
  })

  test('has names that say what is inside', () => {
    assertNone(files.flatMap(({ path }) => checkName(path)))
  })

  test('names no place of one machine or network', () => {
    assertNone(files.filter(({ path }) => !NO_PROSE.test(path)).flatMap(checkPlaces))
  })

  test('pins what it depends on', () => {
    assertNone([...checkManifest(manifest, launcher), ...checkLockfile(lockfile, manifest)])
  })

  test('has a record of every decision and of every runtime dependency', () => {
    assertNone(checkDecisions(files, manifest))
  })

  test('has well-formed changelog fragments', () => {
    assertNone(files.filter(({ path }) => path.startsWith('changelog/')).flatMap(checkFragment))
  })
})
