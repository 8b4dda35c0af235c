import { defineOperation } from '../cloudtrail-operation.ts'
import { invalidTrailName, noInsights } from '../refusals.ts'
import { assertExists, nameTrail, trailPermission } from '../trails.ts'

/**
 * Which insights a trail makes: none, which CloudTrail answers with an error.
 * Source: AWS CloudTrail API Reference, GetInsightSelectors.
 */
export const getInsightSelectors = defineOperation({
  name: 'GetInsightSelectors',
  check({ TrailName }) {
    if (TrailName === undefined) throw invalidTrailName('Trail name cannot be blank!')
  },
  resolve: ({ TrailName = '' }, { call, homeRegion }) => nameTrail(TrailName, call, homeRegion),
  permissions: (_input, { arn }, { call }) => [
    trailPermission('cloudtrail:GetInsightSelectors', arn, call),
  ],
  handle(_input, trail, { call }) {
    assertExists(trail, call)
    throw noInsights()
  },
})
