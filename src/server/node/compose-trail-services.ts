import type { KeyObject } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { parseRegion } from '../../core/regions.ts'
import type { PublicError } from '../../pipeline/codec.ts'
import { PageMarkers } from '../../pipeline/page-markers.ts'
import { createCloudTrail } from '../../services/cloudtrail/cloudtrail.ts'
import type { TrailFacts } from '../../services/cloudtrail/cloudtrail-operation.ts'
import { CLOUDTRAIL_MODEL } from '../../services/cloudtrail/model.ts'
import { invalidNextToken } from '../../services/cloudtrail/refusals.ts'
import { S3_MODEL } from '../../services/s3/model.ts'
import { invalidToken } from '../../services/s3/refusals.ts'
import {
  isForBucket,
  pathPrefixOf,
  refusalOf,
  UNSERVED_PARAMETERS,
} from '../../services/s3/requests.ts'
import { createS3 } from '../../services/s3/s3.ts'
import { frontEndErrorOf, ownTextOf } from '../../services/s3/wire-errors.ts'
import type { TrailFiles } from './compose-trail.ts'
import { createJsonCodec } from './json-codec.ts'
import type { NodeParts } from './node.ts'
import { createRestCodec, modelledRestError, type RestError } from './rest-codec.ts'
import type { Route } from './router.ts'

/** Older clients leave out what stands in front of the name. */
const SHORT_TARGET_PREFIX = 'CloudTrail_20131101'

function s3ErrorOf(error: PublicError): RestError {
  const known = frontEndErrorOf(error.code)
  if (known === undefined) {
    const modelled = modelledRestError(error)
    return { ...modelled, message: modelled.message ?? ownTextOf(error.code) }
  }
  const { code, httpStatus, message = error.publicMessage } = known
  return { code, httpStatus, message }
}

/** What CloudTrail tells of the trail of this node. */
const factsOf = ({ signingKeys, delivery }: TrailFiles): TrailFacts => ({
  digestKeys: (from, to) => signingKeys.list(from, to),
  status: (accountId) => delivery.status(accountId),
})

/** CloudTrail and S3, over the trail of this node. */
export function composeTrailServices(
  { trailFiles, search, quotas }: NodeParts,
  markerKey: KeyObject,
): readonly Route[] {
  const { targetPrefix } = CLOUDTRAIL_MODEL
  const homeRegion = parseRegion(trailFiles.homeRegion)
  assert(homeRegion !== undefined, 'a node is in a Region')
  const trails = factsOf(trailFiles)
  const cloudTrail = createCloudTrail({
    codec: createJsonCodec(targetPrefix, SHORT_TARGET_PREFIX),
    search,
    trails,
    markers: new PageMarkers(markerKey, invalidNextToken),
    homeRegion,
    hasQuotas: quotas !== undefined,
  })
  const rules = { pathPrefixOf, refusalOf, unserved: UNSERVED_PARAMETERS }
  const s3 = createS3({
    codec: createRestCodec(S3_MODEL, rules, s3ErrorOf),
    objects: trailFiles.objects,
    markers: new PageMarkers(markerKey, invalidToken),
    homeRegion,
    bucketSince: async (accountId) => (await trails.status(accountId)).since,
  })
  return [
    { service: cloudTrail, targetPrefix },
    { service: cloudTrail, targetPrefix: SHORT_TARGET_PREFIX },
    { service: s3, claims: isForBucket },
  ]
}
