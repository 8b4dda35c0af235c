import { posix } from 'node:path'
import type { Finding, RepositoryFile } from './finding.ts'
import { findMatches } from './finding.ts'

const BANNED_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc', 'index']
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

/** Names say what is inside: `kebab-case.ts`, no drawer for everything, no barrel. */
export function checkName(path: string): readonly Finding[] {
  if (!/\.(?:ts|md|js)$/.test(path)) return []
  const folders = posix.dirname(path).split('/')
  const name = posix.basename(path).replace(/(?:\.test)?\.\w+$/, '')
  const findings: Finding[] = []
  // README.md, SECURITY.md and their like shout by convention.
  const conventional = path.endsWith('.md') && /^[A-Z_]+$/.test(name)
  if (!conventional && !KEBAB_CASE.test(name)) findings.push({ path, rule: 'names are kebab-case' })
  const entryPoint = path === 'src/index.ts' || path === 'index.js'
  if (!entryPoint && [name, ...folders].some((part) => BANNED_NAMES.includes(part))) {
    findings.push({ path, rule: `put it where its noun lives: not ${BANNED_NAMES.join(', ')}` })
  }
  return findings
}

// In pieces, so that this file does not break its own rules.
const ABSOLUTE_HOME = new RegExp(
  String.raw`(?<![\w.~$}-])/(?:${['home', 'root', 'Users', 'work'].join('|')})/\w`,
  'g',
)
const REGISTRY_HOST =
  /\b(?:registry|npm|pypi|packages)(?:\.[a-z0-9-]+)*\.(?:org|com|io|net|dev|local|internal)\b/g

/** No file names a place that only one machine or one network has. */
export const checkPlaces = ({ path, text }: RepositoryFile): readonly Finding[] => [
  ...findMatches(path, text, ABSOLUTE_HOME, 'a path of one machine'),
  ...findMatches(path, text, REGISTRY_HOST, 'the host name of a package registry'),
]

/** What the rules need of package.json. */
export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  /** npm's list of install scripts that were looked at: whether each may run. */
  readonly allowScripts?: Readonly<Record<string, boolean>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** What the rules need of package-lock.json. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  /** For some other platform, or for this one. */
  readonly optional?: boolean
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[a-z]+\.\d+)?$/

/** Versions are exact, and all platform packages bring the same Node.js, which the launcher names. */
export function checkManifest(manifest: Manifest, launcher: string): readonly Finding[] {
  const path = 'package.json'
  const all = [manifest.dependencies, manifest.optionalDependencies, manifest.devDependencies]
  const findings: Finding[] = all
    .flatMap((group) => Object.entries(group))
    .filter(([, version]) => !EXACT_VERSION.test(version))
    .map(([name]) => ({ path, rule: `${name} has no exact version` }))
  const nodeVersions = new Set(Object.values(manifest.optionalDependencies))
  nodeVersions.add(/^node_version=(\S+)$/m.exec(launcher)?.[1] ?? 'none in bin/strongroom')
  if (nodeVersions.size > 1) {
    findings.push({ path, rule: `one Node.js for all: found ${[...nodeVersions].join(', ')}` })
  }
  for (const name of Object.keys(manifest.optionalDependencies)) {
    if (!launcher.includes(name))
      findings.push({ path, rule: `bin/strongroom does not know ${name}` })
  }
  return findings
}

/**
 * The lockfile works with any registry, on every platform, and runs no foreign code at install time.
 * npm leaves out an optional package that it could not fetch, and then `npm ci` refuses the lockfile.
 */
export function checkLockfile(lockfile: Lockfile, manifest: Manifest): readonly Finding[] {
  const path = 'package-lock.json'
  const findings: Finding[] = []
  const needs = (name: string, version: string): void => {
    if (lockfile.packages[`node_modules/${name}`]?.version === version) return
    findings.push({ path, rule: `${name} ${version} is missing` })
  }
  for (const [place, entry] of Object.entries(lockfile.packages)) {
    if (place === '') continue
    const packageName = place.replace(/^.*node_modules\//, '')
    const mayRun = manifest.allowScripts?.[packageName] !== false
    const broken = brokenEntry(entry, mayRun)
    if (broken !== undefined) findings.push({ path, rule: `${place} ${broken}` })
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (EXACT_VERSION.test(version)) needs(name, version)
    }
  }
  for (const [name, version] of Object.entries(manifest.optionalDependencies)) needs(name, version)
  return findings
}

