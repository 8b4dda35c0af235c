import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { PolicyChange, Question, SimulateRequest } from '../../core/explanations.ts'
import { simulationText, whoCanText } from '../access-text.ts'
import type { Context } from '../context.ts'
import { jsonLine, withOperator } from '../context.ts'
import { explanationText } from '../decision-text.ts'
import { EXIT, UsageError } from '../failures.ts'
import {
  type ClientCertificateFlags,
  clientCertificateOf,
  clientCertificateOptions,
} from '../operator-ca-options.ts'
import type { FolderFlags } from '../options.ts'
import { accountOption, folderOptions, jsonOption, parseEndpoint, parseRegion } from '../options.ts'
import { createPaint } from '../paint.ts'
import { printableLines } from '../printable.ts'
import type { Inquirer } from '../program.ts'
import { readTextFile } from '../text-file.ts'

interface ExplainFlags extends FolderFlags, ClientCertificateFlags {
  readonly endpoint?: string
  readonly json: boolean
}

interface WhoCanFlags extends ExplainFlags {
  readonly account?: string
  readonly region?: string
  readonly limit?: number
  readonly after?: string
}

interface SimulateFlags extends ExplainFlags {
  readonly account?: string
  readonly region?: string
  readonly key?: string
  readonly keyPolicy?: string
  readonly scp?: string
  readonly user?: string
  readonly role?: string
  readonly policyName?: string
  readonly managedPolicy?: string
  readonly policy?: string
  readonly action: readonly string[]
  readonly principal?: string
  readonly context: readonly (readonly [string, string])[]
  readonly encryptionContext: readonly (readonly [string, string])[]
}

const EXPLAIN_HELP = `
The request id is what AWS clients show with an error, the x-amzn-RequestId of
a reply and the requestID of an audit record. What came near to allowing a
denied call is as it was then.

Example:
  strongroom explain 1f0a8c2e-5a0e-4a53-9c0e-8a3e6d1f7b21`

const WHO_CAN_HELP = `
"yes" is whatever the request says, "if" under the conditions that are told.
Sessions of a role may do what the role may, less what was passed when they were
made. Roles that others may assume, and what they could give themselves, is not
asked.

Examples:
  strongroom who-can kms:Decrypt alias/orders
  strongroom who-can Decrypt alias/orders --account 111122223333 --json`

const SIMULATE_HELP = `
A change is compared with what holds now: who gains and who loses what. With
--principal and --action one request is decided instead, under the change where
there is one. Nothing is saved.

Exit codes: 0 where the policy can be saved and locks nobody out, or the request
would be allowed; 1 where not.

Examples:
  strongroom simulate --key alias/orders --key-policy new.json
  strongroom simulate --key alias/orders --user alice --policy new.json
  strongroom simulate --account 111122223333 --scp scp.json
  strongroom simulate --key alias/orders --action kms:Decrypt \\
    --principal arn:aws:iam::111122223333:role/app --encryption-context app=a`

/** `strongroom explain`. */
export function addExplain(parent: Command, context: Context): void {
  const command = parent
    .command('explain')
    .description('Show who made a call, and which policies and grants decided about it')
    .argument('<request-id>', 'the id of the request')
    .addHelpText('after', EXPLAIN_HELP)
  withFlags(command)
  context.act<ExplainFlags>(command, async (flags) => {
    const [requestId = ''] = command.args
    const found = await inquire(flags, context, (node) => node.explain({ requestId }))
    const paint = createPaint(context.terminal.hasColors)
    await context.terminal.out.write(
      flags.json ? jsonLine(found) : printableLines(explanationText(found, paint)),
    )
    return EXIT.ok
  })
}

/** `strongroom who-can`. */
export function addWhoCan(parent: Command, context: Context): void {
  const command = parent
    .command('who-can')
    .description('List who may do something to a key, and by which policies and grants')
    .argument('<action>', 'such as kms:Decrypt')
    .argument('<key>', 'its id, ARN or alias')
    .addOption(accountOption('whose alias it is; may be left out where there is one account'))
    .addOption(regionOfKey())
    .addOption(
      new Option(
        '--limit <number>',
        'how many principals to list at most (default: 1000)',
      ).argParser(parseLimit),
    )
    .addOption(new Option('--after <place>', 'go on where an earlier list ended'))
    .addHelpText('after', WHO_CAN_HELP)
  withFlags(command)
  context.act<WhoCanFlags>(command, async (flags) => {
    const [action = '', key = ''] = command.args
    const { account: accountId, region, limit, after } = flags
    const request = { action, key, accountId, region, limit, after }
    const found = await inquire(flags, context, (node) => node.whoCan(request))
    const paint = createPaint(context.terminal.hasColors)
    await context.terminal.out.write(
      flags.json ? jsonLine(found) : printableLines(whoCanText(found, paint)),
    )
    return EXIT.ok
  })
}

