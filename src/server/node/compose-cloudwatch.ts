import type { KeyObject } from 'node:crypto'
import { PageMarkers } from '../../pipeline/page-markers.ts'
import { createCloudWatch } from '../../services/cloudwatch/cloudwatch.ts'
import { CLOUDWATCH_MODEL } from '../../services/cloudwatch/model.ts'
import { invalidListToken, invalidNextToken } from '../../services/cloudwatch/refusals.ts'
import type { NodeParts } from './node.ts'
import { createQueryCompatibleCodecs, protocolOf } from './query-compatible-codecs.ts'
import type { Route } from './router.ts'

/** CloudWatch over each of the protocols that its clients speak: the same service three times. */
export function composeCloudWatch(
  { search, quotas }: Pick<NodeParts, 'search' | 'quotas'>,
  markerKey: KeyObject,
): Route {
  const codecs = createQueryCompatibleCodecs(CLOUDWATCH_MODEL, 'com.amazonaws.cloudwatch')
  const markers = {
    ofList: new PageMarkers(markerKey, invalidListToken),
    ofData: new PageMarkers(markerKey, invalidNextToken),
  }
  const query = createCloudWatch({
    codec: codecs.query,
    markers,
    search,
    hasQuotas: quotas !== undefined,
  })
  const services = {
    query,
    json: { ...query, codec: codecs.json },
    cbor: { ...query, codec: codecs.cbor },
  }
  return {
    service: query,
    targetPrefix: CLOUDWATCH_MODEL.targetPrefix,
    query: CLOUDWATCH_MODEL.query,
    choose: (request) => services[protocolOf(request)],
  }
}
