import { AssertionFailure } from '../../core/assert.ts'
import type { Outcome } from '../settle.ts'

/** How often a work that waits is looked at. */
const LOOK_MS = 20
/** Looks in a row at which the work waited for none of its own methods, while reads of others went on. */
const IDLE_LOOKS_MAX = 25

/** What a work waits for, as far as the store can see. */
export interface WorkActivity {
  /** Whether a method of its transaction waits for its answer. */
  isBusy(): boolean
  /** How many methods it has called. */
  started(): number
  /** Whether reads of the store are under way, which may be the work's. */
  isReading(): boolean
}

/**
 * Runs a unit of work that may await nothing but its transaction's methods and reads of the store,
 * and says what became of it. One that awaits something else holds up every writer of every node,
 * for as long as that takes: it fails with an `AssertionFailure` in its outcome. Never rejects.
 */
export function settleWork<T>(work: () => Promise<T>, activity: WorkActivity): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    let settled = false
    let idleLooks = 0
    let startedBefore = -1
    const settle = (outcome: Outcome<T>): void => {
      settled = true
      resolve(outcome)
    }
    // Between turns of the event loop a work that goes on has a method under way: what it does in
    // between, it does in microtasks.
    const look = (): void => {
      if (settled) return
      const started = activity.started()
      const isIdle = !activity.isBusy() && started === startedBefore
      idleLooks = isIdle ? idleLooks + 1 : 0
      startedBefore = started
      if (idleLooks > (activity.isReading() ? IDLE_LOOKS_MAX : 0)) {
        settle({
          ok: false,
          error: new AssertionFailure(
            'a transaction awaited something other than its own methods and was rolled back',
          ),
        })
      } else if (activity.isBusy() || idleLooks > 0) setTimeout(look, LOOK_MS)
      else setImmediate(look)
    }
    start(work).then(
      (value) => settle({ ok: true, value }),
      (error: unknown) => settle({ ok: false, error }),
    )
    setImmediate(look)
  })
}

/** Makes a synchronous throw of `work` a rejection. */
async function start<T>(work: () => Promise<T>): Promise<T> {
  return work()
}
