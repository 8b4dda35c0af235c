import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  asInfrastructure,
  infrastructureArn,
  onBehalfOf,
} from '../../src/pipeline/service-callers.ts'
import { RequestQuotas } from '../../src/services/kms/quotas/request-quotas.ts'
import { startMemoryNode } from '../support/memory-node.ts'
import { accountId, callBy, rootOfAccount, userPrincipal } from '../support/principals.ts'
import {
  ACCOUNT,
  denied,
  MANAGE,
  OTHER,
  OWN,
  REGION,
  ROOT,
  refusal,
  ServiceBench,
  statement,
} from '../support/service-bench.ts'
import {
  createKey,
  listOf,
  membersOf,
  refused,
  succeeded,
  WireClient,
} from '../support/wire-client.ts'

const MACHINE = { accountId: accountId(ACCOUNT), region: REGION, service: 'ec2', id: 'i-0a1b2c3d' }

describe('KMS for the services of this process', () => {
  let bench: ServiceBench

  before(async () => {
    bench = await ServiceBench.open()
  })
  after(() => bench.close())

  describe('on behalf of a caller', () => {
    test('decides by the rights of the caller', async () => {
      const keyId = await bench.keyWith(OWN)
      const nobody = callBy(userPrincipal(await bench.identities.addUser(ACCOUNT, '/nobody')))
      await bench.encrypt(onBehalfOf(bench.user, 'ssm'), keyId)
      await assert.rejects(
        bench.encrypt(onBehalfOf(nobody, 'ssm'), keyId),
        denied(
          /^User: arn:aws:iam::111122223333:user\/nobody is not authorized .*no identity-based policy allows the kms:Encrypt action/,
        ),
      )
    })

    test('sets kms:ViaService, aws:CalledVia and aws:ViaAWSService', async () => {
      const via = (service: string) => ({
        StringEquals: {
          'kms:ViaService': `${service}.eu-central-1.amazonaws.com`,
          'aws:CalledViaLast': `${service}.amazonaws.com`,
          'aws:CalledViaFirst': `${service}.amazonaws.com`,
          'kms:CallerAccount': ACCOUNT,
        },
        'ForAllValues:StringEquals': { 'aws:CalledVia': [`${service}.amazonaws.com`] },
        Bool: {
          'aws:ViaAWSService': 'true',
          'aws:PrincipalIsAWSService': 'false',
          'aws:SecureTransport': 'true',
        },
        Null: { 'aws:SourceArn': 'true', 'aws:SourceAccount': 'true', 'aws:SourceIp': 'true' },
      })
      const keyId = await bench.keyWith(MANAGE, statement({ AWS: '*' }, 'kms:Encrypt', via('ssm')))
      await bench.encrypt(onBehalfOf(bench.user, 'ssm'), keyId)
      await assert.rejects(
        bench.encrypt(onBehalfOf(bench.user, 's3'), keyId),
        denied(/no resource-based policy/),
      )
      await assert.rejects(
        bench.encrypt(onBehalfOf(callBy(rootOfAccount(OTHER)), 'ssm'), keyId),
        denied(/on this resource because the resource does not exist in this Region/),
      )
      refused(
        await bench.kms.kms('Encrypt', { KeyId: keyId, Plaintext: 'AAAA' }),
        'AccessDeniedException',
        /no resource-based policy allows the kms:Encrypt action$/,
      )
    })

    test('names every service of a chain, the last one as kms:ViaService', async () => {
      const chain = {
        StringEquals: {
          'kms:ViaService': 's3.eu-central-1.amazonaws.com',
          'aws:CalledViaFirst': 'codebuild.amazonaws.com',
          'aws:CalledViaLast': 's3.amazonaws.com',
        },
        'ForAnyValue:StringEquals': { 'aws:CalledVia': 'codebuild.amazonaws.com' },
      }
      const keyId = await bench.keyWith(MANAGE, statement({ AWS: '*' }, 'kms:Encrypt', chain))
      await bench.encrypt(onBehalfOf(onBehalfOf(bench.user, 'codebuild'), 's3'), keyId)
      const identity = membersOf(bench.lastRecord('Encrypt'), 'userIdentity')
      assert.equal(identity['invokedBy'], 's3.amazonaws.com')
      assert.equal(identity['arn'], `arn:aws:iam::${ACCOUNT}:user/clerk`)
    })

    test('is on the record before it is answered: the user, invoked by the service', async () => {
      const keyId = await bench.keyWith(OWN)
      await bench.encrypt(onBehalfOf(bench.user, 'ssm'), keyId, { PARAMETER_ARN: 'x' })
      const record = bench.lastRecord('Encrypt')
      assert.deepEqual(record['userIdentity'], {
        ...JSON.parse(bench.user.caller.userIdentityJson),
        invokedBy: 'ssm.amazonaws.com',
      })
      assert.equal(record['sourceIPAddress'], 'ssm.amazonaws.com')
      assert.equal(record['userAgent'], 'ssm.amazonaws.com')
      assert.equal(record['tlsDetails'], undefined)
      assert.deepEqual(membersOf(record, 'requestParameters')['encryptionContext'], {
        PARAMETER_ARN: 'x',
      })
      bench.node.sink.isFailing = true
      try {
        await assert.rejects(
          bench.encrypt(onBehalfOf(bench.user, 'ssm'), keyId),
          refusal('KMSInternalException'),
        )
      } finally {
        bench.node.sink.isFailing = false
      }
    })

    test('is refused for a shape, a state and a size like any other call', async () => {
      const { id } = await createKey(bench.kms)
      await assert.rejects(
        bench.encrypt(onBehalfOf(bench.user, 'ssm'), ''),
        refusal('ValidationException'),
      )
      succeeded(await bench.kms.kms('DisableKey', { KeyId: id }))
      await assert.rejects(
        bench.encrypt(onBehalfOf(bench.user, 'ssm'), id),
        refusal('DisabledException'),
      )
    })

    test('gives grants to infrastructure of the service, which nobody else can name', async () => {
      const forResources = statement({ AWS: '*' }, 'kms:CreateGrant', {
        Bool: { 'kms:GrantIsForAWSResource': 'true' },
      })
      const keyId = await bench.keyWith(MANAGE, forResources)
      const grantee = infrastructureArn(MACHINE)
      const input = { KeyId: keyId, GranteePrincipal: grantee, Operations: ['Decrypt'] } as const
      refused(
        await bench.kms.kms('CreateGrant', input),
        'AccessDeniedException',
        /no resource-based policy/,
      )
      await bench.node.kms.call(onBehalfOf(bench.user, 'ec2'), 'CreateGrant', input)

      const open = await bench.keyWith(OWN)
      const outside = { ...input, KeyId: open }
      const invalid = `ARN does not refer to a valid principal: ${grantee}`
      refused(await bench.kms.kms('CreateGrant', outside), 'InvalidArnException', invalid)
      const retiring = { ...outside, GranteePrincipal: ROOT, RetiringPrincipal: grantee }
      refused(await bench.kms.kms('CreateGrant', retiring), 'InvalidArnException', invalid)
      for (const name of [
        infrastructureArn({ ...MACHINE, accountId: accountId(OTHER) }),
        infrastructureArn({ ...MACHINE, service: 'rds' }),
        grantee.replace('arn:aws:', 'arn:aws-cn:'),
      ]) {
        await assert.rejects(
          bench.node.kms.call(onBehalfOf(bench.user, 'ec2'), 'CreateGrant', {
            ...outside,
            GranteePrincipal: name,
          }),
          refusal('InvalidArnException'),
        )
      }
      const listed = listOf(
        succeeded(await bench.kms.kms('ListGrants', { KeyId: keyId })),
        'Grants',
      )
      assert.deepEqual(
        listed.map((entry) => entry['GranteePrincipal']),
        ['ec2.eu-central-1.amazonaws.com'],
      )
    })

    test('counts against the quotas of the caller', async (t) => {
      const limited = await startMemoryNode({
        quotas: new RequestQuotas(new Map([['DescribeKey', 1]])),
      })
      const client = new WireClient(limited.endpoint, ACCOUNT)
      t.after(() => {
        client.close()
        return limited.close()
      })
      const { id } = await createKey(client)
      const root = callBy(rootOfAccount(ACCOUNT))
      const describeKey = () =>
        limited.kms.call(onBehalfOf(root, 'ssm'), 'DescribeKey', { KeyId: id })
      await describeKey()
      await assert.rejects(describeKey(), refusal('ThrottlingException'))
    })
  })

  describe('as infrastructure', () => {
    test('may do what its grant says, under the constraints of the grant, and nothing else', async () => {
      const keyId = await bench.keyWith(OWN)
      const made = await bench.node.kms.call(onBehalfOf(bench.user, 'ec2'), 'CreateGrant', {
        KeyId: keyId,
        GranteePrincipal: infrastructureArn(MACHINE),
        Operations: ['Encrypt'],
        Constraints: { EncryptionContextSubset: { 'aws:ebs:id': 'vol-1' } },
      })
      const origin = asInfrastructure(MACHINE)
      await bench.encrypt(origin, keyId, { 'aws:ebs:id': 'vol-1' })
      const identity = membersOf(bench.lastRecord('Encrypt'), 'userIdentity')
      assert.deepEqual(identity, {
        type: 'AssumedRole',
        principalId: `${ACCOUNT}:aws:ec2-infrastructure:i-0a1b2c3d`,
        arn: `arn:aws:sts::${ACCOUNT}:assumed-role/aws:ec2-infrastructure/i-0a1b2c3d`,
        accountId: ACCOUNT,
        accessKeyId: '',
        invokedBy: 'ec2.amazonaws.com',
      })
      await assert.rejects(
        bench.encrypt(origin, keyId, { 'aws:ebs:id': 'vol-2' }),
        denied(/policy allows/),
      )
      await assert.rejects(bench.encrypt(origin, keyId), denied(/policy allows/))
      await assert.rejects(
        bench.encrypt(asInfrastructure({ ...MACHINE, id: 'i-other' }), keyId, {
          'aws:ebs:id': 'vol-1',
        }),
        denied(/policy allows/),
      )
      await assert.rejects(
        bench.node.kms.call(origin, 'DescribeKey', { KeyId: keyId }),
        denied(/kms:DescribeKey/),
      )
      succeeded(await bench.kms.kms('RevokeGrant', { KeyId: keyId, GrantId: made.GrantId }))
      await assert.rejects(
        bench.encrypt(origin, keyId, { 'aws:ebs:id': 'vol-1' }),
        denied(/policy allows/),
      )
    })

    test('is not let in as a principal of its account', async () => {
      const keyId = await bench.keyWith(OWN)
      await assert.rejects(
        bench.encrypt(asInfrastructure(MACHINE), keyId),
        denied(/no identity-based policy/),
      )
    })
  })
})
