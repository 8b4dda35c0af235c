import { TRAIL_NAME } from '../../../audit/trail/trail-format.ts'
import { defineOperation } from '../cloudtrail-operation.ts'
import { describeTrail, nameTrail } from '../trails.ts'

/**
 * The trails that record the Region that is called: the one of the account, outside of its home Region as a shadow.
 * Source: AWS CloudTrail API Reference, DescribeTrails.
 */
export const describeTrails = defineOperation({
  name: 'DescribeTrails',
  resolve: ({ trailNameList = [] }, { call, homeRegion }) =>
    trailNameList.map((name) => nameTrail(name, call, homeRegion)),
  permissions: () => [{ action: 'cloudtrail:DescribeTrails' }],
  handle({ includeShadowTrails = true }, named, { call, homeRegion }) {
    const isShadow = call.region !== homeRegion
    const isNamed =
      named.length === 0 ||
      named.some(({ given, exists }) => exists || (isShadow && given === TRAIL_NAME))
    const isShown = isNamed && (includeShadowTrails || !isShadow)
    return { trailList: isShown ? [describeTrail(call.accountId, homeRegion)] : [] }
  },
})
