import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { proveKey } from '../../backup/canaries.ts'
import { canaryName } from '../../backup/restore-backup.ts'
import type { DrillOptions, DrillReport } from '../../cli/program.ts'
import { keyArn } from '../../core/arn.ts'
import { DependencyError } from '../../core/errors.ts'
import type { Key } from '../../core/key.ts'
import type { Stored } from '../../core/records.ts'
import { KEYS } from '../../core/tables.ts'
import { createRandom } from '../../crypto/random.ts'
import { SoftwareKeyStore } from '../../keystore/software/software-key-store.ts'
import { machineClock } from '../clocks.ts'
import { createAsymmetricEngine } from '../node/asymmetric-engine.ts'
import { nodeFolder } from '../node/node-folder.ts'
import { createOperatorLog } from '../operator/operator-log.ts'
import { type RestoredStore, restoreInto, unsealBackup } from './restored-store.ts'

const KEYS_PAGE = 200
/** Keys that the report names of each kind; all are counted. */
const NAMED_MAX = 100

/**
 * Puts a backup into a scratch store and has every key prove that it works. The scratch store, in which secrets are as
 * wrapped as in any store, is removed. @throws {OperatorError} where the backup does not open
 */
export async function drillBackup(options: DrillOptions): Promise<DrillReport> {
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('warn') }
  const unsealed = await unsealBackup(options.file, options, nodeFolder(options), parts)
  const scratch = mkdtempSync(join(options.scratch ?? tmpdir(), 'strongroom-drill-'))
  try {
    const restored = await restoreInto(join(scratch, 'store.db'), unsealed, options.onProgress)
    try {
      return {
        createdAt: unsealed.backup.header.createdAt,
        records: restored.totals.rows,
        ...(await proveAll(restored)),
      }
    } finally {
      await restored.rows.close()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function note(list: { key: string; why: string }[], key: Key, why: string): void {
  if (list.length < NAMED_MAX) list.push({ key: keyArn(key, key.keyId), why })
}

async function proveAll({ records, canaries }: RestoredStore) {
  const engine = createAsymmetricEngine()
  const parts = { records, keystore: new SoftwareKeyStore(createRandom(), engine) }
  const counts = { keys: 0, proved: 0, withoutMaterial: 0, failed: 0 }
  const failures: { key: string; why: string }[] = []
  const absences: { key: string; why: string }[] = []
  try {
    for await (const { record: key } of allKeys(records)) {
      counts.keys += 1
      const canary = canaries.get(canaryName(key.region, key.keyId))
      // A record that is not genuine or a secret that does not open is a failure of this key, not of the drill.
      const proof = await proveKey(parts, key, canary).catch((error: unknown) => {
        if (!(error instanceof DependencyError)) throw error
        return { outcome: 'failed', why: error.message } as const
      })
      if (proof.outcome === 'proved') counts.proved += 1
      else if (proof.outcome === 'failed') {
        counts.failed += 1
        note(failures, key, proof.why)
      } else {
        counts.withoutMaterial += 1
        note(absences, key, proof.why)
      }
    }
    return { ...counts, failures, absences }
  } finally {
    await engine.close()
  }
}

async function* allKeys(records: RestoredStore['records']): AsyncGenerator<Stored<Key>> {
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [], limit: KEYS_PAGE, ...(after && { after }) }
    const page = await records.page(KEYS, query)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < KEYS_PAGE) return
    after = KEYS.keyOf(last.record)
  }
}
