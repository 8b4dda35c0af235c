import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DrillOptions, DrillReport } from '../../cli/backup-program.ts'
import { createRandom } from '../../crypto/random.ts'
import { machineClock } from '../clocks.ts'
import { nodeFolder } from '../node/node-folder.ts'
import { createOperatorLog } from '../operator/operator-log.ts'
import { proveKeys } from './prove-keys.ts'
import { restoreInto, unsealBackup } from './restored-store.ts'

/**
 * Puts a backup into a scratch store and has every key prove that it works. The scratch store, in which secrets are as
 * wrapped as in any store, is removed. @throws {OperatorError} where the backup does not open
 */
export async function drillBackup(options: DrillOptions): Promise<DrillReport> {
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('warn') }
  const unsealed = await unsealBackup(options.file, options, nodeFolder(options), parts)
  const scratch = mkdtempSync(join(options.scratch ?? tmpdir(), 'strongroom-drill-'))
  try {
    const restored = await restoreInto(join(scratch, 'store.db'), unsealed, { nodeId: undefined })
    try {
      return {
        createdAt: unsealed.backup.header.createdAt,
        records: restored.totals.rows,
        ...(await proveKeys(restored)),
      }
    } finally {
      await restored.rows.close()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
