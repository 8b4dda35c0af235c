import { bucketResource, listPermission, resolveBucket } from '../buckets.ts'
import {
  assertEncodingType,
  limitOf,
  listedObjects,
  listedPrefixes,
  listPage,
  nameEncoder,
  ownerOf,
} from '../listing.ts'
import { defineOperation } from '../s3-operation.ts'

/**
 * The objects of a bucket, the way that marks pages by keys.
 * Source: Amazon S3 API Reference, ListObjects.
 */
export const listObjects = defineOperation({
  name: 'ListObjects',
  isDataEvent: true,
  resolve: resolveBucket,
  permissions: (input, bucket) => [listPermission(bucket, input)],
  resources: (bucket) => [bucketResource(bucket)],
  async handle(input, { name, accountId }, { objects }) {
    const { Prefix = '', Delimiter, Marker = '', EncodingType } = input
    assertEncodingType(EncodingType)
    const limit = limitOf(input.MaxKeys)
    const encode = nameEncoder(EncodingType)
    const page = await listPage(objects, accountId, {
      prefix: Prefix,
      delimiter: Delimiter ?? '',
      after: Marker,
      limit,
    })
    return {
      IsTruncated: page.next !== undefined,
      Marker: encode(Marker),
      // Without a delimiter clients go on behind the last key.
      NextMarker: Delimiter === undefined ? undefined : encode(page.next),
      Contents: listedObjects(page.objects, encode, ownerOf(accountId)),
      Name: name,
      Prefix: encode(Prefix),
      Delimiter: encode(Delimiter),
      MaxKeys: limit,
      CommonPrefixes: listedPrefixes(page.prefixes, encode),
      EncodingType,
    }
  },
})
