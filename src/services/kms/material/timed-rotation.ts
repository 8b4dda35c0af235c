import type { Instant } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { KeyStore } from '../../../core/key-store.ts'
import { KEYS } from '../../../core/tables.ts'
import { resolvedKey } from '../keys/key-resolver.ts'
import { type Due, doTimedWork, type TimedWorkParts, workThrough } from '../timed-work.ts'
import { isRotationDue, nextDateOf, rotate } from './rotation.ts'

const DUE: Due<Key> = {
  table: KEYS,
  index: 'by_rotation_date',
  dateOf: ({ rotation }) => rotation?.nextDate,
}

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
 * Rotates every enabled key whose date has come: once, however many dates were missed. Idempotent; to
 * be called again and again.
 * @returns how many were found due
 */
export function rotateDueKeys(parts: TimedRotationParts): Promise<number> {
  const time = parts.clock.now()
  return workThrough(parts, DUE, time, (key) => rotateDueKey(parts, key, time))
}
