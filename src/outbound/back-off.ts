import type { Random } from '../core/ports.ts'

const FIRST_MS = 1000
const LONGEST_MS = 300_000

/**
 * How long to wait after so many failures in a row: twice as long each time, from a second to five minutes, of
 * which a random half is left out, so that what failed together is not tried together. Unit: milliseconds.
 */
export function backOffMs(failures: number, random: Random): number {
  const whole = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 30), LONGEST_MS)
  const [byte = 0] = random.bytes(1)
  return Math.round(whole * (0.5 + byte / 510))
}
