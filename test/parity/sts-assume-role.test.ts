import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  type STSClient,
} from '@aws-sdk/client-sts'
import type { Role, User } from '../../src/core/identity.ts'
import { ROLES } from '../../src/core/identity-tables.ts'
import { parseAccountId } from '../../src/core/ids.ts'
import {
  AccountIdentities,
  allowing,
  policyOf,
  type TestKey,
} from '../support/account-identities.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { credentialsIn, refused, stsClient, type TestCredentials } from '../support/sts-client.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const OTHER = parseAccountId('444455556666') ?? assert.fail()
const ALL = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
const roleArn = (name: string, account: string = ACCOUNT): string =>
  `arn:aws:iam::${account}:role/${name}`
const trusting = (principal: string, condition?: object, actions: readonly string[] = ALL) =>
  policyOf({
    Effect: 'Allow',
    Principal: { AWS: principal },
    Action: actions,
    ...(condition && { Condition: condition }),
  })
const ROOT = `arn:aws:iam::${ACCOUNT}:root`

describe('AssumeRole', () => {
  let node: MemoryNode
  let home: AccountIdentities
  let away: AccountIdentities
  let alice: User
  let aliceKey: TestKey
  let sts: STSClient
  const clients: STSClient[] = []

  const clientOf = (credentials: TestCredentials): STSClient => {
    const client = stsClient(node.endpoint, credentials)
    clients.push(client)
    return client
  }

  before(async () => {
    node = await startMemoryNode({ closed: true })
    home = new AccountIdentities(node.records, ACCOUNT)
    away = new AccountIdentities(node.records, OTHER)
    alice = await home.user('alice', { inlinePolicies: { p: allowing('sts:*') } })
    aliceKey = await home.accessKey(alice)
    sts = clientOf(aliceKey)
    await home.role('reader', trusting(ROOT), { maxSessionSeconds: 7200 })
  })

  after(async () => {
    for (const client of clients) client.destroy()
    await node.close()
  })

  const assume = (name: string, more: Partial<AssumeRoleCommandInput> = {}, by: STSClient = sts) =>
    by.send(new AssumeRoleCommand({ RoleArn: roleArn(name), RoleSessionName: 'one', ...more }))

  const denied = (arn: string, reason = '', action = 'sts:AssumeRole', who = 'user/alice') =>
    `User: arn:aws:iam::${ACCOUNT}:${who} is not authorized to perform: ${action} on resource: ${arn}${reason}`

  test('gives credentials that act as the session', async () => {
    const role = await home.role('pathed', trusting(ROOT), { path: '/team/' })
    const reply = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn('team/pathed'), RoleSessionName: 'one' }),
    )
    const { $metadata: _metadata, Credentials, ...rest } = reply
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/pathed/one`
    assert.deepEqual(rest, {
      AssumedRoleUser: { AssumedRoleId: `${role.roleId}:one`, Arn: arn },
    })
    assert.match(Credentials?.AccessKeyId ?? '', /^ASIA[A-Z2-7]{16}$/)
    assert.equal(Credentials?.SecretAccessKey?.length, 40)
    assert.equal(
      Credentials?.Expiration?.getTime(),
      Math.floor((node.clock.now() + 3_600_000) / 1000) * 1000,
    )
    const session = clientOf(credentialsIn(reply))
    const { $metadata: _, ...who } = await session.send(new GetCallerIdentityCommand({}))
    assert.deepEqual(who, { UserId: `${role.roleId}:one`, Account: ACCOUNT, Arn: arn })
  })

  test('is recorded with the role and without what is secret', async () => {
    const reply = await assume('reader', { Tags: [{ Key: 'Team', Value: 'blue' }] })
    const { secretAccessKey, sessionToken, accessKeyId } = credentialsIn(reply)
    const record = node.sink.record(reply.$metadata.requestId ?? '')
    assert.equal(record['eventSource'], 'sts.amazonaws.com')
    assert.deepEqual(record['requestParameters'], {
      roleArn: roleArn('reader'),
      roleSessionName: 'one',
      tags: [{ key: 'Team', value: 'blue' }],
    })
    const elements = JSON.stringify(record['responseElements'])
    assert.match(elements, new RegExp(`"accessKeyId":"${accessKeyId}"`))
    assert.match(elements, /"expiration":"Jan 15, 2026, 11:00:00 AM"/)
    assert.deepEqual(record['resources'], [
      { accountId: ACCOUNT, type: 'AWS::IAM::Role', ARN: roleArn('reader') },
    ])
    for (const secret of [secretAccessKey, sessionToken]) {
      assert.ok(!node.sink.texts.join('').includes(secret))
      assert.ok(!node.log.lines.join('').includes(secret))
    }
  })

  test('is refused alike for a role that is not there and one that does not trust', async () => {
    await home.role('closed', trusting(`arn:aws:iam::${OTHER}:root`))
    const reason = ' because no role trust policy allows the sts:AssumeRole action'
    for (const name of ['closed', 'missing']) {
      await refused(assume(name), 'AccessDenied', denied(roleArn(name), reason))
    }
    await away.role('far', trusting(`arn:aws:iam::${OTHER}:root`))
    for (const name of ['far', 'missing']) {
      const arn = roleArn(name, OTHER)
      await refused(assume('', { RoleArn: arn }), 'AccessDenied', denied(arn))
    }
    const wrongCase = roleArn('READER')
    await refused(assume('READER'), 'AccessDenied', denied(wrongCase, reason))
  })

  test('needs the caller’s own policies where the account alone is trusted', async () => {
    const bob = await home.user('bob')
    const client = clientOf(await home.accessKey(bob))
    await refused(
      assume('reader', {}, client),
      'AccessDenied',
      denied(
        roleArn('reader'),
        ' because no identity-based policy allows the sts:AssumeRole action',
        'sts:AssumeRole',
        'user/bob',
      ),
    )
    await home.role('bobs', trusting(`arn:aws:iam::${ACCOUNT}:user/bob`))
    await assume('bobs', {}, client)
    await refused(assume('bobs'), 'AccessDenied', /no role trust policy/)
  })

  test('across accounts needs both sides', async () => {
    await away.role('shared', trusting(`arn:aws:iam::${ACCOUNT}:user/alice`))
    const arn = roleArn('shared', OTHER)
    const reply = await assume('', { RoleArn: arn })
    assert.equal(reply.AssumedRoleUser?.Arn, `arn:aws:sts::${OTHER}:assumed-role/shared/one`)
    const carol = await home.user('carol')
    const client = clientOf(await home.accessKey(carol))
    await away.role('carols', trusting(`arn:aws:iam::${ACCOUNT}:user/carol`))
    await refused(
      assume('', { RoleArn: roleArn('carols', OTHER) }, client),
      'AccessDenied',
      denied(roleArn('carols', OTHER), '', 'sts:AssumeRole', 'user/carol'),
    )
  })

  test('asks for an external id, a session name, tags', async () => {
    await home.role(
      'partner',
      trusting(ROOT, {
        StringEquals: { 'sts:ExternalId': 'x-1', 'aws:RequestTag/Team': 'blue' },
        StringLike: { 'sts:RoleSessionName': 'job-*' },
      }),
    )
    const good = {
      ExternalId: 'x-1',
      RoleSessionName: 'job-1',
      Tags: [{ Key: 'Team', Value: 'blue' }],
    }
    await assume('partner', good)
    for (const bad of [
      { ...good, ExternalId: 'x-2' },
      { ...good, ExternalId: undefined },
      { ...good, RoleSessionName: 'other' },
      { ...good, Tags: [{ Key: 'Team', Value: 'red' }] },
    ]) {
      await refused(
        assume('partner', bad),
        'AccessDenied',
        /not authorized to perform: sts:AssumeRole/,
      )
    }
  })

  test('tags and a source identity need actions of their own', async () => {
    await home.role('plain', trusting(ROOT, undefined, ['sts:AssumeRole']))
    await assume('plain')
    const arn = roleArn('plain')
    await refused(
      assume('plain', { Tags: [{ Key: 'a', Value: 'b' }] }),
      'AccessDenied',
      denied(
        arn,
        ' because no role trust policy allows the sts:TagSession action',
        'sts:TagSession',
      ),
    )
    await refused(
      assume('plain', { SourceIdentity: 'alice' }),
      'AccessDenied',
      denied(
        arn,
        ' because no role trust policy allows the sts:SetSourceIdentity action',
        'sts:SetSourceIdentity',
      ),
    )
    const reply = await assume('reader', { SourceIdentity: 'alice' })
    assert.equal(reply.SourceIdentity, 'alice')
  })

  test('hands transitive tags and the source identity on when roles are chained', async () => {
    const first = await assume('reader', {
      SourceIdentity: 'alice',
      Tags: [
        { Key: 'Team', Value: 'blue' },
        { Key: 'Own', Value: '1' },
      ],
      TransitiveTagKeys: ['Team'],
    })
    const chained = clientOf(credentialsIn(first))
    await home.role('next', trusting(ROOT), {
      maxSessionSeconds: 43_200,
      inlinePolicies: { p: allowing('sts:*') },
    })
    await refused(assume('next', {}, chained), 'AccessDenied', /no identity-based policy/)
    const reader = await node.records.transaction(async (tx) => {
      const [stored] = await tx.page(ROLES, {
        index: 'by_name',
        equals: [ACCOUNT, 'reader'],
        limit: 1,
      })
      return stored?.record ?? assert.fail()
    })
    await home.changeRole(reader, { inlinePolicies: { p: allowing('sts:*') } })
    const second = await assume('next', { Tags: [{ Key: 'More', Value: '2' }] }, chained)
    assert.equal(second.SourceIdentity, 'alice')
    const record = node.sink.record(second.$metadata.requestId ?? '')
    const parameters = JSON.stringify(record['requestParameters'])
    assert.match(parameters, /"incomingTransitiveTags":\{"Team":"blue"\}/)
    await home.role(
      'tagged',
      trusting(ROOT, {
        StringEquals: { 'aws:PrincipalTag/Team': 'blue', 'aws:SourceIdentity': 'alice' },
        Null: { 'aws:PrincipalTag/Own': 'true' },
      }),
    )
    await assume('tagged', {}, clientOf(credentialsIn(second)))
    await refused(assume('tagged', {}, chained), 'AccessDenied', /no role trust policy/)
    await refused(
      assume('next', { SourceIdentity: 'mallory' }, chained),
      'AccessDenied',
      /sts:SetSourceIdentity/,
    )
    await refused(
      assume('next', { Tags: [{ Key: 'TEAM', Value: 'red' }] }, chained),
      'ValidationError',
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    )
    await refused(
      assume('next', { DurationSeconds: 3601 }, chained),
      'ValidationError',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    )
    await assume('next', { DurationSeconds: 3600 }, chained)
  })

  test('lasts as long as the role allows', async () => {
    await assume('reader', { DurationSeconds: 7200 })
    await refused(
      assume('reader', { DurationSeconds: 7201 }),
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
    for (const DurationSeconds of [899, 43_201]) {
      await refused(assume('reader', { DurationSeconds }), 'ValidationError', /durationSeconds/)
    }
  })

  test('refuses what no session can have', async () => {
    const tag = (Key: string) => ({ Key, Value: 'v' })
    const cases: readonly [Partial<AssumeRoleCommandInput>, string, RegExp][] = [
      [{ Policy: '{}' }, 'MalformedPolicyDocumentException', /./],
      [{ Policy: 'x' }, 'MalformedPolicyDocumentException', /./],
      [{ Tags: [tag('a'), tag('A')] }, 'ValidationError', /Duplicate tag keys/],
      [{ Tags: [tag('aws:x')] }, 'ValidationError', /aws: prefixed/],
      [{ TransitiveTagKeys: ['x'] }, 'ValidationError', /must be included/],
      [
        { PolicyArns: [{ arn: `arn:aws:iam::${OTHER}:policy/p` }] },
        'ValidationError',
        /is invalid/,
      ],
      [
        {
          PolicyArns: Array.from({ length: 11 }, () => ({
            arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
          })),
        },
        'ValidationError',
        /policyArns/,
      ],
      [
        { RoleArn: `arn:aws:iam::${ACCOUNT}:user/alice` },
        'ValidationError',
        /user\/alice is invalid/,
      ],
      [{ RoleArn: roleArn('reader').replace('aws', 'aws-cn') }, 'ValidationError', /is invalid/],
      [{ RoleSessionName: 'a b' }, 'ValidationError', /roleSessionName/],
      [{ ExternalId: '?' }, 'ValidationError', /externalId/],
      [
        { SerialNumber: `arn:aws:iam::${ACCOUNT}:mfa/a`, TokenCode: '123456' },
        'AccessDenied',
        /MFA/,
      ],
      [
        {
          Tags: Array.from({ length: 50 }, (_, at) => ({ Key: `k${at}`, Value: 'v'.repeat(200) })),
        },
        'PackedPolicyTooLargeException',
        /^Packed size of session tags consumes \d+% of allotted space\.$/,
      ],
      [
        { Policy: allowing(...Array.from({ length: 200 }, (_, at) => `kms:SomeAction${at}xxxx`)) },
        'PackedPolicyTooLargeException',
        /^Packed policy consumes \d+% of allotted space, please use smaller policy\.$/,
      ],
    ]
    for (const [more, code, message] of cases) {
      await refused(assume('reader', more), code, message)
    }
  })

  test('a session policy and passed policies take away', async () => {
    const role = await home.role('wide', trusting(ROOT), {
      inlinePolicies: { p: allowing('sts:*', 'kms:*') },
    })
    const packed = await assume('wide', { Policy: allowing('kms:*') })
    assert.ok((packed.PackedPolicySize ?? 0) > 0)
    const narrow = clientOf(credentialsIn(packed))
    await refused(assume('reader', {}, narrow), 'AccessDenied', /no session policy allows/)
    const wide = clientOf(credentialsIn(await assume('wide')))
    await assume('reader', {}, wide)
    const arns = [{ arn: 'arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser' }]
    const passed = clientOf(credentialsIn(await assume('wide', { PolicyArns: arns })))
    await refused(assume('reader', {}, passed), 'AccessDenied', /no session policy allows/)
    assert.ok(role)
  })

  test('the root assumes no role', async () => {
    const root = clientOf(await home.accessKey(undefined))
    await refused(
      assume('reader', {}, root),
      'AccessDenied',
      'Roles may not be assumed by root accounts.',
    )
  })

  test('sessions end when they are revoked, when their role goes, and in time', async () => {
    const role: Role = await home.role('passing', trusting(ROOT), {
      inlinePolicies: { p: allowing('sts:AssumeRole') },
    })
    const session = clientOf(credentialsIn(await assume('passing')))
    await assume('reader', {}, session)
    const revoke = policyOf({
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-01-15T10:00:00.500Z' } },
    })
    await home.changeRole(role, {
      inlinePolicies: { p: allowing('sts:AssumeRole'), AWSRevokeOlderSessions: revoke },
    })
    await refused(
      assume('reader', {}, session),
      'AccessDenied',
      /explicit deny in an identity-based/,
    )
    await session.send(new GetCallerIdentityCommand({}))
    node.clock.advance({ ms: 1000 })
    const later = clientOf(credentialsIn(await assume('passing')))
    await assume('reader', {}, later)
    await home.removeRole(role)
    await refused(
      later.send(new GetCallerIdentityCommand({})),
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
    )
    const short = clientOf(credentialsIn(await assume('reader', { DurationSeconds: 900 })))
    node.clock.advance({ ms: 900_000 })
    await refused(
      short.send(new GetCallerIdentityCommand({})),
      'ExpiredToken',
      'The security token included in the request is expired',
    )
  })
})
