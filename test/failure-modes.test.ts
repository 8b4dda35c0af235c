import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COLUMNS = 6

interface FailureMode {
  /** The heading that it stands under. */
  readonly section: string
  readonly what: string
  readonly operator: string
  readonly tests: string
}

/** The rows of all tables of the page. */
function failureModes(): readonly FailureMode[] {
  const page = readFileSync(join(ROOT, 'docs/operating/failure-modes.md'), 'utf8')
  const modes: FailureMode[] = []
  let section = ''
  for (const line of page.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3)
    if (!line.startsWith('| ') || line.startsWith('| --') || line.endsWith('| tests |')) continue
    const cells = line.split('|').slice(1, -1)
    assert.equal(cells.length, COLUMNS, line)
    const [what = '', , operator = '', , , tests = ''] = cells.map((cell) => cell.trim())
    modes.push({ section, what, operator, tests })
  }
  return modes
}

/** Every test that a row names, as file and title. */
function* namedTests({
  what,
  tests,
}: FailureMode): Iterable<readonly [file: string, title: string]> {
  for (const part of tests.split(/; (?=src\/|test\/)/)) {
    const [, file = '', titles = ''] = /^((?:src|test)\/\S+\.ts): (.+)$/.exec(part) ?? []
    const named = [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title)
    assert.ok(named.length > 0, `${what}: ${part} names no test`)
    for (const title of named) yield [file, title]
  }
}

/** The text of every source file of the program. */
const program = (): string =>
  readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
    .join('\n')

/** The parts of the service that can fail, each with a table of its own. */
const SECTIONS = [
  'Disk',
  'Crash and loss of power',
  'Damage, and disks that lie',
  'Clocks',
  'Clients and scarce resources',
  'PostgreSQL',
  'Workers',
  'Several nodes',
]
/** A table with fewer rows has lost some. */
const ROWS_MIN = 4

describe('docs/operating/failure-modes.md', () => {
  test('has a table for every part that can fail', () => {
    const rows = Map.groupBy(failureModes(), ({ section }) => section)
    assert.deepEqual([...rows.keys()], SECTIONS)
    for (const [section, modes] of rows) assert.ok(modes.length >= ROWS_MIN, section)
  })

  test('names a test for every failure, and each of them exists', () => {
    const modes = failureModes()
    assert.ok(modes.length > 30)
    const missing: string[] = []
    for (const mode of modes) {
      for (const [file, title] of namedTests(mode)) {
        const source = readFileSync(join(ROOT, file), 'utf8')
        const isThere = ['test', 'describe'].some((kind) => source.includes(`${kind}('${title}'`))
        if (!isThere) missing.push(`${file}: ${title}`)
      }
    }
    assert.deepEqual(missing, [])
  })

  test('quotes messages that the program has', () => {
    const source = program()
    const missing = failureModes()
      .flatMap(({ operator }) => [...operator.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
      .filter((text) => text.includes(' '))
      .flatMap((text) => text.split('…').map((part) => part.trim()))
      .filter((part) => part !== '' && !source.includes(part))
    assert.deepEqual(missing, [])
  })
})
