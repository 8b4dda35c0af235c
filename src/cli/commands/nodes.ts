import type { Command } from 'commander'
import type { NodeSummary } from '../../core/operator.ts'
import type { Context } from '../context.ts'
import { count, jsonLine, withOperator } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'

interface NodeFlags extends FolderFlags {
  readonly json: boolean
}

const LIST_HELP = `
A node's id is in the file node-id of its data folder.

Example:
  strongroom node list --data /var/lib/strongroom --store postgres://db/kms`

const FORGET_HELP = `
For a node that never comes back. What is in its audit log is then missing in
LookupEvents, in counts and in "audit search" without anybody being told: keep
its log, or the trail that it has shipped. A node that does come back is known
again.

Example:
  strongroom node forget 1f0a8c2e-5a0e-4a53-9c0e-8a3e6d1f7b21`

/** `strongroom node list` and `strongroom node forget`. */
export function addNodes(parent: Command, context: Context): void {
  const group = parent.command('node').description('The nodes that share a store')
  const list = withFlags(group.command('list'))
    .description('List the nodes of the store, and whether they run')
    .addHelpText('after', LIST_HELP)
  context.act<NodeFlags>(list, async (flags) => {
    const nodes = await withOperator(flags, context, (operator) => operator.listNodes())
    await context.terminal.out.write(
      nodes.map((node) => (flags.json ? jsonLine(node) : lineOf(node))).join(''),
    )
    return EXIT.ok
  })
  const forget = withFlags(group.command('forget'))
    .description('Forget a node that is gone for good')
    .argument('<node-id>', 'of a node that does not run')
    .addHelpText('after', FORGET_HELP)
  context.act<NodeFlags>(forget, async (flags) => {
    const [nodeId = ''] = forget.args
    if (!/^[0-9a-f-]{36}$/.test(nodeId)) throw new UsageError('the id of a node is a UUID')
    const done = await withOperator(flags, context, (operator) => operator.forgetNode({ nodeId }))
    const text = `The node ${done.nodeId} is forgotten.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

const STATES = { this: 'this node', running: 'running', stopped: 'stopped' } as const

function lineOf({ nodeId, state, waitingRecords }: NodeSummary): string {
  const waiting =
    waitingRecords === 0 ? '' : `  ${count(waitingRecords, 'audit record')} in the store`
  return `${nodeId}  ${STATES[state]}${waiting}\n`
}

function withFlags(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}
