import type { Command } from 'commander'
import { anchorsOf } from '../anchor-options.ts'
import type { Context } from '../context.ts'
import { folderOf, jsonLine } from '../context.ts'
import { eventsOf } from '../event-options.ts'
import { EXIT, type ExitCode, UsageError } from '../failures.ts'
import { operatorCaOf } from '../operator-ca-options.ts'
import type { StartFlags } from '../options.ts'
import { DATA_FOLDER_DEFAULT, jsonOption, startOptions, workerOptions } from '../options.ts'
import type { InitializedFolder, StartOptions } from '../program.ts'
import { readyLine, serveUntilStopped } from '../serve.ts'
import { shellWord } from '../shell-words.ts'
import { shippingOf } from '../shipping-options.ts'
import { assertPlacesForWorkers, placeOfWorker } from '../worker-places.ts'

const START_EXAMPLES = `
Examples:
  strongroom start
      On http://127.0.0.1:7600, with its data in ./strongroom-data. The first
      start makes the folder and prints the root credentials, once.
  strongroom start --data /var/lib/strongroom --keyfile /run/keys/root.key
      With the root key on another disk than the data it opens.
  strongroom start --workers 4
      With four processes on one port.
  strongroom start --host 0.0.0.0 --tls --tls-host kms.example.com
      For other machines, over HTTPS.

When it serves, it prints one line with the word "ready" and its URL, and
GET /-/ready answers 200. SIGTERM and SIGINT let it finish what is in flight,
after it has drained (--drain); a second signal, a second or more later, ends
it at once. SIGUSR2 restarts the workers of --workers, one after the other.`

const INIT_EXAMPLES = `
Examples:
  strongroom init --data /var/lib/strongroom --seal passphrase
  strongroom init --tls --tls-host kms.example.com --json
  strongroom init --seal shares --shares 5 --threshold 3
      The root key in five shares, any three of which open the store.

It takes the flags of "strongroom start", but --workers, and refuses a folder
that holds a node.`

/** `strongroom start`: serves until it is told to stop. */
export function addStart(parent: Command, context: Context): void {
  const command = parent
    .command('start')
    .description('Serve. An empty data folder is set up first')
    .addHelpText('after', START_EXAMPLES)
  for (const option of [...startOptions(), ...workerOptions()]) command.addOption(option)
  context.act<StartFlags>(command, async (flags) => {
    const { program, terminal } = context
    if (flags.workers !== undefined && flags.worker === undefined) {
      return startWorkers(flags, flags.workers, context)
    }
    const link =
      flags.worker === undefined
        ? undefined
        : await program.joinSupervisor(flags.worker, flags.workers ?? flags.worker)
    let made: InitializedFolder | undefined
    const show = async (): Promise<void> => {
      if (made === undefined) return
      await terminal.out.write(describeNewFolder(made, flags, program.commandName))
    }
    const options = startOptionsOf(flags, context)
    const server = await program
      .startServer(options, (folder) => {
        made = folder
      })
      .catch(async (error: unknown) => {
        // A later start finds the account made and shows nothing: this is the only time.
        await show()
        throw error
      })
    return serveUntilStopped(server, terminal, async () => {
      await show()
      if (link === undefined) await terminal.out.write(readyLine(server.endpoint, flags.host))
      else if (!link.ready(server.endpoint)) await server.stop()
    })
  })
}

/** Serves with several processes until it is told to stop. */
async function startWorkers(
  flags: StartFlags,
  count: number,
  { program, terminal, argv }: Context,
): Promise<ExitCode> {
  if (flags.acceptAuditDamage) {
    throw new UsageError('--accept-audit-damage is for one start of one process', {
      hint: 'start once without --workers, with the --data of the worker whose log is damaged',
    })
  }
  assertPlacesForWorkers(flags.shipTo)
  const { host, port, data: dataFolder, store, keyfile, drain: drainSeconds, logLevel } = flags
  const server = await program.startWorkers({
    count,
    host,
    port,
    dataFolder,
    store,
    keyfile,
    drainSeconds,
    logLevel,
    argv,
  })
  return serveUntilStopped(server, terminal, () =>
    terminal.out.write(readyLine(server.endpoint, host)),
  )
}

