import { TRAIL_NAME } from '../../../audit/trail/trail-format.ts'
import { defineOperation } from '../cloudtrail-operation.ts'
import { invalidToken } from '../refusals.ts'
import { trailArn } from '../trails.ts'

/**
 * The trails of the account, whatever Region is called.
 * Source: AWS CloudTrail API Reference, ListTrails.
 */
export const listTrails = defineOperation({
  name: 'ListTrails',
  resolve: () => undefined,
  permissions: () => [{ action: 'cloudtrail:ListTrails' }],
  handle({ NextToken }, _target, { call, homeRegion }) {
    if (NextToken !== undefined) throw invalidToken()
    const TrailARN = trailArn(call.accountId, homeRegion)
    return { Trails: [{ TrailARN, Name: TRAIL_NAME, HomeRegion: homeRegion }] }
  },
})
