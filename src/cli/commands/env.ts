import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../context.ts'
import { jsonLine } from '../context.ts'
import { CommandError, EXIT } from '../failures.ts'
import { dataOption, jsonOption, parseEndpoint, parseRegion } from '../options.ts'
import { shellWord } from '../shell-words.ts'

const HELP = `
Examples:
  eval "$(strongroom env)"
  eval "$(strongroom env --data /var/lib/strongroom --region eu-central-1)"

The endpoint is that of the node running on the data folder. Variables of your
shell that would win over these are unset.`

/** Set in a shell, these win over a credentials file and AWS_ENDPOINT_URL, and requests would go to AWS. */
const RIVALS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_ENDPOINT_URL_CLOUDTRAIL',
  'AWS_ENDPOINT_URL_IAM',
  'AWS_ENDPOINT_URL_KMS',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_STS',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
] as const

interface EnvFlags {
  readonly data: string
  readonly endpoint?: string
  readonly region?: string
  readonly json: boolean
}

/** `strongroom env`: what a shell needs so that its AWS clients reach this node. */
export function addEnv(parent: Command, context: Context): void {
  const command = parent
    .command('env')
    .description('Print the lines that point the AWS clients of a shell at this node')
    .addOption(dataOption())
    .addOption(
      new Option(
        '--endpoint <url>',
        'another address for the node, such as that of a proxy',
      ).argParser(parseEndpoint),
    )
    .addOption(
      new Option('--region <name>', "the clients' Region")
        .default(undefined, "the node's")
        .argParser(parseRegion),
    )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
  context.act<EnvFlags>(command, async (flags) => {
    const { program, terminal } = context
    const client = await program.describeClient({ dataFolder: flags.data })
    const endpoint = flags.endpoint ?? client.endpoint
    if (endpoint === undefined) {
      throw new CommandError(
        `no node runs on ${flags.data}`,
        'start one with "strongroom start", or name its address with --endpoint URL',
      )
    }
    const variables = clientVariables(endpoint, flags.region ?? client.region, {
      AWS_SHARED_CREDENTIALS_FILE: client.credentialsFile,
      ...(client.caFile !== undefined && {
        AWS_CA_BUNDLE: client.caFile,
        NODE_EXTRA_CA_CERTS: client.caFile,
      }),
    })
    const rivals = RIVALS.filter((name) => terminal.env[name] !== undefined)
    const unset = rivals.length === 0 ? '' : `unset ${rivals.join(' ')}\n`
    await terminal.out.write(flags.json ? jsonLine(variables) : unset + exportLines(variables))
    return EXIT.ok
  })
}

/** The environment of an AWS client. Version 1 of the AWS CLI reads only AWS_DEFAULT_REGION. */
export function clientVariables(
  endpoint: string,
  region: string | undefined,
  others: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    ...(region !== undefined && { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    ...others,
  }
}

/** One `export` a line, for a POSIX shell. */
export const exportLines = (variables: Readonly<Record<string, string>>, indent = ''): string =>
  Object.entries(variables)
    .map(([name, value]) => `${indent}export ${name}=${shellWord(value)}\n`)
    .join('')
