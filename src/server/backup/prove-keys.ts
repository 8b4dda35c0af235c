import { proveKey } from '../../backup/canaries.ts'
import { canaryName } from '../../backup/restore-backup.ts'
import type { KeyProofs } from '../../cli/backup-program.ts'
import { keyArn } from '../../core/arn.ts'
import { DependencyError } from '../../core/errors.ts'
import type { Key } from '../../core/key.ts'
import type { Stored } from '../../core/records.ts'
import { KEYS } from '../../core/tables.ts'
import { createRandom } from '../../crypto/random.ts'
import { SoftwareKeyStore } from '../../keystore/software/software-key-store.ts'
import { createAsymmetricEngine } from '../node/asymmetric-engine.ts'
import type { RestoredStore } from './restored-store.ts'

const KEYS_PAGE = 200
/** Keys that are named of each kind; all are counted. */
const NAMED_MAX = 100

function note(list: { key: string; why: string }[], key: Key, why: string): void {
  if (list.length < NAMED_MAX) list.push({ key: keyArn(key, key.keyId), why })
}

/** Has every key of a restored store do again what it did when the backup was made. */
export async function proveKeys(
  { records, canaries }: RestoredStore,
  onProgress?: (keys: number) => void,
): Promise<KeyProofs> {
  const engine = createAsymmetricEngine()
  const parts = { records, keystore: new SoftwareKeyStore(createRandom(), engine) }
  const counts = { keys: 0, proved: 0, withoutMaterial: 0, failed: 0 }
  const failures: { key: string; why: string }[] = []
  const absences: { key: string; why: string }[] = []
  try {
    for await (const { record: key } of allKeys(records)) {
      counts.keys += 1
      const canary = canaries.get(canaryName(key.region, key.keyId))
      // A record that is not genuine or a secret that does not open is a failure of this key, not of all of it.
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
      onProgress?.(counts.keys)
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
