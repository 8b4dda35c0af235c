import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asKeyOwner, asServicePrincipal, onBehalfOf } from '../../src/pipeline/service-callers.ts'
import type { JsonObject } from '../support/memory-node.ts'
import { accountId, callBy, rootOfAccount, userPrincipal } from '../support/principals.ts'
import {
  ACCOUNT,
  denied,
  OTHER,
  REGION,
  ROOT,
  refusal,
  ServiceBench,
} from '../support/service-bench.ts'
import {
  blob,
  createKey,
  listOf,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const PLACE = { accountId: accountId(ACCOUNT), region: REGION }
const ARN = `arn:aws:kms:eu-central-1:${ACCOUNT}`

/** What nobody does to an AWS managed key, with an input that is well-formed. */
const UNMANAGEABLE: readonly (readonly [string, object])[] = [
  ['CancelKeyDeletion', {}],
  ['CreateGrant', { GranteePrincipal: ROOT, Operations: ['Decrypt'] }],
  ['Decrypt', { CiphertextBlob: 'AAAA' }],
  ['DisableKey', {}],
  ['DisableKeyRotation', {}],
  ['EnableKey', {}],
  ['EnableKeyRotation', {}],
  ['Encrypt', { Plaintext: 'AAAA' }],
  ['GenerateDataKey', { KeySpec: 'AES_256' }],
  ['GenerateDataKeyWithoutPlaintext', { KeySpec: 'AES_256' }],
  ['PutKeyPolicy', { Policy: '{"Version":"2012-10-17","Statement":[]}' }],
  ['ReplicateKey', { ReplicaRegion: 'us-east-1' }],
  ['RotateKeyOnDemand', {}],
  ['ScheduleKeyDeletion', {}],
  ['TagResource', { Tags: [{ TagKey: 'a', TagValue: 'b' }] }],
  ['UntagResource', { TagKeys: ['a'] }],
  ['UpdateKeyDescription', { Description: 'mine' }],
  ['UpdatePrimaryRegion', { PrimaryRegion: 'us-east-1' }],
]

describe('AWS managed keys', () => {
  let bench: ServiceBench
  let keyId: string

  before(async () => {
    bench = await ServiceBench.open()
    keyId = await bench.node.kms.ensureAwsManagedKey('ssm', PLACE)
  })
  after(() => bench.close())

  const wire = (operation: string, input: object = {}) => bench.kms.kms(operation, input)
  const metadataOf = async (id: string) =>
    membersOf(succeeded(await wire('DescribeKey', { KeyId: id })), 'KeyMetadata')

  test('are made once for an account, a Region and a service, however many ask at once', async () => {
    const place = { ...PLACE, accountId: accountId('777788889999') }
    const ids = await Promise.all(
      Array.from({ length: 12 }, () => bench.node.kms.ensureAwsManagedKey('sqs', place)),
    )
    assert.equal(new Set(ids).size, 1)
    assert.equal(await bench.node.kms.ensureAwsManagedKey('sqs', place), ids[0])
    const events = bench.node.sink.frames
      .filter(({ kind }) => kind === 'service-event')
      .flatMap(({ records }) => records)
      .filter((record) => record['recipientAccountId'] === '777788889999')
    assert.equal(events.length, 1)
    assert.notEqual(await bench.node.kms.ensureAwsManagedKey('sns', place), ids[0])
    assert.notEqual(await bench.node.kms.ensureAwsManagedKey('sqs', PLACE), ids[0])
  })

  test('are on the record when they are made', async () => {
    await bench.node.kms.ensureAwsManagedKey('kinesis', PLACE)
    const record = bench.lastRecord('CreateKey')
    assert.equal(record['eventType'], 'AwsServiceEvent')
    assert.deepEqual(record['userIdentity'], { accountId: ACCOUNT, invokedBy: 'AWS Internal' })
    assert.equal(membersOf(record, 'serviceEventDetails')['aliasName'], 'alias/aws/kinesis')
    bench.node.sink.isFailing = true
    try {
      await assert.rejects(bench.node.kms.ensureAwsManagedKey('rds', PLACE))
    } finally {
      bench.node.sink.isFailing = false
    }
  })

  test('show themselves as keys of AWS, rotated every year', async () => {
    const metadata = await metadataOf('alias/aws/ssm')
    assert.equal(metadata['KeyId'], keyId)
    assert.equal(metadata['KeyManager'], 'AWS')
    assert.equal(metadata['MultiRegion'], false)
    assert.equal(
      metadata['Description'],
      'Default key that protects my SSM parameters when no other key is defined',
    )
    const status = succeeded(await wire('GetKeyRotationStatus', { KeyId: keyId }))
    assert.equal(status['KeyRotationEnabled'], true)
    assert.equal(status['RotationPeriodInDays'], 365)
    const keys = listOf(succeeded(await wire('ListKeys')), 'Keys')
    assert.ok(keys.some((key) => key['KeyId'] === keyId))
    const aliases = listOf(succeeded(await wire('ListAliases', { KeyId: keyId })), 'Aliases')
    assert.deepEqual(
      aliases.map((alias) => alias['AliasName']),
      ['alias/aws/ssm'],
    )
  })

  test('rotate when the year is over, and decrypt what they encrypted before', async () => {
    const id = await bench.node.kms.ensureAwsManagedKey('backup', PLACE)
    const origin = onBehalfOf(bench.user, 'backup')
    const { CiphertextBlob } = await bench.encrypt(origin, id)
    const material = (await metadataOf(id))['CurrentKeyMaterialId']
    bench.node.clock.advance({ days: 365 })
    await bench.node.runTimedWork()
    assert.notEqual((await metadataOf(id))['CurrentKeyMaterialId'], material)
    const opened = await bench.node.kms.call(origin, 'Decrypt', { CiphertextBlob })
    using plaintext = opened.Plaintext
    assert.deepEqual([...(plaintext?.expose() ?? [])], [1, 2, 3])
  })

  test('have a policy for their service and for looking', async () => {
    const answer = succeeded(await wire('GetKeyPolicy', { KeyId: keyId, PolicyName: 'default' }))
    const policy = JSON.parse(textOf(answer, 'Policy'))
    assert.equal(policy.Id, 'auto-ssm-1')
    assert.deepEqual(policy.Statement[0].Condition, {
      StringEquals: {
        'kms:CallerAccount': ACCOUNT,
        'kms:ViaService': 'ssm.eu-central-1.amazonaws.com',
      },
    })
    assert.deepEqual(policy.Statement[1].Action, [
      'kms:Describe*',
      'kms:Get*',
      'kms:List*',
      'kms:RevokeGrant',
    ])
    const names = listOf(succeeded(await wire('ListGrants', { KeyId: keyId })), 'Grants')
    assert.deepEqual(names, [])
    succeeded(await wire('ListResourceTags', { KeyId: keyId }))
    succeeded(await wire('ListKeyPolicies', { KeyId: keyId }))
  })

  test('serve everybody in the account through the service, without a policy of theirs', async () => {
    const nobody = callBy(userPrincipal(await bench.identities.addUser(ACCOUNT, '/nobody')))
    await bench.encrypt(onBehalfOf(nobody, 'ssm'), keyId, { PARAMETER_ARN: 'x' })
    await assert.rejects(
      bench.encrypt(onBehalfOf(nobody, 's3'), keyId),
      denied(/no resource-based policy allows the kms:Encrypt action/),
    )
    const stranger = callBy(rootOfAccount(OTHER))
    await assert.rejects(
      bench.encrypt(onBehalfOf(stranger, 'ssm'), `${ARN}:key/${keyId}`),
      denied(/on this resource because the resource does not exist in this Region/),
    )
    await assert.rejects(
      bench.encrypt(
        asServicePrincipal({
          service: 'ssm',
          region: REGION,
          sourceArn: `arn:aws:ssm:eu-central-1:${ACCOUNT}:parameter/x`,
          sourceAccount: PLACE.accountId,
        }),
        keyId,
      ),
      denied(/no resource-based policy/),
    )
  })

  test('never serve another account, not even by a grant', async () => {
    const stranger = callBy(rootOfAccount(OTHER))
    const arn = `${ARN}:key/${keyId}`
    await bench.node.kms.call(onBehalfOf(bench.user, 'ssm'), 'CreateGrant', {
      KeyId: keyId,
      GranteePrincipal: `arn:aws:iam::${OTHER}:root`,
      Operations: ['Encrypt'],
    })
    await assert.rejects(
      bench.encrypt(onBehalfOf(stranger, 'ssm'), arn),
      denied(/on this resource because the resource does not exist/),
    )
    const other = new WireClient(bench.node.endpoint, OTHER)
    refused(
      await other.kms('DescribeKey', { KeyId: `${ARN}:alias/aws/ssm` }),
      'AccessDeniedException',
      /on this resource because the resource does not exist in this Region/,
    )
    other.close()
  })

  for (const [operation, input] of UNMANAGEABLE) {
    test(`are not for ${operation}, whoever asks`, async () => {
      refused(
        await wire(operation, { KeyId: keyId, ...input }),
        'AccessDeniedException',
        new RegExp(
          `^User: ${ROOT} is not authorized to perform: kms:${operation} on resource: ${ARN}:key/${keyId} because no resource-based policy allows the kms:${operation} action$`,
        ),
      )
    })
  }

  test('let go of no alias and take none', async () => {
    const { id } = await createKey(bench.kms)
    succeeded(await wire('CreateAlias', { AliasName: 'alias/own', TargetKeyId: id }))
    for (const [operation, input] of [
      ['CreateAlias', { AliasName: 'alias/aws/mine', TargetKeyId: id }],
      ['UpdateAlias', { AliasName: 'alias/aws/ssm', TargetKeyId: id }],
      ['DeleteAlias', { AliasName: 'alias/aws/ssm' }],
    ] as const) {
      refused(await wire(operation, input), 'NotAuthorizedException')
    }
    for (const [operation, name] of [
      ['CreateAlias', 'alias/new'],
      ['UpdateAlias', 'alias/own'],
    ] as const) {
      refused(
        await wire(operation, { AliasName: name, TargetKeyId: keyId }),
        'AccessDeniedException',
        /because no resource-based policy allows the kms:(Create|Update)Alias action$/,
      )
    }
  })

  test('are made by DescribeKey with their alias, for who may look', async () => {
    const place = { StringEquals: { 'kms:RequestAlias': 'alias/aws/lambda' } }
    const user = (name: string, condition?: object) =>
      bench.identities.addUser(ACCOUNT, name, {
        inlinePolicies: {
          look: JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: 'kms:DescribeKey',
                Resource: `${ARN}:key/*`,
                ...(condition && { Condition: condition }),
              },
            ],
          }),
        },
      })
    const looker = callBy(userPrincipal(await user('/looker', place)))
    const nobody = callBy(userPrincipal(await bench.identities.addUser(ACCOUNT, '/blind')))
    const describeKey = (by: typeof looker, id: string) =>
      bench.node.kms.call({ ...onBehalfOf(by, 'cloudformation') }, 'DescribeKey', { KeyId: id })
    await assert.rejects(
      describeKey(nobody, 'alias/aws/lambda'),
      denied(/no identity-based policy allows the kms:DescribeKey action/),
    )
    await assert.rejects(describeKey(looker, 'alias/aws/redshift'), denied(/identity-based/))
    refused(
      await wire('Encrypt', { KeyId: 'alias/aws/lambda', Plaintext: 'AAAA' }),
      'NotFoundException',
      /alias\/aws\/lambda is not found/,
    )
    const first = await describeKey(looker, 'alias/aws/lambda')
    assert.equal(first.KeyMetadata?.KeyManager, 'AWS')
    const again = await describeKey(looker, `${ARN}:alias/aws/lambda`)
    assert.equal(again.KeyMetadata?.KeyId, first.KeyMetadata?.KeyId)
    const together = await Promise.all(
      Array.from({ length: 8 }, () => wire('DescribeKey', { KeyId: 'alias/aws/redshift' })),
    )
    const ids = together.map((answer) => textOf(membersOf(succeeded(answer), 'KeyMetadata'), 'Arn'))
    assert.equal(new Set(ids).size, 1)
    const record = bench.lastRecord('DescribeKey')
    assert.deepEqual(listOf(record, 'resources')[0]?.['ARN'], ids[0])
    for (const name of ['alias/aws/nothing', 'alias/aws/', 'alias/aws/ssm/x']) {
      refused(await wire('DescribeKey', { KeyId: name }), 'NotFoundException', /is not found/)
    }
  })

  test('are told by their alias in conditions on other policies', async () => {
    const reader = await bench.identities.addUser(ACCOUNT, '/aliased', {
      inlinePolicies: {
        look: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'kms:GetKeyPolicy',
              Resource: '*',
              Condition: { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': 'alias/aws/ss*' } },
            },
          ],
        }),
      },
    })
    const by = onBehalfOf(callBy(userPrincipal(reader)), 'cloudformation')
    await bench.node.kms.call(by, 'GetKeyPolicy', { KeyId: keyId })
    const { id } = await createKey(bench.kms)
    await assert.rejects(bench.node.kms.call(by, 'GetKeyPolicy', { KeyId: id }), denied(/identity/))
  })
})

