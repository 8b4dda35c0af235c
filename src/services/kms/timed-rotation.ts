import type { Instant } from '../../core/ids.ts'
import type { Key } from '../../core/key.ts'
import type { KeyStore } from '../../core/key-store.ts'
import type { Stored } from '../../core/records.ts'
import { KEYS } from '../../core/tables.ts'
import { resolvedKey } from './key-resolver.ts'
import { isRotationDue, nextDateOf, rotate } from './rotation.ts'
import { doTimedWork, type TimedWorkParts } from './timed-work.ts'

/** How many keys one round looks at. */
const KEYS_PER_ROUND = 100

export interface TimedRotationParts extends TimedWorkParts {
  readonly keystore: KeyStore
}

async function rotateDueKey(
  parts: TimedRotationParts,
  { region, keyId, spec }: Key,
  time: Instant,
): Promise<void> {
  // Drawn before the transaction, which may run more than once.
  const made = await parts.keystore.createMaterial(spec, keyId)
  using _ = made.material
  await doTimedWork(parts, time, async (scope) => {
    const stored = await scope.tx.find(KEYS, [region, keyId])
    if (stored === undefined) return
    const target = resolvedKey(stored, time)
    const schedule = target.key.rotation
    if (schedule === undefined || !isRotationDue(target.key, time)) return
    const rotation = { ...schedule, nextDate: nextDateOf(schedule, time) }
    await rotate(scope, target, 'AUTOMATIC', made, { rotation })
  })
}

/**
 * Rotates every enabled key whose date has come; of dates that were missed, a key that is rotated now
 * makes up for none. Idempotent; to be called again and again.
 * @returns how many were found due
 */
export async function rotateDueKeys(parts: TimedRotationParts): Promise<number> {
  const time = parts.clock.now()
  let found = 0
  let last: Stored<Key> | undefined
  for (;;) {
    const after: readonly (string | number)[] | undefined = last?.record.rotation && [
      last.record.rotation.nextDate,
      ...KEYS.keyOf(last.record),
    ]
    const due = await parts.records.page(KEYS, {
      index: 'by_rotation_date',
      equals: [],
      upTo: time,
      ...(after && { after }),
      limit: KEYS_PER_ROUND,
    })
    for (const { record } of due) await rotateDueKey(parts, record, time)
    found += due.length
    last = due.at(-1)
    if (due.length < KEYS_PER_ROUND) return found
  }
}
