import { isoSeconds } from '../../../audit/trail/trail-format.ts'
import type { Instant } from '../../../core/ids.ts'
import { defineOperation } from '../cloudtrail-operation.ts'
import { assertExists, nameTrail, trailPermission } from '../trails.ts'

const dateText = (time: Instant | undefined): string => (time === undefined ? '' : isoSeconds(time))

/**
 * Since when a trail records, and how far it has been delivered.
 * Source: AWS CloudTrail API Reference, GetTrailStatus; the members with texts are its older ones.
 */
export const getTrailStatus = defineOperation({
  name: 'GetTrailStatus',
  resolve: ({ Name }, { call, homeRegion }) => nameTrail(Name, call, homeRegion),
  permissions: (_input, { arn }, { call }) => [
    trailPermission('cloudtrail:GetTrailStatus', arn, call),
  ],
  async handle(_input, trail, { call, trails }) {
    assertExists(trail, call)
    const { since, latestDelivery, latestDigest } = await trails.status(call.accountId)
    return {
      IsLogging: true,
      LatestDeliveryTime: latestDelivery,
      StartLoggingTime: since,
      LatestDigestDeliveryTime: latestDigest,
      LatestDeliveryAttemptTime: dateText(latestDelivery),
      LatestNotificationAttemptTime: '',
      LatestNotificationAttemptSucceeded: '',
      LatestDeliveryAttemptSucceeded: dateText(latestDelivery),
      TimeLoggingStarted: dateText(since),
      TimeLoggingStopped: '',
    }
  },
})
