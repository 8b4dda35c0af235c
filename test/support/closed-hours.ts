import { instant } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { openNodeTrail } from '../../src/server/node/compose-trail.ts'
import { openNodeAudit } from '../../src/server/node/node-audit.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { createOperatorLog } from '../../src/server/operator/operator-log.ts'

/**
 * Closes the hours of a stopped node's trail as if it had been opened at `time`, which a node that goes by the machine's clock
 * would have to be waited for.
 */
export async function closeHours(
  dataFolder: string,
  time: number,
  homeRegion: string,
): Promise<void> {
  const log = createOperatorLog('silent')
  const parts = { clock: { now: () => instant(time) }, random: createRandom(), log }
  const folder = {
    dataFolder,
    store: undefined,
    keyfile: undefined,
    seal: undefined,
    passphraseFile: undefined,
    readPassphrase: () => Promise.resolve(new Secret(new Uint8Array(1))),
  }
  const state = await openNodeState(folder, parts, 'existing')
  try {
    const durability = { auditDurability: 'sync', acceptAuditDamage: false } as const
    const audit = await openNodeAudit(state, durability, parts)
    try {
      const { delivery } = openNodeTrail(state, audit, { ...parts, homeRegion })
      await delivery.closeDueHours(instant(time))
      await delivery.close()
    } finally {
      await audit.log.close()
    }
  } finally {
    await state.close()
  }
}