function brokenEntry(entry: LockedPackage, mayRun: boolean): string | undefined {
  if (entry.resolved !== undefined) return 'names its registry'
  if (entry.hasInstallScript === true && mayRun) return 'has an install script that is not denied'
  // Tools for platforms that the lockfile's registry had no packages for; see decision 2.
  const foreignTool = entry.dev === true && entry.optional === true
  return entry.integrity === undefined && !foreignTool ? 'has no hash' : undefined
}

const DECISION_NAME = /^docs\/decisions\/(\d{4})-[a-z0-9-]+\.md$/
/** What each record says, under one of these headings. */
const DECISION_SECTIONS: readonly (readonly string[])[] = [
  ['Context'],
  ['Decision'],
  ['Alternatives', 'Why this one'],
  ['Consequences', 'How we leave it'],
]
const SEES = 'What it can see'
const LEAVES = 'How we leave it'

/** Decision records have their form, and every runtime dependency has one. */
export function checkDecisions(
  files: readonly RepositoryFile[],
  manifest: Manifest,
): readonly Finding[] {
  const records = files.filter(
    ({ path }) => path.startsWith('docs/decisions/') && !path.endsWith('/README.md'),
  )
  const findings = records.flatMap(checkDecision)
  const numbers = records.map(({ path }) => DECISION_NAME.exec(path)?.[1])
  for (const [at, { path }] of records.entries()) {
    if (numbers.indexOf(numbers[at]) !== at) findings.push({ path, rule: 'its number is taken' })
  }
  const needed = [
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.optionalDependencies),
  ]
  for (const name of needed) {
    const recorded = records.some(
      ({ text }) => bringsDependency(text) && text.includes(`\`${name}\``),
    )
    if (!recorded) findings.push({ path: 'docs/decisions', rule: `${name} has no record` })
  }
  return findings
}

const hasSection = (text: string, title: string): boolean => text.includes(`\n## ${title}\n`)

const bringsDependency = (text: string): boolean => hasSection(text, SEES)

function checkDecision({ path, text }: RepositoryFile): readonly Finding[] {
  const findings: Finding[] = []
  const number = DECISION_NAME.exec(path)?.[1]
  if (number === undefined) findings.push({ path, rule: 'decisions are called NNNN-title.md' })
  else if (!text.startsWith(`# ${Number(number)}. `)) {
    findings.push({ path, line: 1, rule: `the title begins with "# ${Number(number)}. "` })
  }
  const needed = bringsDependency(text) ? [...DECISION_SECTIONS, [LEAVES]] : DECISION_SECTIONS
  for (const titles of needed) {
    if (titles.some((title) => hasSection(text, title))) continue
    findings.push({ path, rule: `it has no section "${titles.join('" or "')}"` })
  }
  return findings
}

const FRAGMENT_HEADING = /^#{2,3} (?:Security|Added|Changed|Deprecated|Fixed|Removed)$/

/** A changelog fragment is headings of the known kinds, each with a list of what changed. */
export function checkFragment({ path, text }: RepositoryFile): readonly Finding[] {
  const findings: Finding[] = []
  const lines = text.split('\n')
  if (!FRAGMENT_HEADING.test(lines[0] ?? '')) {
    findings.push({ path, line: 1, rule: 'a fragment begins with a heading such as "## Added"' })
  }
  for (const [at, line] of lines.entries()) {
    const heading = line.startsWith('#')
    if (heading && !FRAGMENT_HEADING.test(line)) {
      findings.push({
        path,
        line: at + 1,
        rule: 'headings are Security, Added, Changed, Deprecated, Fixed, Removed',
      })
    }
    const next = lines.slice(at + 1).find((other) => other.trim() !== '')
    if (heading && !/^[-*] \S/.test(next ?? '')) {
      findings.push({ path, line: at + 1, rule: 'under a heading stands a list' })
    }
  }
  return findings
}
