import assert from 'node:assert/strict'
import test from 'node:test'
import { fakeProgram, fakeTerminal } from '../../test/support/fake-terminal.ts'
import { runCommandLine } from './command-line.ts'

const COMMANDS = [
  '',
  'start',
  'dev',
  'init',
  'status',
  'migrate',
  'migrate-store',
  'env',
  'account',
  'account create',
  'account list',
  'account set-scp',
  'account show-scp',
  'account remove-scp',
  'account set-deletion-guard',
  'account show-deletion-guard',
  'account remove-deletion-guard',
  'credentials',
  'credentials rotate',
  'oidc',
  'oidc set-keys',
  'oidc remove-keys',
  'oidc list',
  'rotate-domain-key',
  'rotate-root-key',
  'unseal',
  'backup',
  'restore',
  'drill',
  'audit',
  'audit search',
  'audit tail',
  'audit stats',
  'audit reindex',
  'audit cat',
  'audit verify',
  'events',
  'events status',
  'events dead-letters',
  'events redrive',
  'events discard',
  'audit public-key',
  'audit rotate-signing-key',
  'audit prove',
  'key',
  'key impact',
  'node',
  'node list',
  'node forget',
  'tls',
  'tls issue-operator',
  'tls replace-operator-ca',
  'explain',
  'who-can',
  'simulate',
  'version',
]

async function helpOf(command: string): Promise<string> {
  const terminal = fakeTerminal()
  const argv = [...command.split(' ').filter((word) => word !== ''), '--help']
  assert.equal(await runCommandLine(argv, terminal, fakeProgram()), 0)
  assert.equal(terminal.stderr(), '')
  return terminal.stdout()
}

/** The names under the heading "Commands:" of a help text, which ends at an empty line. */
const subcommandsIn = (help: string): readonly string[] =>
  [...(help.split('Commands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z-]+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'help')

test('the reference of the command line is what --help says', async (t) => {
  const sections = ['# The command line\n\nEvery command as its `--help` shows it.\n']
  for (const command of COMMANDS) {
    const title = `strongroom ${command}`.trim()
    sections.push(`## ${title}\n\n\`\`\`text\n${await helpOf(command)}\`\`\`\n`)
  }
  // Renew the file with: npm run test:unit -- --test-update-snapshots
  const file = new URL('../../docs/reference/command-line.md', import.meta.url)
  t.assert.fileSnapshot(sections.join('\n'), file.pathname, { serializers: [String] })
})

test('every command is in the reference', async () => {
  const found: string[] = []
  const groups = ['']
  for (const group of groups) {
    for (const name of subcommandsIn(await helpOf(group))) {
      const command = `${group} ${name}`.trim()
      found.push(command)
      groups.push(command)
    }
  }
  assert.deepEqual(found.toSorted(), COMMANDS.slice(1).toSorted())
})

test('no line of a help text is wider than a terminal of 80 columns', async () => {
  for (const command of COMMANDS) {
    for (const line of (await helpOf(command)).split('\n')) {
      assert.ok(line.length <= 80, `${command}: ${line}`)
    }
  }
})
