import { defineOperation } from '../cloudtrail-operation.ts'
import { invalidToken, startAfterEnd } from '../refusals.ts'

/**
 * The keys that digests of a time range were signed with; of this moment where no range is given.
 * Source: AWS CloudTrail API Reference, ListPublicKeys.
 */
export const listPublicKeys = defineOperation({
  name: 'ListPublicKeys',
  resolve: () => undefined,
  permissions: () => [{ action: 'cloudtrail:ListPublicKeys' }],
  async handle({ StartTime, EndTime, NextToken }, _target, { call, trails }) {
    if (NextToken !== undefined) throw invalidToken()
    const to = EndTime ?? call.time
    const from = StartTime ?? call.time
    if (from > to) throw startAfterEnd()
    const keys = await trails.digestKeys(from, to)
    return {
      PublicKeyList: keys.map(({ value, fingerprint, validFrom, validTo }) => ({
        Value: Buffer.from(value, 'base64'),
        ValidityStartTime: validFrom,
        ValidityEndTime: validTo,
        Fingerprint: fingerprint,
      })),
    }
  },
})
