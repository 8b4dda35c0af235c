import assert from 'node:assert/strict'
import { parseTrustedKeys } from '../../src/audit/trail/trusted-keys.ts'
import { type VerifyTrailOptions, verifyTrail } from '../../src/audit/trail/verify-trail.ts'
import { instant } from '../../src/core/ids.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  type Change,
  makeKey,
  memoryCopy,
  TRAIL_HOURS,
  TRAIL_START,
} from '../support/trail-maker.ts'

export const HOUR_MS = 3_600_000
export const END = TRAIL_START + TRAIL_HOURS * HOUR_MS
export const KEY = makeKey()
export const FOREIGN = makeKey()
export const KEYS = parseTrustedKeys(KEY.publicPem)
export const UNTIL = instant(END + HOUR_MS / 2)
export const PLACE = { account: ACCOUNT_A, region: 'eu-central-1' }

export type Files = Map<string, Buffer>

export async function findings(
  files: Files,
  options: Partial<VerifyTrailOptions> = {},
): Promise<readonly string[]> {
  const verdict = await verifyTrail(memoryCopy(files), { keys: KEYS, until: UNTIL, ...options })
  assert.equal(verdict.intact, verdict.findings.length === 0)
  return verdict.findings.map(({ file, what }) => `${file.split('/').at(-1)}: ${what}`)
}

/** Each is found by what it says of itself: `expected` stands in some finding. */
export async function isTold(
  files: Files,
  expected: RegExp,
  options?: Partial<VerifyTrailOptions>,
): Promise<void> {
  const found = await findings(files, options)
  assert.ok(
    found.some((text) => expected.test(text)),
    `${expected} is not in:\n${found.join('\n')}`,
  )
}

export const isOf = (account: string, name: string): boolean => name.includes(`/${account}/`)
export const pathOf = (key: string): string => `strongroom-audit-${key.split('/')[1]}/${key}`

/** Changes the digests of one hour of one chain before they are signed. */
export const atHour =
  (hour: number, change: Change): Change =>
  (digest) => {
    const end = new Date(TRAIL_START + (hour + 1) * HOUR_MS).toISOString()
    const isIt =
      digest.awsAccountId === ACCOUNT_B && digest.digestEndTime === `${end.slice(0, 19)}Z`
    if (isIt) change(digest)
  }
