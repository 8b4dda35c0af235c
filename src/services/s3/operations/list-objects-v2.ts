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
 * The objects of a bucket, the way that marks pages by tokens.
 * Source: Amazon S3 API Reference, ListObjectsV2.
 */
export const listObjectsV2 = defineOperation({
  name: 'ListObjectsV2',
  isDataEvent: true,
  resolve: resolveBucket,
  permissions: (input, bucket) => [listPermission(bucket, input)],
  resources: (bucket) => [bucketResource(bucket)],
  async handle(input, { name, accountId }, { call, objects, markers }) {
    const { Prefix = '', Delimiter, StartAfter, ContinuationToken, EncodingType } = input
    assertEncodingType(EncodingType)
    const limit = limitOf(input.MaxKeys)
    const encode = nameEncoder(EncodingType)
    const listing = JSON.stringify([name, Prefix, Delimiter])
    const [after = ''] =
      ContinuationToken === undefined
        ? [StartAfter]
        : markers.decode(call, listing, ContinuationToken)
    const page = await listPage(objects, accountId, {
      prefix: Prefix,
      delimiter: Delimiter ?? '',
      after,
      limit,
    })
    return {
      IsTruncated: page.next !== undefined,
      Contents: listedObjects(
        page.objects,
        encode,
        input.FetchOwner === true ? ownerOf(accountId) : undefined,
      ),
      Name: name,
      Prefix: encode(Prefix),
      Delimiter: encode(Delimiter),
      MaxKeys: limit,
      CommonPrefixes: listedPrefixes(page.prefixes, encode),
      EncodingType,
      KeyCount: page.objects.length + page.prefixes.length,
      ContinuationToken,
      NextContinuationToken:
        page.next === undefined ? undefined : markers.encode(call, listing, [page.next]),
      StartAfter: encode(StartAfter),
    }
  },
})
