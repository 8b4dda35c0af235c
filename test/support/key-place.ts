import assert from 'node:assert/strict'
import {
  type AccountId,
  type KeyId,
  parseAccountId,
  parseKeyId,
  type Region,
} from '../../src/core/ids.ts'
import { parseRegion } from '../../src/core/regions.ts'

/** Account, Region and id of some key; the parts that matter to a test can be named. */
export function aKeyPlace(
  parts: { readonly accountId?: string; readonly region?: string; readonly keyId?: string } = {},
): { readonly accountId: AccountId; readonly region: Region; readonly keyId: KeyId } {
  const accountId = parseAccountId(parts.accountId ?? '111122223333')
  const region = parseRegion(parts.region ?? 'eu-central-1')
  const keyId = parseKeyId(parts.keyId ?? 'mrk-00000000000000000000000000000001')
  assert.ok(accountId && region && keyId)
  return { accountId, region, keyId }
}
