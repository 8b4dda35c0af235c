import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { eventsOf } from '../event-options.ts'
import type { DevFlags } from '../options.ts'
import { devOptions } from '../options.ts'
import { readyLine, serveUntilStopped } from '../serve.ts'
import { clientVariables, exportLines } from './env.ts'

const DEV_HELP = `
Examples:
  strongroom dev
  strongroom dev --port 0 --account 111122223333 --region eu-central-1
  strongroom dev --seed keys.json
      keys.json: {"keys": [{"account": "111122223333", "region": "us-east-1",
        "keyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "material": "32 bytes in base64", "aliases": ["alias/app"]}]}

Any secret is accepted for access key ids that were never issued: an id of 12
digits names its account, any other belongs to --account.
  POST /-/dev/clock {"advanceSeconds": 3600} or {"set": "2030-01-01T00:00:00Z"}
  POST /-/dev/reset
Nothing is kept: for data that matters there is "strongroom start".`

/** `strongroom dev`: a server in memory for development and tests. */
export function addDev(parent: Command, context: Context): void {
  const command = parent
    .command('dev')
    .description('Serve from memory for development and tests: any credentials, a movable clock')
    .addHelpText('after', DEV_HELP)
  for (const option of devOptions()) command.addOption(option)
  context.act<DevFlags>(command, async (flags) => {
    const { program, terminal } = context
    const server = await program.startDev({
      port: flags.port,
      host: flags.host,
      account: flags.account,
      region: flags.region,
      allowPlainHttp: flags.allowPlainHttp,
      ...(flags.seed !== undefined && { seedFile: flags.seed }),
      ...(flags.quotas !== undefined && { quotas: flags.quotas }),
      ...(flags.attestationRoot !== undefined && { attestationRootFile: flags.attestationRoot }),
      ...(flags.trustedProxy.length > 0 && { trustedProxies: flags.trustedProxy }),
      ...(flags.metricsFrom.length > 0 && { metricsFrom: flags.metricsFrom }),
      ...(flags.logRequests && { logRequests: true }),
      ...(flags.otlpEndpoint !== undefined && { otlpEndpoint: flags.otlpEndpoint }),
      ...(flags.traceSample !== undefined && { traceSample: flags.traceSample }),
      oidcAllowPrivate: flags.oidcAllowPrivate,
      ...eventsOf(flags),
      logLevel: flags.logLevel,
    })
    const variables = clientVariables(server.endpoint, flags.region, {
      AWS_ACCESS_KEY_ID: flags.account,
      AWS_SECRET_ACCESS_KEY: 'anything',
    })
    return serveUntilStopped(server, terminal, async () => {
      await terminal.out.write(`For your shell:\n${exportLines(variables, '  ')}`)
      await terminal.out.write(readyLine(server.endpoint, flags.host))
    })
  })
}