/** `strongroom simulate`. */
export function addSimulate(parent: Command, context: Context): void {
  const command = parent
    .command('simulate')
    .description('Tell what a changed policy would change, before it is saved')
    .addOption(new Option('--key <key>', 'the key, by id, ARN or alias'))
    .addOption(accountOption('whose keys, users and roles are meant'))
    .addOption(regionOfKey())
    .addOption(new Option('--key-policy <file>', 'a new policy of the key'))
    .addOption(new Option('--scp <file>', 'a new service control policy of the account'))
    .addOption(new Option('--user <name>', 'the user whose policy --policy is'))
    .addOption(new Option('--role <name>', 'the role whose policy --policy is'))
    .addOption(new Option('--managed-policy <arn>', 'the managed policy that --policy replaces'))
    .addOption(new Option('--policy <file>', 'a new policy of a user, a role or a managed one'))
    .addOption(
      new Option('--policy-name <name>', 'the inline policy it replaces').default(
        undefined,
        'it is added',
      ),
    )
    .addOption(
      new Option('--action <action>', 'what to ask about; may be repeated')
        .default([], "all that the key's kind knows")
        .argParser(collect),
    )
    .addOption(new Option('--principal <arn>', 'decide one request of this principal'))
    .addOption(
      new Option('--context <key=value>', 'a condition key of the request; may be repeated')
        .default([], 'none')
        .argParser(collectPairs),
    )
    .addOption(
      new Option('--encryption-context <key=value>', 'a pair of its encryption context')
        .default([], 'none')
        .argParser(collectPairs),
    )
    .addHelpText('after', SIMULATE_HELP)
  withFlags(command)
  context.act<SimulateFlags>(command, async (flags) => {
    const request = await simulationOf(flags)
    const found = await inquire(flags, context, (node) => node.simulate(request))
    const paint = createPaint(context.terminal.hasColors)
    await context.terminal.out.write(
      flags.json ? jsonLine(found) : printableLines(simulationText(found, paint)),
    )
    const isGood = found.problems.length === 0 && found.warnings.length === 0
    return isGood && found.decision?.allowed !== false ? EXIT.ok : EXIT.failed
  })
}

async function simulationOf(flags: SimulateFlags): Promise<SimulateRequest> {
  const { key, account: accountId, region, action, principal } = flags
  const change = await changeOf(flags)
  const hasChange = Object.values(change).some((member) => member !== undefined)
  const question = principal === undefined ? undefined : questionOf(flags, principal)
  return {
    key,
    accountId,
    region,
    ...(action.length > 0 && question === undefined && { actions: action }),
    ...(hasChange && { change }),
    ...(question && { question }),
  }
}

const readIfAny = async (path: string | undefined, what: string): Promise<string | undefined> =>
  path === undefined ? undefined : readTextFile(path, what)

async function changeOf(flags: SimulateFlags): Promise<PolicyChange> {
  const { keyPolicy, scp, policy, user, role, policyName, managedPolicy } = flags
  return {
    keyPolicy: await readIfAny(keyPolicy, 'key policy'),
    serviceControl: await readIfAny(scp, 'service control policy'),
    policy: await readIfAny(policy, 'policy'),
    user,
    role,
    policyName,
    managedPolicyArn: managedPolicy,
  }
}

function questionOf(flags: SimulateFlags, principal: string): Question {
  const { action, context, encryptionContext } = flags
  const values = new Map<string, string[]>()
  for (const [key, value] of context) values.set(key, [...(values.get(key) ?? []), value])
  return {
    principal,
    action: action[0] ?? '',
    context: Object.fromEntries(
      [...values].map(([key, all]) => [key, all.length === 1 ? (all[0] ?? '') : all]),
    ),
    encryptionContext: Object.fromEntries(encryptionContext),
  }
}

/** Asks as the operator of the folder, or over HTTP as whom the AWS variables of the shell are of. */
function inquire<T>(
  flags: ExplainFlags & { readonly region?: string },
  context: Context,
  work: (node: Inquirer) => Promise<T>,
): Promise<T> {
  const { endpoint } = flags
  if (endpoint === undefined) return withOperator(flags, context, work)
  const { env } = context.terminal
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  const region = flags.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']
  if (!accessKeyId || !secretAccessKey || !region) {
    throw new UsageError('over HTTP it is asked with credentials of AWS', {
      hint: 'Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.',
    })
  }
  const sessionToken = env['AWS_SESSION_TOKEN']
  const options = {
    endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken,
    ...clientCertificateOf(flags),
  }
  return context.program.openInquirer(options).then(work)
}

function withFlags(command: Command): void {
  command.addOption(
    new Option(
      '--endpoint <url>',
      'ask a node over HTTP, with the AWS credentials of the environment',
    ).argParser(parseEndpoint),
  )
  for (const option of clientCertificateOptions()) command.addOption(option)
  for (const option of folderOptions()) command.addOption(option)
  command.addOption(jsonOption())
}

const regionOfKey = (): Option =>
  new Option('--region <name>', 'the Region of the key')
    .default(undefined, 'any that has it')
    .argParser(parseRegion)

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

const collect = (text: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  text,
]

function collectPairs(
  text: string,
  earlier: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('must be a name and a value: name=value')
  return [...earlier, [text.slice(0, at), text.slice(at + 1)]]
}
