import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aKeyPlace } from '../../../../test/support/key-place.ts'
import { instant } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import { KEY_SPECS, type KeySpec, type KeyUsage } from '../../../core/key-specs.ts'
import { ALIASES } from '../../../core/tables.ts'
import { PREDEFINED_SERVICES } from '../keys/predefined-keys.ts'
import { type GrantOperation, KMS_MODEL } from '../model.ts'
import { assertRoomForKey, KEYS_PER_ACCOUNT_MAX } from '../quotas/key-quota.ts'
import { assertRoomForGrant, GRANTS_PER_KEY_MAX, isGrantable } from './grants.ts'

const aKey = (spec: KeySpec, usage: KeyUsage): Key => ({
  ...aKeyPlace(),
  spec,
  usage,
  origin: 'AWS_KMS',
  description: '',
  createdAt: instant(0),
  state: { name: 'Enabled' },
  tags: {},
  onDemandRotations: 0,
})

const counting = (count: number, managed = 0) => ({
  count: (
    table: unknown,
    query: { readonly equals: readonly unknown[]; readonly atMost: number },
  ) =>
    Promise.resolve(
      table === ALIASES
        ? PREDEFINED_SERVICES.slice(0, managed).filter((service) =>
            query.equals.includes(`alias/aws/${service}`),
          ).length
        : Math.min(count, query.atMost),
    ),
})

const EVERYWHERE = ['CreateGrant', 'DescribeKey', 'RetireGrant']
const SYMMETRIC = [
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
]
const BY_USAGE: Readonly<Record<KeyUsage, readonly string[]>> = {
  ENCRYPT_DECRYPT: ['Decrypt', 'Encrypt', 'GetPublicKey', 'ReEncryptFrom', 'ReEncryptTo'],
  SIGN_VERIFY: ['GetPublicKey', 'Sign', 'Verify'],
  KEY_AGREEMENT: ['DeriveSharedSecret', 'GetPublicKey'],
  GENERATE_VERIFY_MAC: ['GenerateMac', 'VerifyMac'],
  ENCAPSULATE_DECAPSULATE: ['Decapsulate', 'Encapsulate', 'GetPublicKey'],
}

/** Everything that the service model lets a grant name. */
function grantOperations(): readonly GrantOperation[] {
  const list = KMS_MODEL.operations.get('CreateGrant')?.input.members.get('Operations')
  assert.ok(list?.type === 'list' && list.member.type === 'string')
  // The type is generated from this very list.
  return (list.member.enum ?? []) as readonly GrantOperation[]
}

describe('what can be granted', () => {
  for (const [spec, { usages }] of Object.entries(KEY_SPECS)) {
    for (const usage of usages) {
      test(`on ${spec} for ${usage}`, () => {
        // Object.entries widens the keys of the table, which are exactly these.
        const key = aKey(spec as KeySpec, usage)
        const granted = grantOperations().filter((operation) => isGrantable(operation, key))
        const own = spec === 'SYMMETRIC_DEFAULT' ? SYMMETRIC : BY_USAGE[usage]
        assert.deepEqual(granted.toSorted(), [...EVERYWHERE, ...own].toSorted())
      })
    }
  }
})

describe('how many', () => {
  const key = aKey('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')

  test('a key takes 50,000 grants and no more', async () => {
    assert.equal(GRANTS_PER_KEY_MAX, 50_000)
    await assertRoomForGrant(counting(49_999), key)
    await assert.rejects(assertRoomForGrant(counting(50_000), key), {
      code: 'LimitExceededException',
      publicMessage: `The key arn:aws:kms:${key.region}:${key.accountId}:key/${key.keyId} already has 50000 grants.`,
    })
  })

  test('an account takes 100,000 keys in a Region, where AWS quotas are wanted', async () => {
    assert.equal(KEYS_PER_ACCOUNT_MAX, 100_000)
    await assertRoomForKey(counting(100_000), key, undefined)
    await assertRoomForKey(counting(99_999), key, {})
    await assert.rejects(assertRoomForKey(counting(100_000), key, {}), {
      code: 'LimitExceededException',
      publicMessage:
        'Key quota for this account in this region is 100000 but the current usage is 100000.',
    })
  })

  test('and AWS managed keys do not count', async () => {
    await assertRoomForKey(counting(100_000, 1), key, {})
    await assertRoomForKey(counting(100_001, 2), key, {})
    await assert.rejects(assertRoomForKey(counting(100_002, 2), key, {}))
    await assertRoomForGrant(counting(50_000), { ...key, managedBy: 'ssm' })
  })
})
