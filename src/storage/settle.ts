import { AssertionFailure } from '../core/assert.ts'

/** What became of a unit of work. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }

/**
 * Runs a unit of work that may await nothing but what settles without the event loop turning, and
 * says what became of it. One that still hangs after a turn awaits something foreign: it held the
 * only writer and might hold it for ever, so it fails with an `AssertionFailure` in its outcome.
 * Never rejects.
 */
export function settleWithinTurn<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    // The immediate runs after every microtask that the work could have been waiting for.
    const turn = setImmediate(() => {
      resolve({
        ok: false,
        error: new AssertionFailure(
          'a transaction awaited something other than its own methods and was rolled back',
        ),
      })
    })
    const settle = (outcome: Outcome<T>): void => {
      clearImmediate(turn)
      resolve(outcome)
    }
    start(work).then(
      (value) => settle({ ok: true, value }),
      (error: unknown) => settle({ ok: false, error }),
    )
  })
}

/** Makes a synchronous throw of `work` a rejection. */
async function start<T>(work: () => Promise<T>): Promise<T> {
  return work()
}
