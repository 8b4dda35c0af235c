import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aKeyPlace } from '../../../../test/support/key-place.ts'
import { instant } from '../../../core/ids.ts'
import type { Grant, GrantConstraints } from '../../../core/tables.ts'
import { delegates } from './grant-binding.ts'

const { accountId, region, keyId } = aKeyPlace()

const parentWith = (constraints?: GrantConstraints): Grant => ({
  region,
  keyId,
  grantId: 'ab'.repeat(32),
  name: '',
  granteePrincipal: `arn:aws:iam::${accountId}:root`,
  operations: ['CreateGrant', 'Encrypt', 'Decrypt'],
  constraints,
  issuingAccount: accountId,
  createdAt: instant(0),
})

describe('a grant that lets its grantee make grants', () => {
  test('gives a part of its operations and no other', () => {
    const parent = parentWith()
    for (const operations of [['Decrypt'], ['Encrypt', 'Decrypt'], ['CreateGrant', 'Encrypt']]) {
      assert.ok(delegates(parent, { operations, constraints: {} }))
    }
    for (const operations of [['Sign'], ['Decrypt', 'GenerateDataKey'], ['DescribeKey']]) {
      assert.ok(!delegates(parent, { operations, constraints: {} }))
    }
  })

  const operations = ['Decrypt']
  for (const [what, parent, child, isAllowed] of [
    ['none', undefined, { encryptionContextSubset: { a: '1' } }, true],
    ['a subset', { encryptionContextSubset: { a: '1' } }, {}, false],
    [
      'the same subset',
      { encryptionContextSubset: { a: '1' } },
      { encryptionContextSubset: { a: '1' } },
      true,
    ],
    [
      'more pairs',
      { encryptionContextSubset: { a: '1' } },
      { encryptionContextSubset: { a: '1', b: '2' } },
      true,
    ],
    [
      'fewer pairs',
      { encryptionContextSubset: { a: '1', b: '2' } },
      { encryptionContextSubset: { a: '1' } },
      false,
    ],
    [
      'another value',
      { encryptionContextSubset: { a: '1' } },
      { encryptionContextSubset: { a: '2' } },
      false,
    ],
    [
      'names in another case',
      { encryptionContextSubset: { Dept: '1' } },
      { encryptionContextSubset: { dept: '1' } },
      true,
    ],
    [
      'exact from a subset',
      { encryptionContextSubset: { a: '1' } },
      { encryptionContextEquals: { a: '1', b: '2' } },
      true,
    ],
    [
      'exact without the subset',
      { encryptionContextSubset: { a: '1' } },
      { encryptionContextEquals: { b: '2' } },
      false,
    ],
    [
      'the same exact',
      { encryptionContextEquals: { a: '1' } },
      { encryptionContextEquals: { a: '1' } },
      true,
    ],
    [
      'more than exact',
      { encryptionContextEquals: { a: '1' } },
      { encryptionContextEquals: { a: '1', b: '2' } },
      false,
    ],
    [
      'a subset from exact',
      { encryptionContextEquals: { a: '1' } },
      { encryptionContextSubset: { a: '1' } },
      false,
    ],
    ['a source added', undefined, { sourceArn: 'arn:aws:sns:x:1:t' }, true],
    [
      'the same source',
      { sourceArn: 'arn:aws:sns:x:1:t' },
      { sourceArn: 'arn:aws:sns:x:1:t' },
      true,
    ],
    [
      'another source',
      { sourceArn: 'arn:aws:sns:x:1:t' },
      { sourceArn: 'arn:aws:sns:x:1:u' },
      false,
    ],
    ['no source', { sourceArn: 'arn:aws:sns:x:1:t' }, {}, false],
  ] as const) {
    test(`${isAllowed ? 'takes' : 'refuses'} constraints: ${what}`, () => {
      assert.equal(delegates(parentWith(parent), { operations, constraints: child }), isAllowed)
    })
  }
})
