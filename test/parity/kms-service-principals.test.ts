import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asServicePrincipal, onBehalfOf } from '../../src/pipeline/service-callers.ts'
import { accountId } from '../support/principals.ts'
import {
  ACCOUNT,
  denied,
  MANAGE,
  OTHER,
  OWN,
  policyOf,
  REGION,
  ROOT,
  refusal,
  ServiceBench,
  statement,
} from '../support/service-bench.ts'
import { membersOf, succeeded, textOf } from '../support/wire-client.ts'

describe('a service as itself', () => {
  let bench: ServiceBench

  before(async () => {
    bench = await ServiceBench.open()
  })
  after(() => bench.close())

  const errand = {
    service: 'logs',
    region: REGION,
    sourceArn: `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:app`,
    sourceAccount: accountId(ACCOUNT),
  }
  const source = {
    ArnLike: { 'aws:SourceArn': `arn:aws:logs:*:${ACCOUNT}:log-group:app` },
    StringEquals: { 'aws:SourceAccount': ACCOUNT },
    Null: { 'kms:ViaService': 'true', 'aws:CalledVia': 'true', 'aws:PrincipalAccount': 'true' },
    Bool: { 'aws:PrincipalIsAWSService': 'true', 'aws:ViaAWSService': 'false' },
    'ForAnyValue:StringEquals': { 'aws:PrincipalServiceNamesList': 'logs.amazonaws.com' },
  }

  test('is allowed by a key policy that names it, for the source that it acts for', async () => {
    for (const name of ['logs.amazonaws.com', 'logs.eu-central-1.amazonaws.com']) {
      const keyId = await bench.keyWith(OWN, statement({ Service: name }, 'kms:Encrypt', source))
      await bench.encrypt(asServicePrincipal(errand), keyId)
      const identity = membersOf(bench.lastRecord('Encrypt'), 'userIdentity')
      assert.deepEqual(identity, {
        type: 'AWSService',
        invokedBy: 'logs.eu-central-1.amazonaws.com',
      })
      await assert.rejects(
        bench.encrypt(asServicePrincipal({ ...errand, sourceArn: `${errand.sourceArn}2` }), keyId),
        denied(/no resource-based policy/),
      )
      await assert.rejects(
        bench.encrypt(asServicePrincipal({ ...errand, sourceAccount: accountId(OTHER) }), keyId),
        denied(/does not exist in this Region/),
      )
      await assert.rejects(
        bench.encrypt(asServicePrincipal({ ...errand, service: 'sns' }), keyId),
        denied(/no resource-based policy/),
      )
    }
  })

  test('is let in neither by its account nor as everybody', async () => {
    for (const principal of [{ AWS: ROOT }, { AWS: '*' }, '*']) {
      const keyId = await bench.keyWith(OWN, statement(principal, 'kms:Encrypt'))
      await assert.rejects(
        bench.encrypt(asServicePrincipal(errand), keyId),
        denied(/no resource-based/),
      )
    }
  })

  test('never lets in a user who calls through the service', async () => {
    const keyId = await bench.keyWith(MANAGE, statement({ Service: 'logs.amazonaws.com' }, 'kms:*'))
    await assert.rejects(
      bench.encrypt(onBehalfOf(bench.user, 'logs'), keyId),
      denied(/no resource-based/),
    )
  })

  test('uses and lists the grants to it, for the source of their constraint alone', async () => {
    const keyId = await bench.keyWith(OWN)
    const name = 'logs.eu-central-1.amazonaws.com'
    const made = succeeded(
      await bench.kms.kms('CreateGrant', {
        KeyId: keyId,
        GranteeServicePrincipal: name,
        RetiringServicePrincipal: name,
        Operations: ['Encrypt'],
        Constraints: { SourceArn: errand.sourceArn },
      }),
    )
    const origin = asServicePrincipal(errand)
    await bench.encrypt(origin, keyId)
    await assert.rejects(
      bench.encrypt(asServicePrincipal({ ...errand, sourceArn: `${errand.sourceArn}2` }), keyId),
      denied(/no resource-based policy/),
    )
    const retirable = { RetiringServicePrincipal: name }
    const listed = await bench.node.kms.call(origin, 'ListRetirableGrants', retirable)
    assert.deepEqual(
      listed.Grants?.map(({ GrantId }) => GrantId),
      [textOf(made, 'GrantId')],
    )
    const foreign = { RetiringServicePrincipal: 'sns.amazonaws.com' }
    for (const attempt of [
      bench.node.kms.call(origin, 'ListRetirableGrants', foreign),
      bench.node.kms.call(onBehalfOf(bench.user, 'logs'), 'ListRetirableGrants', retirable),
      bench.node.kms.call(onBehalfOf(bench.user, 'logs'), 'ListGrants', {
        KeyId: keyId,
        GranteeServicePrincipal: name,
      }),
    ]) {
      await assert.rejects(attempt, refusal('ValidationException'))
    }
    const readers = statement({ Service: name }, 'kms:ListGrants')
    succeeded(await bench.kms.kms('PutKeyPolicy', { KeyId: keyId, Policy: policyOf(OWN, readers) }))
    const grants = await bench.node.kms.call(origin, 'ListGrants', {
      KeyId: keyId,
      GranteeServicePrincipal: name,
    })
    assert.equal(grants.Grants?.length, 1)
    await bench.node.kms.call(origin, 'RetireGrant', {
      KeyId: keyId,
      GrantId: textOf(made, 'GrantId'),
    })
    await assert.rejects(bench.encrypt(origin, keyId), denied(/no resource-based policy/))
  })
})
