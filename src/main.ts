import { existsSync, readFileSync } from 'node:fs'
import { runCommandLine } from './cli/command-line.ts'
import type { Program } from './cli/program.ts'
import { processTerminal } from './cli/terminal.ts'
import { Secret } from './core/secret.ts'

// The server is loaded when a command needs it, so that `--help` answers at once.
const server = () => import('./server/start.ts')

const program: Program = {
  commandName: existsSync(new URL('./main.ts', import.meta.url))
    ? './bin/strongroom'
    : 'strongroom',
  version: readVersion,
  newSecret: (bytes) => new Secret(bytes),
  startServer: async (options, onFolderMade) => (await server()).startServer(options, onFolderMade),
  // Without what only a node with a data folder needs: it is to be there at once.
  startDev: async (options) => (await import('./server/dev/dev.ts')).startDev(options),
  initFolder: async (options, onFolderMade) => (await server()).initFolder(options, onFolderMade),
  openOperator: async (options) => (await server()).openOperator(options),
  openInquirer: async (options) =>
    (await import('./server/explanations/endpoint-inquirer.ts')).endpointInquirer(options),
  unseal: async (options) => (await server()).unseal(options),
  describeClient: async (options) => (await server()).describeClient(options),
  auditCat: async (options, to) => (await server()).auditCat(options, to),
  auditVerify: async (options) => (await server()).auditVerify(options),
  auditVerifyTrail: async (options, onProgress) =>
    (await import('./server/operator/trail-commands.ts')).auditVerifyTrail(options, onProgress),
  restoreBackup: async (options) => (await server()).restoreBackup(options),
  drillBackup: async (options) => (await server()).drillBackup(options),
  openEventLookup: async (options) => (await server()).openEventLookup(options),
  auditProve: async (options, onProgress) =>
    (await import('./server/operator/trail-commands.ts')).auditProve(options, onProgress),
  migrateStore: async (options) =>
    (await import('./server/operator/store-commands.ts')).migrateStore(options),
  startWorkers: async (options) =>
    (await import('./server/workers/supervisor.ts')).startWorkers(options),
  joinSupervisor: async (number, count) =>
    (await import('./server/workers/worker-link.ts')).joinSupervisor(number, count),
  transferStore: async (options) =>
    (await import('./server/operator/store-transfer.ts')).transferStore(options),
}

/** From package.json, which stands above both the sources and the compiled program. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(text)
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version)
  }
  throw new Error('package.json names no version')
}

const exitCode = await runCommandLine(process.argv.slice(2), processTerminal(), program)
// Nothing that is still open may keep a finished command alive; output has been handed over.
process.exit(exitCode)
