import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { START_VARIABLES } from './start-flags.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const PAGES = [
  'docs/operating/guide.md',
  'deploy/README.md',
  'deploy/container/README.md',
  'deploy/systemd/README.md',
  'deploy/kubernetes/README.md',
]

/** The help of each command, by its name: `audit verify`. Compared with the program by src/cli/help.test.ts. */
const helps: ReadonlyMap<string, string> = new Map(
  read('docs/reference/command-line.md')
    .split(/^## strongroom ?/m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n')
      return [section.slice(0, end).trim(), section.slice(end)]
    }),
)

/** What a command line says that its help does not know. */
function checkCommand(line: string): readonly string[] {
  const words = line.split(/\s+/).filter((word) => word !== '')
  const firstFlag = words.findIndex((word) => word.startsWith('-'))
  const names = firstFlag === -1 ? words : words.slice(0, firstFlag)
  const command = [names.slice(0, 2).join(' '), names[0] ?? ''].find((name) => helps.has(name))
  if (command === undefined) return [`there is no command in: strongroom ${line}`]
  const help = helps.get(command) ?? ''
  return words
    .filter((word) => word.startsWith('--'))
    .filter((flag) => !new RegExp(`^ +${flag}\\b(?!-)`, 'm').test(help))
    .map((flag) => `strongroom ${command} has no ${flag}`)
}

/** The commands of our program in the shell blocks and in the prose of a page. */
function commandsOf(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block)
  const lines = blocks
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/\s#.*$/, '').replaceAll(/\$\(date [^)]*\)/g, 'DATE'))
  const prose = page.replaceAll(/^```.*?^```/gms, '')
  const quoted = [...prose.matchAll(/`strongroom ([a-z][^`]*)`/g)].map(([, line = '']) => line)
  return [
    ...lines.flatMap((line) =>
      [
        ...line.matchAll(
          /(?:^|&& |\$\(|-- |\$pod |exec strongroom |env STRONGROOM_STORE='[^']+' )strongroom ([a-z][^)&|>]*)/g,
        ),
      ].map(([, command = '']) => command),
    ),
    ...quoted,
  ]
}

describe('what the guide and the pages of deploy/ tell to type', () => {
  for (const path of PAGES) {
    const page = read(path)

    test(`${path}: commands and flags that there are`, () => {
      assert.deepEqual(commandsOf(page).flatMap(checkCommand), [])
    })

    test(`${path}: variables of flags`, () => {
      const names = new Set(page.match(/\bSTRONGROOM_[A-Z_]*[A-Z]/g))
      assert.deepEqual(
        [...names].filter((name) => !START_VARIABLES.has(name)),
        [],
      )
    })

    test(`${path}: links that lead somewhere`, () => {
      const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
      for (const link of links.filter((one) => !/^https?:/.test(one))) {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : join(dirname(path), file)
        assert.ok(existsSync(join(ROOT, target)), link)
        if (anchor === undefined) continue
        const anchors = read(target)
          .match(/^#+ .*$/gm)
          ?.map((heading) =>
            heading
              .replace(/^#+ /, '')
              .toLowerCase()
              .replaceAll(/[^\w -]/g, '')
              .replaceAll(' ', '-'),
          )
        assert.ok(anchors?.includes(anchor), link)
      }
    })
  }

  test('was found, and would not pass if it were wrong', () => {
    assert.ok(commandsOf(read('docs/operating/guide.md')).length >= 20)
    assert.ok(commandsOf(read('deploy/kubernetes/README.md')).length >= 3)
    assert.deepEqual(checkCommand('drill FILE --keyfile KEY'), [])
    assert.deepEqual(checkCommand('drill FILE --colour'), ['strongroom drill has no --colour'])
    assert.match(checkCommand('fly')[0] ?? '', /no command/)
    assert.deepEqual(commandsOf('```sh\nx && strongroom fly --far # high\n```\n'), ['fly --far'])
  })
})
