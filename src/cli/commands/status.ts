import type { Command } from 'commander'
import type { NodeStatus } from '../../core/operator.ts'
import type { Context } from '../context.ts'
import { count, jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'

const HELP = `
It asks the running node, or opens the store when none runs.

Examples:
  strongroom status
  strongroom status --json | jq .running`

/** `strongroom status`: what a node is, and how it is doing. */
export function addStatus(parent: Command, context: Context): void {
  const command = parent
    .command('status')
    .description('Show the node: endpoint, store, seal, keys that protect it, audit log')
    .addHelpText('after', HELP)
  for (const option of folderOptions()) command.addOption(option)
  command.addOption(jsonOption())
  context.act<FolderFlags & { readonly json: boolean }>(command, async (flags) => {
    const status = await withOperator(flags, context, (operator) => operator.status())
    await context.terminal.out.write(flags.json ? jsonLine(status) : describeStatus(status))
    return EXIT.ok
  })
}

function describeStatus(status: NodeStatus): string {
  const { store, seal, audit } = status
  const rows: readonly (readonly [string, string])[] = [
    [
      'node',
      status.running ? `running at ${status.endpoint ?? 'an unknown address'}` : 'not running',
    ],
    ['version', status.version],
    ['data folder', status.dataFolder],
    [
      'store',
      `${store.kind}, ${store.location} (schema ${store.schemaVersion}, epoch ${store.epoch})`,
    ],
    ['seal', seal.location === undefined ? seal.kind : `${seal.kind}, ${seal.location}`],
    ['root key', seal.rootKeyId],
    ['domain key', status.domainKeyId],
    ['accounts', String(status.accounts)],
    [
      'audit',
      `${audit.folder} (${count(audit.segments, 'segment')}, last record ${audit.lastSequence}, ` +
        `${audit.durable ? 'durable before every reply' : 'written after the reply'})`,
    ],
    ...(status.shipping ?? []).map(
      ({ destination, behindSeconds, failure }) =>
        [
          'shipped to',
          `${destination} (${failure === undefined ? 'up to date' : `${failure}; behind ${behindSeconds} s`})`,
        ] as const,
    ),
    ...(status.anchors ?? []).map(
      ({ target, lastAt, failure }) =>
        ['anchored at', `${target} (${failure ?? lastAt ?? 'not yet'})`] as const,
    ),
    ...(audit.damage === undefined
      ? []
      : [['', `DAMAGED: ${audit.damage}; see strongroom audit verify`] as const]),
  ]
  return rows.map(([name, value]) => `${name.padEnd(13)}${value}\n`).join('')
}
