import assert from 'node:assert/strict'
import { parseArn } from '../../src/core/arn.ts'
import type { Secret } from '../../src/core/secret.ts'
import { BACKING_KEYS } from '../../src/core/tables.ts'
import type { MemoryNode } from './memory-node.ts'

/** The current key material of a key, taken out of the store behind the service's back; the caller owns it. */
export async function materialOf({ records }: MemoryNode, keyArn: string): Promise<Secret> {
  const arn = parseArn(keyArn)
  assert.ok(arn)
  const equals = [arn.region, arn.resource.slice('key/'.length)]
  const found = await records.page(BACKING_KEYS, { index: 'key', equals, limit: 100 })
  const current = found.find(({ record }) => record.state === 'CURRENT')
  assert.ok(current, 'the key has material')
  return records.unwrap(BACKING_KEYS, current)
}
