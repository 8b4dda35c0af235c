import { hash } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { accountOfBucket, bucketOf } from './trail-format.ts'
import type { TrailObject, TrailObjects } from './trail-objects.ts'

/** Unit: bytes of bodies. */
const BYTES_MAX = 268_435_456

const infoOf = ({ key, sizeBytes, modifiedAt, etag }: TrailObject) => ({
  key,
  sizeBytes,
  modifiedAt,
  etag,
})

const nameOf = (accountId: string, key: string): string => `${accountId} ${key}`

/**
 * The trail in memory, for `strongroom dev`: nothing outlives the process.
 * @param bytesMax beyond this the oldest objects are dropped
 */
export function memoryTrailObjects(bytesMax: number = BYTES_MAX): TrailObjects {
  /** By account and key, oldest first. */
  const objects = new Map<string, { readonly accountId: string; readonly object: TrailObject }>()
  let bytes = 0
  const drop = (name: string): void => {
    bytes -= objects.get(name)?.object.sizeBytes ?? 0
    objects.delete(name)
  }
  return {
    put: async (accountId, { key, body, metadata, modifiedAt }) => {
      assert(accountOfBucket(bucketOf(accountId)) !== undefined, `${accountId} is no account`)
      const name = nameOf(accountId, key)
      drop(name)
      const etag = hash('md5', body, 'hex')
      const object = { key, body, metadata, modifiedAt, sizeBytes: body.length, etag }
      objects.set(name, { accountId, object })
      bytes += body.length
      for (const oldest of objects.keys()) {
        if (bytes <= bytesMax || oldest === name) break
        drop(oldest)
      }
    },
    get: async (accountId, key) => objects.get(nameOf(accountId, key))?.object,
    list: async (accountId, { prefix, after = '', limit }) =>
      [...objects.values()]
        .filter((held) => held.accountId === accountId)
        .map(({ object }) => infoOf(object))
        .filter(({ key }) => key.startsWith(prefix) && key > after)
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .slice(0, limit),
    remove: async (accountId, key) => drop(nameOf(accountId, key)),
    accounts: async () => [...new Set([...objects.values()].map((held) => held.accountId))].sort(),
  }
}
