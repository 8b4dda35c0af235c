import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { Context } from '../context.ts'
import { jsonLine, withOperator } from '../context.ts'
import { CommandError, EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption, parseText } from '../options.ts'

interface IssueFlags extends FolderFlags {
  readonly days?: number
  readonly out: string
  readonly json: boolean
}

/** For the owner alone: the file has a private key. */
const KEY_MODE = 0o600
const CERTIFICATE_MODE = 0o644
/** What every issuer in this program keeps to; the server refuses more, too. */
const DAYS_MAX = 397

const ISSUE_HELP = `
Two files are written, NAME.pem and NAME.key; none is overwritten. The nodes of
this store take the certificate when they are started with --operator-ca own.

Examples:
  strongroom tls issue-operator prometheus --out /etc/prometheus/strongroom
  curl --cacert strongroom-data/ca.pem --cert alice.pem --key alice.key \\
    https://kms.example.com:7600/-/metrics`

const REPLACE_HELP = `
For when a private key is lost. Nodes that run know it within seconds; operators
need new certificates (strongroom tls issue-operator).

Example:
  strongroom tls replace-operator-ca --data /var/lib/strongroom`

/** `strongroom tls issue-operator` and `strongroom tls replace-operator-ca`. */
export function addOperatorCertificates(parent: Command, context: Context): void {
  const group = parent
    .command('tls')
    .description('Certificates of operators, for the paths under /-/ that only they may use')
  const issue = withFlags(group.command('issue-operator'))
    .description("Issue a client certificate from the node's own operator CA")
    .argument('<name>', 'of the operator: its common name, and that of the files')
    .addOption(
      new Option('--days <number>', 'how long it is valid (default: 90)').argParser(parseDays),
    )
    .addOption(
      new Option('--out <folder>', 'where the two files are written')
        .default('.')
        .argParser(parseText),
    )
    .addHelpText('after', ISSUE_HELP)
  context.act<IssueFlags>(issue, async (flags) => {
    const [name = ''] = issue.args
    const { days } = flags
    const issued = await withOperator(flags, context, (operator) =>
      operator.issueOperatorCertificate({ name, days }),
    )
    const { certificatePem, privateKeyPem, ...about } = issued
    const certificateFile = join(flags.out, `${issued.name}.pem`)
    const keyFile = join(flags.out, `${issued.name}.key`)
    // The key first: a certificate alone would look like all there is.
    await writeNew(keyFile, privateKeyPem, KEY_MODE)
    await writeNew(certificateFile, certificatePem, CERTIFICATE_MODE)
    const text = `Operator ${issued.name} has ${certificateFile} and ${keyFile}, valid until ${issued.validUntil}.\n`
    await context.terminal.out.write(
      flags.json ? jsonLine({ ...about, certificateFile, keyFile }) : text,
    )
    return EXIT.ok
  })
  const replace = withFlags(group.command('replace-operator-ca'))
    .description("Replace the node's own operator CA: what it has issued is void")
    .addHelpText('after', REPLACE_HELP)
  context.act<FolderFlags & { readonly json: boolean }>(replace, async (flags) => {
    const done = await withOperator(flags, context, (operator) =>
      operator.replaceOperatorAuthority(),
    )
    const text = `The operator CA is now ${done.authority}; certificates of the old one are void.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

/** Writes a file that must not be there yet. @throws CommandError */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw new CommandError(
      isThere ? `${path} is there already` : `${path} cannot be written`,
      'name another folder with --out; a certificate that was issued and not written is of no use to anybody',
    )
  }
}

function withFlags(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}

function parseDays(text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= DAYS_MAX) return days
  throw new InvalidArgumentError(`must be a whole number of days from 1 to ${DAYS_MAX}`)
}
