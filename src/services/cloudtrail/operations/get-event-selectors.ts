import { defineOperation } from '../cloudtrail-operation.ts'
import { assertExists, nameTrail, trailArn, trailPermission } from '../trails.ts'

/**
 * What a trail records: every management event.
 * Source: AWS CloudTrail API Reference, GetEventSelectors.
 */
export const getEventSelectors = defineOperation({
  name: 'GetEventSelectors',
  resolve: ({ TrailName }, { call, homeRegion }) => nameTrail(TrailName, call, homeRegion),
  permissions: (_input, { arn }, { call }) => [
    trailPermission('cloudtrail:GetEventSelectors', arn, call),
  ],
  handle(_input, trail, { call, homeRegion }) {
    assertExists(trail, call)
    return {
      TrailARN: trailArn(call.accountId, homeRegion),
      EventSelectors: [
        {
          ReadWriteType: 'All' as const,
          IncludeManagementEvents: true,
          DataResources: [],
          ExcludeManagementEventSources: [],
        },
      ],
    }
  },
})
