import type { Command } from 'commander'
import type { ProviderKeySummary } from '../../core/operator.ts'
import type { Context } from '../context.ts'
import { count, jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'
import { readTextFile } from '../text-file.ts'

interface OidcFlags extends FolderFlags {
  readonly json: boolean
}

const SET_HELP = `
For places where the node cannot or should not reach the provider: its tokens
are then verified with these keys, in every account that knows the provider, and
nothing is fetched. The file is the provider's JSON Web Key Set, which has
public keys alone. When the provider changes its keys, set them again.

Example:
  strongroom oidc set-keys https://token.example.com jwks.json`

const REMOVE_HELP = `
The keys are then fetched from the provider, as before.

Example:
  strongroom oidc remove-keys https://token.example.com`

/** `strongroom oidc set-keys|remove-keys|list`. */
export function addOidc(parent: Command, context: Context): void {
  const group = parent
    .command('oidc')
    .description('Give the keys of identity providers that cannot be reached')
  const set = withFlags(group.command('set-keys'))
    .description('Set the keys of an identity provider')
    .argument('<url>', "the issuer of the provider's tokens")
    .argument('<file>', 'its JSON Web Key Set')
    .addHelpText('after', SET_HELP)
  context.act<OidcFlags>(set, async (flags) => {
    const [providerUrl = '', file = ''] = set.args
    const keySet = await readTextFile(file, 'key')
    const done = await withOperator(flags, context, (operator) =>
      operator.setOidcKeys({ providerUrl, keySet }),
    )
    const text = `Tokens of ${done.providerUrl} are verified with ${count(done.keys.length, 'key')}.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
  const remove = withFlags(group.command('remove-keys'))
    .description('Remove the keys of an identity provider')
    .argument('<url>', "the issuer of the provider's tokens")
    .addHelpText('after', REMOVE_HELP)
  context.act<OidcFlags>(remove, async (flags) => {
    const [providerUrl = ''] = remove.args
    const done = await withOperator(flags, context, (operator) =>
      operator.removeOidcKeys({ providerUrl }),
    )
    const text = `The keys of ${done.providerUrl} are fetched from it again.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
  const list = withFlags(group.command('list')).description('List what was set')
  context.act<OidcFlags>(list, async (flags) => {
    const found = await withOperator(flags, context, (operator) => operator.listOidcKeys())
    await context.terminal.out.write(flags.json ? jsonLine(found) : found.map(describe).join(''))
    return EXIT.ok
  })
}

function withFlags(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}

const describe = ({ providerUrl, keys, updatedAt }: ProviderKeySummary): string =>
  `${providerUrl}  ${updatedAt}  ${keys.join(',')}\n`
