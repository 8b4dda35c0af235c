import type { AuditSearch } from '../../core/audit-search.ts'
import type { Region } from '../../core/ids.ts'
import { CallRate } from '../../pipeline/call-rate.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { AnyOperation } from '../../pipeline/operation.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { Service } from '../../pipeline/service.ts'
import type { CloudTrailScope, TrailFacts } from './cloudtrail-operation.ts'
import { CLOUDTRAIL_MODEL, type OperationName } from './model.ts'
import { CHANGES } from './operations/changes.ts'
import { describeTrails } from './operations/describe-trails.ts'
import { getEventSelectors } from './operations/get-event-selectors.ts'
import { getInsightSelectors } from './operations/get-insight-selectors.ts'
import { getTrail } from './operations/get-trail.ts'
import { getTrailStatus } from './operations/get-trail-status.ts'
import { listPublicKeys } from './operations/list-public-keys.ts'
import { listTags } from './operations/list-tags.ts'
import { listTrails } from './operations/list-trails.ts'
import { lookupEvents } from './operations/lookup-events.ts'
import { rateExceeded } from './refusals.ts'

export interface CloudTrailParts {
  readonly codec: Codec
  readonly search: AuditSearch
  readonly trails: TrailFacts
  readonly markers: PageMarkers
  readonly homeRegion: Region
  /** Whether calls are held to AWS's rates. */
  readonly hasQuotas: boolean
}

/** In a second, for each account and Region. Source: AWS CloudTrail User Guide, quotas. */
const RATES: ReadonlyMap<string, number> = new Map([['LookupEvents', 2]])

const OPERATIONS: Readonly<Record<OperationName, AnyOperation>> = {
  ...CHANGES,
  DescribeTrails: describeTrails,
  GetEventSelectors: getEventSelectors,
  GetInsightSelectors: getInsightSelectors,
  GetTrail: getTrail,
  GetTrailStatus: getTrailStatus,
  ListPublicKeys: listPublicKeys,
  ListTags: listTags,
  ListTrails: listTrails,
  LookupEvents: lookupEvents,
}

/** CloudTrail as far as it takes to look events up and to verify the trail. */
export function createCloudTrail({ codec, hasQuotas, ...parts }: CloudTrailParts): Service {
  return {
    name: CLOUDTRAIL_MODEL.service,
    eventSource: 'cloudtrail.amazonaws.com',
    codec,
    operations: new Map(Object.entries(OPERATIONS)),
    internalError: 'InternalFailure',
    throttle: hasQuotas ? new CallRate(RATES, rateExceeded).count : undefined,
    openScope: (scope): CloudTrailScope => ({ ...scope, ...parts }),
  }
}
