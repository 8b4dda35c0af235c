import { defineOperation } from '../cloudtrail-operation.ts'
import { assertExists, describeTrail, nameTrail, trailPermission } from '../trails.ts'

/**
 * A trail by name or ARN.
 * Source: AWS CloudTrail API Reference, GetTrail.
 */
export const getTrail = defineOperation({
  name: 'GetTrail',
  resolve: ({ Name }, { call, homeRegion }) => nameTrail(Name, call, homeRegion),
  permissions: (_input, { arn }, { call }) => [trailPermission('cloudtrail:GetTrail', arn, call)],
  handle(_input, trail, { call, homeRegion }) {
    assertExists(trail, call)
    return { Trail: describeTrail(call.accountId, homeRegion) }
  },
})
