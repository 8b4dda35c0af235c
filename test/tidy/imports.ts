import { posix } from 'node:path'
import type { Finding, RepositoryFile } from './finding.ts'
import { lineOf } from './finding.ts'
import { maskSource } from './masked-source.ts'

export interface Import {
  /** As written. */
  readonly specifier: string
  readonly line: number
  /** `import type`, or every name in braces is marked `type`. */
  readonly typeOnly: boolean
}

const STATIC =
  /\b(?:import|export)\s+(?<type>type\s+)?(?:(?<what>[\w*{][^'"]*?)\s*from\s*)?(?<quote>['"])(?<from>[^'"\n]+)\k<quote>/g
const DYNAMIC =
  /\b(?:import|require(?:\.resolve)?)\s*\(\s*(?<quote>['"])(?<from>[^'"\n]+)\k<quote>/g
const TYPE_QUERY = /typeof\s+$/

/** Every import, re-export and dynamic import of a literal. */
export function importsOf(source: string): readonly Import[] {
  const { uncommented, code } = maskSource(source)
  const found: Import[] = []
  for (const match of uncommented.matchAll(STATIC)) {
    // The word stands in code, not in a string.
    if (!/\S/.test(code[match.index] ?? '')) continue
    const what = match.groups?.['what'] ?? ''
    const names = /^\{(.*)\}$/s
      .exec(what)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '')
    const typeOnly =
      match.groups?.['type'] !== undefined ||
      (names !== undefined && names.length > 0 && names.every((name) => /^\s*type\s/.test(name)))
    found.push({
      specifier: match.groups?.['from'] ?? '',
      line: lineOf(source, match.index),
      typeOnly,
    })
  }
  for (const match of uncommented.matchAll(DYNAMIC)) {
    if (!/\S/.test(code[match.index] ?? '')) continue
    const typeOnly = TYPE_QUERY.test(uncommented.slice(0, match.index))
    found.push({
      specifier: match.groups?.['from'] ?? '',
      line: lineOf(source, match.index),
      typeOnly,
    })
  }
  return found
}

/** Where a relative import leads, from the root of the repository. */
export const resolveImport = (path: string, specifier: string): string =>
  posix.join(posix.dirname(path), specifier)

const NAMED_MODULE = /'(?:\.\/)?(?<path>[\w./-]+\.ts)'/g

/** Modules that a file names in a string: it starts them in a process or thread of their own. */
const startedBy = (source: string): readonly string[] =>
  [...source.matchAll(NAMED_MODULE)].map((match) => match.groups?.['path'] ?? '')

/** What each folder of `src/` may import of the others. Source: docs/ARCHITECTURE.md. */
const LAYERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['core', []],
  ['crypto', ['core']],
  ['authz', ['core']],
  ['protocol', ['core']],
  ['storage', ['core']],
  ['metrics', ['core']],
  ['audit', ['core', 'crypto']],
  ['backup', ['core', 'crypto']],
  ['outbound', ['core', 'crypto', 'protocol', 'audit']],
  ['keystore', ['core', 'crypto']],
  ['identity', ['core', 'crypto', 'authz']],
  ['pipeline', ['core', 'crypto', 'authz', 'identity', 'audit', 'metrics']],
  ['services', ['core', 'crypto', 'authz', 'identity', 'audit', 'metrics', 'pipeline']],
  ['cli', ['core']],
])
/** They may import everything, the program and the library as well as each other. */
const ENTRY_POINTS = ['src/main.ts', 'src/index.ts']
/** Only types may come from outside: the caller does the input, output, clock and randomness. */
const PURE = ['core', 'authz']

/** Imports that point outwards, and all else that a file must not import. */
export function checkImports(
  files: readonly RepositoryFile[],
  dependencies: readonly string[],
): readonly Finding[] {
  const findings: Finding[] = []
  for (const { path, text } of files) {
    if (!path.startsWith('src/') || !path.endsWith('.ts') || path.endsWith('.test.ts')) continue
    for (const { specifier, line, typeOnly } of importsOf(text)) {
      const rule = specifier.startsWith('.')
        ? brokenDirection(path, resolveImport(path, specifier), typeOnly)
        : brokenPackageRule(path, specifier, typeOnly, dependencies)
      if (rule !== undefined) findings.push({ path, line, rule })
    }
  }
  return findings
}

const layerOf = (path: string): string => path.split('/')[1] ?? ''

function brokenDirection(from: string, to: string, typeOnly: boolean): string | undefined {
  if (!to.endsWith('.ts')) return 'an import names a file with its extension .ts'
  if (!to.startsWith('src/')) return 'src imports nothing outside src'
  if (ENTRY_POINTS.includes(from)) return undefined
  if (ENTRY_POINTS.includes(to)) return 'nothing imports an entry point'
  if (to.endsWith('.test.ts')) return 'nothing imports a test'
  const [layer, target] = [layerOf(from), layerOf(to)]
  if (layer === 'services' && target === 'services') return brokenServiceRule(from, to)
  if (layer === target || layer === 'server') return undefined
  if (target === 'server') return 'only main.ts and index.ts import server'
  const allowed = LAYERS.get(layer)
  if (allowed === undefined) return `src/${layer} is no layer that test/tidy/imports.ts knows`
  if (!allowed.includes(target)) return `${layer} must not import ${target}`
  if (layer === 'cli' && !typeOnly) return 'cli imports only types of core'
  return undefined
}

function brokenServiceRule(from: string, to: string): string | undefined {
  const [own, other] = [from.split('/')[2], to.split('/')[2]]
  if (own === other || to === `src/services/${other}/api.ts`) return undefined
  return 'a service imports another one only through its api.ts'
}

function brokenPackageRule(
  path: string,
  specifier: string,
  typeOnly: boolean,
  dependencies: readonly string[],
): string | undefined {
  if (PURE.includes(layerOf(path)) && !typeOnly) {
    return `${layerOf(path)} is pure: of Node.js and of packages it imports only types`
  }
  if (specifier.startsWith('node:')) return undefined
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  return dependencies.includes(name)
    ? undefined
    : `${name} is no runtime dependency of package.json`
}

/**
 * Files that nothing needs: not reachable by imports from an entry point, a script, an example, a
 * benchmark, or, for what stands in `test/`, from a test. Code that only tests use is dead, too.
 * @param roots further paths that something other than an import starts
 */
export function findDeadFiles(
  files: readonly RepositoryFile[],
  roots: readonly string[],
): readonly Finding[] {
  const sources = new Map(
    files.filter(({ path }) => path.endsWith('.ts')).map((file) => [file.path, file.text]),
  )
  const isTest = (path: string): boolean => path.endsWith('.test.ts')
  const isRoot = (path: string): boolean =>
    ENTRY_POINTS.includes(path) || roots.includes(path) || path.startsWith('examples/')
  const paths = [...sources.keys()]
  const alive = reachable(paths.filter(isRoot), sources)
  const usedByTests = reachable(paths.filter(isTest), sources)
  return paths
    .filter(
      (path) =>
        !alive.has(path) && !(usedByTests.has(path) && (isTest(path) || path.startsWith('test/'))),
    )
    .map((path) => ({
      path,
      rule: usedByTests.has(path) ? 'only tests import this file' : 'nothing imports this file',
    }))
}

function reachable(
  from: readonly string[],
  sources: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const seen = new Set(from)
  for (const path of seen) {
    const source = sources.get(path) ?? ''
    const imported = importsOf(source).map(({ specifier }) => specifier)
    const relative = imported.filter((specifier) => specifier.startsWith('.'))
    for (const specifier of [...relative, ...startedBy(source)]) {
      const target = resolveImport(path, specifier)
      if (sources.has(target)) seen.add(target)
    }
  }
  return seen
}
