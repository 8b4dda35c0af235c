import { isUseOfKey } from '../../kms/api.ts'
import { countByPeriod } from './buckets.ts'
import {
  type DimensionValues,
  hasNames,
  type MetricScope,
  type MetricSource,
} from './metric-source.ts'

const OPERATIONS_MAX = 1000

const eventsOf = ({ place }: MetricScope) => ({
  accountId: place.accountId,
  region: place.region,
  eventSource: 'kms.amazonaws.com',
})

const dimensionsOf = (Resource: string): DimensionValues => ({
  Service: 'KMS',
  Type: 'API',
  Resource,
  Class: 'None',
})

/**
 * How often each operation of KMS was called, however it ended. AWS counts the cryptographic ones by kinds of keys,
 * which records do not tell: they are not there.
 */
export const CALL_COUNT: MetricSource = {
  namespace: 'AWS/Usage',
  name: 'CallCount',
  unit: 'None',
  async list(scope, since) {
    const counted = await scope.search.counts({
      ...eventsOf(scope),
      from: since,
      by: ['operation'],
      limit: OPERATIONS_MAX,
    })
    return counted
      .map(({ values: [operation = ''] }) => operation)
      .filter((operation) => !isUseOfKey(operation))
      .map(dimensionsOf)
  },
  async read(scope, dimensions, periods) {
    const { Service, Type, Class, Resource = '' } = dimensions
    const isKnown =
      hasNames(dimensions, 'Service', 'Type', 'Resource', 'Class') &&
      Service === 'KMS' &&
      Type === 'API' &&
      Class === 'None' &&
      !isUseOfKey(Resource)
    if (!isKnown) return []
    return countByPeriod(async (from, to) => {
      const [counted] = await scope.search.counts({
        ...eventsOf(scope),
        eventName: Resource,
        from,
        to,
        by: [],
        limit: 1,
      })
      return counted
    }, periods)
  },
}
