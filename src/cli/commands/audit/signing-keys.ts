import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { AuditPublicKey } from '../../../core/operator.ts'
import type { Context } from '../../context.ts'
import { count, jsonLine, withOperator } from '../../context.ts'
import { CommandError, EXIT } from '../../failures.ts'
import type { FolderFlags } from '../../options.ts'
import { folderOptions, jsonOption } from '../../options.ts'

interface SigningKeyFlags extends FolderFlags {
  readonly json: boolean
}

const PUBLIC_HELP = `
All keys that have signed digests, old ones too, as PEM. Keep the file where
whoever can write the trail cannot: with it alone, a copy can be verified.

Examples:
  strongroom audit public-key --out audit.pem
  strongroom audit verify --dir /copy/trail --public-key audit.pem`

const ROTATE_HELP = `
Keys are rotated once a year by themselves. Digests that were signed before stay
valid; hand out the public keys anew.

Example:
  strongroom audit rotate-signing-key`

/** `strongroom audit public-key` and `strongroom audit rotate-signing-key`. */
export function addSigningKeys(group: Command, context: Context): void {
  const { out } = context.terminal
  const shown = withFlags(group.command('public-key'))
    .description('Print the public keys that verify the digests of the trail')
    .addOption(new Option('--out <file>', 'write them to a file instead'))
    .addHelpText('after', PUBLIC_HELP)
  context.act<SigningKeyFlags & { readonly out?: string }>(shown, async (flags) => {
    const keys = await withOperator(flags, context, (operator) => operator.auditPublicKeys())
    const text = flags.json ? jsonLine(keys) : keys.map(described).join('\n')
    if (flags.out === undefined) {
      await out.write(text)
    } else {
      await writeText(flags.out, text)
      await out.write(`${count(keys.length, 'public key')} written to ${flags.out}.\n`)
    }
    return EXIT.ok
  })

  const rotate = withFlags(group.command('rotate-signing-key'))
    .description('Make a new key that signs the digests of the trail')
    .addHelpText('after', ROTATE_HELP)
  context.act<SigningKeyFlags>(rotate, async (flags) => {
    const key = await withOperator(flags, context, (operator) => operator.rotateAuditSigningKey())
    const text = `Digests are now signed with the key ${key.fingerprint}.\nHand out the public keys anew: strongroom audit public-key\n`
    await out.write(flags.json ? jsonLine(key) : text)
    return EXIT.ok
  })
}

function withFlags(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}

/** Readers of PEM pass over the lines in front of the block. */
const described = ({ fingerprint, validFrom, validTo, pem }: AuditPublicKey): string =>
  `Fingerprint: ${fingerprint}\nValid from:  ${validFrom}\nValid to:    ${validTo}\n${pem}`

async function writeText(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error: unknown) => {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new CommandError(`the public keys were not written to the file: ${reason}`)
  })
}
