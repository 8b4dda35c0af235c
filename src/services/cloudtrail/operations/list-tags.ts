import { defineOperation } from '../cloudtrail-operation.ts'
import { invalidToken, invalidTrailArn, unknownResource } from '../refusals.ts'
import { nameTrail, trailPermission } from '../trails.ts'

/**
 * The tags of trails: there are none.
 * Source: AWS CloudTrail API Reference, ListTags.
 */
export const listTags = defineOperation({
  name: 'ListTags',
  resolve: ({ ResourceIdList }, { call, homeRegion }) =>
    ResourceIdList.map((arn) => {
      if (!arn.startsWith('arn:')) throw invalidTrailArn(arn)
      return nameTrail(arn, call, homeRegion)
    }),
  permissions: (_input, named, { call }) =>
    named.map(({ arn }) => trailPermission('cloudtrail:ListTags', arn, call)),
  handle({ NextToken }, named) {
    if (NextToken !== undefined) throw invalidToken()
    const missing = named.find(({ exists }) => !exists)
    if (missing !== undefined) throw unknownResource(missing.arn)
    return { ResourceTagList: named.map(({ arn }) => ({ ResourceId: arn, TagsList: [] })) }
  },
})
