import type { Instant } from '../core/ids.ts'

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** A date as CloudTrail writes it inside parameters and elements: `Aug 10, 2022, 10:38:27 PM`, in UTC. */
export function auditDate(time: Instant): string {
  const date = new Date(time)
  const hour = date.getUTCHours()
  const clock = `${hour % 12 === 0 ? 12 : hour % 12}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())}`
  return `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}, ${clock} ${hour < 12 ? 'AM' : 'PM'}`
}