/** `strongroom init`: sets a data folder up without serving. */
export function addInit(parent: Command, context: Context): void {
  const command = parent
    .command('init')
    .description('Set up a data folder, and print the root credentials, without serving')
    .addHelpText('after', INIT_EXAMPLES)
  for (const option of startOptions()) command.addOption(option)
  command.addOption(jsonOption())
  context.act<StartFlags & { readonly json: boolean }>(command, async (flags) => {
    const { program, terminal } = context
    let made: InitializedFolder | undefined
    const show = async (): Promise<void> => {
      if (made === undefined) return
      const text = flags.json ? jsonLine(made) : describeNewFolder(made, flags, program.commandName)
      await terminal.out.write(text)
    }
    const options = startOptionsOf(flags, context)
    // Shown also where the rest fails: a second init finds the account made and shows nothing.
    try {
      made = await program.initFolder(options, (folder) => {
        made = folder
      })
    } finally {
      await show()
    }
    return EXIT.ok
  })
}

function startOptionsOf(flags: StartFlags, context: Context): StartOptions {
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new UsageError('--tls-cert and --tls-key go together: one of them is missing')
  }
  return {
    ...folderOf(flags, context),
    port: flags.port,
    host: flags.host,
    region: flags.region,
    tls: flags.tls || flags.tlsCert !== undefined,
    ...(flags.tlsCert !== undefined && { tlsCert: flags.tlsCert }),
    ...(flags.tlsKey !== undefined && { tlsKey: flags.tlsKey }),
    tlsHosts: flags.tlsHost,
    allowPlainHttp: flags.allowPlainHttp,
    ...(flags.worker !== undefined && { worker: flags.worker }),
    auditDurability: flags.auditDurability,
    acceptAuditDamage: flags.acceptAuditDamage,
    ...(flags.auditRetention !== undefined && { auditRetentionDays: flags.auditRetention }),
    ...(flags.quotas !== undefined && { quotas: flags.quotas }),
    ...(flags.attestationRoot !== undefined && { attestationRootFile: flags.attestationRoot }),
    ...(flags.trustedProxy.length > 0 && { trustedProxies: flags.trustedProxy }),
    ...(flags.metricsFrom.length > 0 && { metricsFrom: flags.metricsFrom }),
    ...(flags.logRequests && { logRequests: true }),
    ...(flags.otlpEndpoint !== undefined && { otlpEndpoint: flags.otlpEndpoint }),
    ...(flags.traceSample !== undefined && { traceSample: flags.traceSample }),
    oidcAllowPrivate: flags.oidcAllowPrivate,
    ...operatorCaOf(flags),
    ...eventsOf(flags),
    ...shippingOf({
      ...flags,
      shipTo: flags.shipTo.map((place) => placeOfWorker(place, flags.worker)),
    }),
    ...anchorsOf({
      ...flags,
      anchor: flags.anchor.map((place) => placeOfWorker(place, flags.worker)),
    }),
    ...(flags.drain > 0 && { drainSeconds: flags.drain }),
    logLevel: flags.logLevel,
  }
}

/** The one time that the root credentials are shown. */
export function describeNewFolder(
  folder: InitializedFolder,
  flags: Pick<StartFlags, 'data' | 'tls' | 'tlsCert' | 'seal'>,
  commandName: string,
): string {
  const inFolder = flags.data === DATA_FOLDER_DEFAULT ? '' : ` --data ${shellWord(flags.data)}`
  const lines = [
    `Root credentials of account ${folder.accountId}, shown this once:`,
    `  access key id      ${folder.accessKeyId}`,
    `  secret access key  ${folder.secretAccessKey}`,
    `They are also in ${folder.credentialsFile}, for your eyes only.`,
    '',
  ]
  if (folder.keyfile !== undefined) {
    lines.push(
      `The root key is in ${folder.keyfile}. It opens everything in the store: in`,
      'production keep it on another disk than the data folder (--keyfile), and keep a copy',
      'in a safe place. Without it nothing can ever be decrypted.',
      '',
    )
  } else if (flags.seal !== 'shares') {
    lines.push(
      'The passphrase opens everything in the store, and it is written nowhere. Without it',
      'nothing can ever be decrypted.',
      '',
    )
  }
  if (folder.caFile !== undefined && flags.tls && flags.tlsCert === undefined) {
    lines.push(`Clients trust this node by its CA certificate: ${folder.caFile}`, '')
  }
  lines.push(
    'Point the AWS clients of a shell at this node:',
    `  eval "$(${commandName} env${inFolder})"`,
    '',
  )
  return `${lines.join('\n')}\n`
}
