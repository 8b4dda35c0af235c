import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { count, jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'

interface RotationFlags extends FolderFlags {
  readonly json: boolean
}

const DOMAIN_HELP = `
Ciphertexts and key ids stay as they are; a running node keeps serving.

Example:
  strongroom rotate-domain-key --data /var/lib/strongroom`

const ROOT_HELP = `
With the key file seal the file is replaced: renew your copy of it. It may be
interrupted at any moment and run again.

Example:
  strongroom rotate-root-key --keyfile /run/keys/root.key`

/** `strongroom rotate-domain-key` and `strongroom rotate-root-key`. */
export function addRotation(parent: Command, context: Context): void {
  const domain = parent
    .command('rotate-domain-key')
    .description('Make a new domain key and wrap every secret of the store anew under it')
    .addHelpText('after', DOMAIN_HELP)
  addFlags(domain)
  context.act<RotationFlags>(domain, async (flags) => {
    const done = await withOperator(flags, context, (operator) => operator.rotateDomainKey())
    const text = `The domain key is now ${done.domainKeyId}; ${count(done.rewrapped, 'record')} rewritten under it.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })

  const root = parent
    .command('rotate-root-key')
    .description('Make a new root key and wrap the domain keys anew under it')
    .addHelpText('after', ROOT_HELP)
  addFlags(root)
  context.act<RotationFlags>(root, async (flags) => {
    const done = await withOperator(flags, context, (operator) => operator.rotateRootKey())
    const text = `The root key is now ${done.rootKeyId}.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

function addFlags(command: Command): void {
  for (const option of folderOptions()) command.addOption(option)
  command.addOption(jsonOption())
}
