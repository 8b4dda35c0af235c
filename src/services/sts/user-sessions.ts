import type { Principal } from '../../core/principal.ts'

/** Source: AWS STS API Reference, GetSessionToken, GetFederationToken, DurationSeconds. */
const SECONDS_DEFAULT = 43_200
const ROOT_SECONDS_MAX = 3600

/** How long a session of a user or a root, or one that they federate, lasts. A root's is cut, not refused. */
export function userSessionSeconds({ type }: Principal, asked: number = SECONDS_DEFAULT): number {
  return type === 'Account' ? Math.min(asked, ROOT_SECONDS_MAX) : asked
}

/** Whether a caller is in a session that a user or a root got for itself or for somebody else. */
export const isUserSession = ({ type, session }: Principal): boolean =>
  session !== undefined && type !== 'AssumedRole'
