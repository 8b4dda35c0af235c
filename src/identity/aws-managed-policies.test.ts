import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AWS_MANAGED_POLICIES,
  awsManagedPolicyArn,
  findAwsManagedPolicy,
} from './aws-managed-policies.ts'

describe('the managed policies of AWS', () => {
  test('have names and ids of their own, and a version that holds', () => {
    const names = AWS_MANAGED_POLICIES.map(({ name }) => name)
    assert.deepEqual(names, [...new Set(names)].sort())
    const ids = AWS_MANAGED_POLICIES.map(({ policyId }) => policyId)
    assert.equal(new Set(ids).size, ids.length)
    for (const {
      policyId,
      defaultVersionId,
      versions,
      createdAt,
      updatedAt,
    } of AWS_MANAGED_POLICIES) {
      assert.match(policyId, /^ANPA[A-Z0-9]{17}$/)
      assert.deepEqual(
        versions.map(({ versionId }) => versionId),
        [defaultVersionId],
      )
      assert.ok(createdAt <= updatedAt)
    }
  })

  test('are found by ARN in every partition', () => {
    for (const partition of ['aws', 'aws-cn', 'aws-us-gov'] as const) {
      for (const policy of AWS_MANAGED_POLICIES) {
        assert.equal(findAwsManagedPolicy(awsManagedPolicyArn(partition, policy)), policy)
      }
    }
    assert.equal(
      findAwsManagedPolicy('arn:aws:iam::aws:policy/AdministratorAccess')?.name,
      'AdministratorAccess',
    )
    assert.equal(
      findAwsManagedPolicy('arn:aws:iam::aws:policy/job-function/ViewOnlyAccess')?.name,
      'ViewOnlyAccess',
    )
  })

  for (const arn of [
    '',
    'AdministratorAccess',
    'arn:aws:iam::aws:policy/administratoraccess',
    'arn:aws:iam::aws:policy/ViewOnlyAccess',
    'arn:aws:iam::aws:policy/constructor',
    'arn:aws:iam::111122223333:policy/AdministratorAccess',
    'arn:aws:iam::aws:role/AdministratorAccess',
  ]) {
    test(`${arn === '' ? 'nothing' : arn} is none of them`, () => {
      assert.equal(findAwsManagedPolicy(arn), undefined)
    })
  }
})
