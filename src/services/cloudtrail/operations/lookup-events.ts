import { defineOperation } from '../cloudtrail-operation.ts'
import { describeEvent, parseLookup } from '../lookup.ts'

/**
 * The management events of the account in a Region, newest first.
 * Source: AWS CloudTrail API Reference, LookupEvents.
 */
export const lookupEvents = defineOperation({
  name: 'LookupEvents',
  resolve: (input, { call }) => parseLookup(input, call),
  permissions: () => [{ action: 'cloudtrail:LookupEvents' }],
  async handle(
    { NextToken },
    { filter, limit, listing, isForInsights },
    { call, search, markers },
  ) {
    const [after] = NextToken === undefined ? [] : markers.decode(call, listing, NextToken)
    if (isForInsights) return { Events: [] }
    const { events, next } = await search.search({ ...filter, order: 'newest-first', after, limit })
    return {
      Events: events.map(describeEvent),
      NextToken: next === undefined ? undefined : markers.encode(call, listing, [next]),
    }
  },
})
