import type { StartOptions } from '../../src/cli/program.ts'
import type { Clock } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { type NodeAudit, openNodeAudit } from '../../src/server/node/node-audit.ts'
import { type NodeState, openNodeState } from '../../src/server/node/node-state.ts'

/** What a node with a folder of its own is started with: silent, on any port. */
export const startOptionsFor = (dataFolder: string): StartOptions => ({
  dataFolder,
  store: undefined,
  keyfile: undefined,
  seal: undefined,
  passphraseFile: undefined,
  readPassphrase: () => Promise.resolve(new Secret(new Uint8Array(1))),
  port: 0,
  host: '127.0.0.1',
  region: 'us-east-1',
  tls: false,
  tlsHosts: [],
  allowPlainHttp: false,
  auditDurability: 'sync',
  acceptAuditDamage: false,
  logLevel: 'silent',
})

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

export interface StoppedNode {
  readonly state: NodeState
  readonly audit: NodeAudit
  readonly parts: Parameters<typeof openNodeAudit>[2]
}

/** Opens store and log of a node that does not run, for `work`, and closes them as a node does that stops. */
export async function withStoppedNode<T>(
  dataFolder: string,
  clock: Clock,
  work: (node: StoppedNode) => Promise<T>,
): Promise<T> {
  const options = startOptionsFor(dataFolder)
  const parts = { clock, random: createRandom(), log: quiet }
  const state = await openNodeState(options, parts, 'existing')
  const audit = await openNodeAudit(state, options, parts)
  const done = await work({ state, audit, parts })
  await audit.saveHead()
  await audit.log.close()
  await state.close()
  return done
}
