import { assert } from './assert.ts'
import type { Region } from './ids.ts'

/** Source: the public partition metadata of AWS's SDKs (botocore 1.43, partitions and endpoints). */
const REGIONS_BY_PARTITION = {
  aws: [
    'af-south-1',
    'ap-east-1',
    'ap-east-2',
    'ap-northeast-1',
    'ap-northeast-2',
    'ap-northeast-3',
    'ap-south-1',
    'ap-south-2',
    'ap-southeast-1',
    'ap-southeast-2',
    'ap-southeast-3',
    'ap-southeast-4',
    'ap-southeast-5',
    'ap-southeast-6',
    'ap-southeast-7',
    'ca-central-1',
    'ca-west-1',
    'eu-central-1',
    'eu-central-2',
    'eu-north-1',
    'eu-south-1',
    'eu-south-2',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'il-central-1',
    'me-central-1',
    'me-south-1',
    'mx-central-1',
    'sa-east-1',
    'us-east-1',
    'us-east-2',
    'us-west-1',
    'us-west-2',
  ],
  'aws-cn': ['cn-north-1', 'cn-northwest-1'],
  'aws-us-gov': ['us-gov-east-1', 'us-gov-west-1'],
  'aws-iso': ['us-iso-east-1', 'us-iso-west-1'],
  'aws-iso-b': ['us-isob-east-1', 'us-isob-west-1'],
  'aws-iso-e': ['eu-isoe-west-1'],
  'aws-iso-f': ['us-isof-east-1', 'us-isof-south-1'],
  'aws-eusc': ['eusc-de-east-1'],
} as const

export type Partition = keyof typeof REGIONS_BY_PARTITION

const PARTITION_OF: ReadonlyMap<string, Partition> = new Map(
  Object.entries(REGIONS_BY_PARTITION).flatMap(([partition, regions]) =>
    // Object.entries widens the keys of the literal above to string; they are exactly `Partition`.
    regions.map((region) => [region, partition as Partition]),
  ),
)

/** Every Region, partition by partition. */
export const REGIONS: readonly Region[] = [...PARTITION_OF.keys()].map(
  // Membership in the table is what the brand stands for.
  (region) => region as Region,
)

/** The only way to obtain a `Region` from text: one of the Regions that AWS has. */
export const parseRegion = (text: string): Region | undefined =>
  // Membership in the table is what the brand stands for.
  PARTITION_OF.has(text) ? (text as Region) : undefined

/**
 * Where the global services of a partition are: IAM signs, records and judges by this Region.
 * Source: the credential scopes of IAM's endpoints in the public metadata of AWS's SDKs.
 */
const GLOBAL_REGIONS: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-iso': 'us-iso-east-1',
  'aws-iso-b': 'us-isob-east-1',
  'aws-iso-e': 'eu-isoe-west-1',
  'aws-iso-f': 'us-isof-south-1',
  'aws-eusc': 'eusc-de-east-1',
}

/** The only way to obtain a `Partition` from text: `aws`, `aws-cn` and so on. */
export const parsePartition = (text: string): Partition | undefined =>
  // Membership in the table is what the type stands for.
  Object.hasOwn(REGIONS_BY_PARTITION, text) ? (text as Partition) : undefined

/** The Region in which a partition's global services are. */
export function globalRegionIn(partition: Partition): Region {
  const region = parseRegion(GLOBAL_REGIONS[partition])
  assert(region !== undefined, 'the global Region of a partition is one of its Regions')
  return region
}

/** The Region that a global service acts in, whatever Region of the partition it was called for. */
export const globalRegionOf = (region: Region): Region => globalRegionIn(partitionOf(region))

/** The partition that holds a Region. */
export const partitionOf = (region: Region): Partition => PARTITION_OF.get(region) ?? 'aws'