describe('AWS owned keys', () => {
  let bench: ServiceBench

  before(async () => {
    bench = await ServiceBench.open()
  })
  after(() => bench.close())

  test('serve their service, and nobody sees them', async () => {
    const { kms } = bench.node
    const [keyId, again] = await Promise.all([
      kms.ensureAwsOwnedKey('logs', REGION),
      kms.ensureAwsOwnedKey('logs', REGION),
    ])
    assert.equal(again, keyId)
    const owner = asKeyOwner({ service: 'logs', region: REGION })
    const { CiphertextBlob = new Uint8Array() } = await bench.encrypt(owner, keyId)
    const opened = await kms.call(owner, 'Decrypt', { CiphertextBlob })
    opened.Plaintext?.[Symbol.dispose]()
    // On the record, and in no account's log.
    const frames = bench.node.sink.frames.slice(-3)
    assert.deepEqual(
      frames.map(({ internal, records }) => [
        (internal['unlisted'] as JsonObject)['eventName'],
        records,
      ]),
      [
        ['CreateKey', []],
        ['Encrypt', []],
        ['Decrypt', []],
      ],
    )

    const arn = `${ARN}:key/${keyId}`
    for (const [operation, input] of [
      ['DescribeKey', {}],
      ['GetKeyPolicy', {}],
      ['Encrypt', { Plaintext: 'AAAA' }],
      ['ScheduleKeyDeletion', {}],
    ] as const) {
      for (const id of [keyId, arn]) {
        refused(
          await bench.kms.kms(operation, { KeyId: id, ...input }),
          'NotFoundException',
          `Key '${arn}' does not exist`,
        )
      }
      refused(
        await bench.kms.kms(operation, {
          KeyId: `arn:aws:kms:eu-central-1:services:key/${keyId}`,
          ...input,
        }),
        operation === 'Encrypt' ? 'NotFoundException' : 'InvalidArnException',
        /services/,
      )
    }
    refused(
      await bench.kms.kms('Decrypt', { CiphertextBlob: blob(CiphertextBlob) }),
      'AccessDeniedException',
      /on the resource associated with this ciphertext because the resource does not exist/,
    )
    for (const operation of ['ListKeys', 'ListAliases']) {
      const answer = await bench.kms.kms(operation)
      assert.doesNotMatch(answer.text, new RegExp(keyId))
    }
  })

  test('are not for another service, nor for the service on behalf of somebody', async () => {
    const keyId = await bench.node.kms.ensureAwsOwnedKey('sqs', REGION)
    await assert.rejects(
      bench.encrypt(asKeyOwner({ service: 'logs', region: REGION }), keyId),
      denied(/no resource-based policy/),
    )
    await assert.rejects(
      bench.encrypt(onBehalfOf(bench.user, 'sqs'), keyId),
      refusal('NotFoundException'),
    )
  })

  test('belong to an account that no credential can name', async () => {
    const client = new WireClient(bench.node.endpoint, 'services')
    const answer = await client.kms('ListKeys')
    assert.equal(answer.status, 400)
    assert.equal(answer.json['__type'], 'UnrecognizedClientException')
    client.close()
  })
})
