import { runCommandLine } from '../../src/cli/command-line.ts'
import type { PassphraseInput } from '../../src/cli/passphrase.ts'
import type { Program } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { NodeStatus, Operator } from '../../src/core/operator.ts'
import { Secret } from '../../src/core/secret.ts'

/** A terminal whose every move a test makes: what was written, which signals come, what time it is. */
export interface FakeTerminal extends Terminal {
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends SIGTERM, so to speak. */
  signal(): void
  readonly listening: () => number
  advanceMs(milliseconds: number): void
}

/**
 * @param options.readLines after how many writes the reader of standard output leaves; all by default
 */
export function fakeTerminal(
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly keyboard?: PassphraseInput
    readonly readLines?: number
    readonly hasColors?: boolean
    readonly errIsLive?: boolean
  } = {},
): FakeTerminal {
  const written = { out: [] as string[], err: [] as string[] }
  const listeners = new Set<() => void>()
  let nowMs = 0
  return {
    env: options.env ?? {},
    out: {
      write: async (text) => {
        if (written.out.length >= (options.readLines ?? Number.POSITIVE_INFINITY)) return false
        written.out.push(text)
        return true
      },
    },
    err: {
      write: async (text) => {
        written.err.push(text)
        return true
      },
    },
    keyboard: options.keyboard,
    columns: 80,
    hasColors: options.hasColors ?? false,
    errIsLive: options.errIsLive ?? false,
    onStopSignal: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    elapsedMs: () => nowMs,
    stdout: () => written.out.join(''),
    stderr: () => written.err.join(''),
    signal: () => {
      for (const listener of listeners) listener()
    },
    listening: () => listeners.size,
    advanceMs: (milliseconds) => {
      nowMs += milliseconds
    },
  }
}

/** A program of which a test gives the parts it calls; every other one fails the test. */
export function fakeProgram(parts: Partial<Program> = {}): Program {
  const notExpected = (name: string) => async (): Promise<never> => {
    throw new Error(`${name} was not expected to be called`)
  }
  return {
    commandName: 'strongroom',
    version: () => '1.2.3',
    newSecret: (bytes) => new Secret(bytes),
    startServer: notExpected('startServer'),
    startDev: notExpected('startDev'),
    initFolder: notExpected('initFolder'),
    openOperator: notExpected('openOperator'),
    openInquirer: notExpected('openInquirer'),
    unseal: notExpected('unseal'),
    describeClient: notExpected('describeClient'),
    auditCat: notExpected('auditCat'),
    auditVerify: notExpected('auditVerify'),
    auditVerifyTrail: notExpected('auditVerifyTrail'),
    restoreBackup: notExpected('restoreBackup'),
    drillBackup: notExpected('drillBackup'),
    auditProve: notExpected('auditProve'),
    openEventLookup: notExpected('openEventLookup'),
    migrateStore: notExpected('migrateStore'),
    transferStore: notExpected('transferStore'),
    startWorkers: notExpected('startWorkers'),
    joinSupervisor: notExpected('joinSupervisor'),
    ...parts,
  }
}

/** What a command leaves behind. */
export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line on a fake terminal, against a program of which the test gives the parts it calls. */
export async function runFake(
  argv: readonly string[],
  parts: Partial<Program> = {},
  options: Parameters<typeof fakeTerminal>[0] = {},
): Promise<Outcome> {
  const terminal = fakeTerminal(options)
  const exitCode = await runCommandLine(argv, terminal, fakeProgram(parts))
  return { exitCode, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

/** An operator of which a test gives the parts it calls, and how often its door was closed. */
export function fakeOperator(parts: Partial<Operator>): {
  readonly openOperator: Program['openOperator']
  readonly closed: () => number
} {
  let closed = 0
  const notExpected = async (): Promise<never> => {
    throw new Error('this operator call was not expected')
  }
  const operator: Operator = {
    status: notExpected,
    createAccount: notExpected,
    listAccounts: notExpected,
    rotateCredentials: notExpected,
    rotateDomainKey: notExpected,
    rotateRootKey: notExpected,
    setServiceControl: notExpected,
    getServiceControl: notExpected,
    setDeletionGuard: notExpected,
    getDeletionGuard: notExpected,
    removeDeletionGuard: notExpected,
    removeServiceControl: notExpected,
    setOidcKeys: notExpected,
    listOidcKeys: notExpected,
    removeOidcKeys: notExpected,
    listNodes: notExpected,
    forgetNode: notExpected,
    issueOperatorCertificate: notExpected,
    replaceOperatorAuthority: notExpected,
    backup: notExpected,
    auditPublicKeys: notExpected,
    rotateAuditSigningKey: notExpected,
    keyImpact: notExpected,
    explain: notExpected,
    whoCan: notExpected,
    simulate: notExpected,
    eventStatus: notExpected,
    listDeadLetters: notExpected,
    redriveDeadLetters: notExpected,
    discardDeadLetters: notExpected,
    searchEvents: notExpected,
    countEvents: notExpected,
    findKeyArn: notExpected,
    eventIndexStatus: notExpected,
    reindexEvents: notExpected,
    ...parts,
  }
  return {
    openOperator: async () => ({
      operator,
      close: async () => {
        closed += 1
      },
    }),
    closed: () => closed,
  }
}

export const A_STATUS: NodeStatus = {
  version: '1.2.3',
  running: true,
  endpoint: 'http://127.0.0.1:7600',
  dataFolder: '/data',
  store: { kind: 'embedded', location: '/data/strongroom.db', schemaVersion: 1, epoch: 42 },
  seal: { kind: 'keyfile', rootKeyId: 'root-1', location: '/data/root.key' },
  domainKeyId: 'domain-1',
  accounts: 2,
  audit: { folder: '/data/audit', segments: 3, lastSequence: 1200, durable: true },
}
