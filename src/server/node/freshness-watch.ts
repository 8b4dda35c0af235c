import type { Log } from '../../core/ports.ts'
import { type Repetition, repeat } from '../repeat.ts'
import type { Freshness } from './fresh-handler.ts'

const LOOK_MS = 500
/** A node that stood still finds its lease run out, and has a new one by the next look. */
const LOOKS = 3

/**
 * Tells the operator once when the node refuses requests, since it cannot know any more what others
 * have changed, and once when it serves again.
 */
export function watchFreshness(freshness: Freshness, log: Log, lookMs = LOOK_MS): Repetition {
  let stale = 0
  const look = async (): Promise<void> => {
    if (!freshness.isFresh()) {
      stale++
      if (stale === LOOKS) {
        log.error({}, 'the store does not answer: requests are refused until it does')
      }
      return
    }
    if (stale >= LOOKS) log.warn({}, 'the store answers again: requests are served')
    stale = 0
  }
  return repeat(look, lookMs, () => undefined)
}
