import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import type { Role } from '../../src/core/identity.ts'
import { SERVICE_CONTROLS } from '../../src/core/identity-tables.ts'
import { parseAccountId } from '../../src/core/ids.ts'
import { AccountIdentities, allowing, policyOf } from '../support/account-identities.ts'
import { jwksOf, newSigningKey, type SigningKey, signToken } from '../support/identity-provider.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { credentialsIn, refused, stsClient } from '../support/sts-client.ts'
import { WireClient } from '../support/wire-client.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const OTHER = parseAccountId('444455556666') ?? assert.fail()
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const DENIED = 'Not authorized to perform sts:AssumeRoleWithWebIdentity'
const roleArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`

describe('AssumeRoleWithWebIdentity', () => {
  const key = newSigningKey('RS256', 'one')
  let provider: Server
  let url: string
  let node: MemoryNode
  let home: AccountIdentities
  let role: Role
  let sts: STSClient
  let providerArn: string

  /** Lets those in whom the provider vouches for under a condition. */
  const trusting = (condition?: object, actions = ['sts:AssumeRoleWithWebIdentity']) =>
    policyOf({
      Effect: 'Allow',
      Principal: { Federated: providerArn },
      Action: actions,
      ...(condition && { Condition: condition }),
    })

  before(async () => {
    provider = createServer((request, response) => {
      const issuer = `http://${url}`
      const description = JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` })
      response.end(request.url === '/keys' ? jwksOf(key) : description)
    })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    const address = provider.address()
    assert.ok(typeof address === 'object' && address !== null)
    url = `127.0.0.1:${address.port}`
    providerArn = `arn:aws:iam::${ACCOUNT}:oidc-provider/${url}`
    node = await startMemoryNode({ closed: true, oidcAllowPrivate: true })
    home = new AccountIdentities(node.records, ACCOUNT)
    await home.provider(url, ['app'])
    role = await home.role('web', trusting({ StringEquals: { [`${url}:sub`]: 'repo:a/b' } }), {
      inlinePolicies: { p: allowing('kms:CreateKey') },
      tags: { Kind: 'web' },
    })
    // The SDK signs nothing here; it wants credentials all the same.
    sts = stsClient(node.endpoint, { accessKeyId: 'x', secretAccessKey: 'x' })
  })

  after(async () => {
    sts.destroy()
    await node.close()
    provider.close()
    provider.closeAllConnections()
  })

  const seconds = (): number => Math.floor(node.clock.now() / 1000)
  const claims = (more: object = {}): object => ({
    iss: `http://${url}`,
    aud: 'app',
    sub: 'repo:a/b',
    exp: seconds() + 300,
    iat: seconds(),
    ...more,
  })
  const token = (more: object = {}, by: SigningKey = key): string => signToken(by, claims(more))

  const assume = (more: Partial<AssumeRoleWithWebIdentityCommandInput> = {}) =>
    sts.send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: roleArn('web'),
        RoleSessionName: 'one',
        WebIdentityToken: token(),
        ...more,
      }),
    )

  test('gives credentials of the role to whom a provider vouches for', async () => {
    const reply = await assume()
    const { $metadata, Credentials: _, ...rest } = reply
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/web/one`
    assert.deepEqual(rest, {
      AssumedRoleUser: { AssumedRoleId: `${role.roleId}:one`, Arn: arn },
      SubjectFromWebIdentityToken: 'repo:a/b',
      Audience: 'app',
      Provider: providerArn,
    })
    const session = stsClient(node.endpoint, credentialsIn(reply))
    assert.equal((await session.send(new GetCallerIdentityCommand({}))).Arn, arn)
    session.destroy()
    const record = node.sink.record($metadata.requestId ?? '')
    assert.deepEqual(record['userIdentity'], {
      type: 'WebIdentityUser',
      principalId: `${providerArn}:app:repo:a/b`,
      userName: 'repo:a/b',
      identityProvider: providerArn,
    })
    assert.deepEqual(record['requestParameters'], {
      roleArn: roleArn('web'),
      roleSessionName: 'one',
    })
    assert.equal(record['recipientAccountId'], ACCOUNT)
    assert.equal(record['awsRegion'], 'us-east-1')
  })

  test('the session is told by its provider in records and policies', async () => {
    await home.role('knowing', trusting(), {
      inlinePolicies: {
        p: policyOf({
          Effect: 'Allow',
          Action: 'kms:CreateKey',
          Resource: '*',
          Condition: {
            StringEquals: { [`${url}:sub`]: 'repo:a/b', 'aws:FederatedProvider': providerArn },
          },
        }),
      },
    })
    for (const [sub, isAllowed] of [
      ['repo:a/b', true],
      ['repo:a/c', false],
    ] as const) {
      const reply = await assume({
        RoleArn: roleArn('knowing'),
        WebIdentityToken: token({ sub }),
      })
      const credentials = credentialsIn(reply)
      const { endpoint } = node
      const kms = new KMSClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })
      const made = await kms.send(new CreateKeyCommand({})).catch((error: unknown) => error)
      kms.destroy()
      assert.equal(!(made instanceof Error), isAllowed, String(made))
      const last = node.sink.frames.at(-1)?.records[0]
      const identity = JSON.stringify(last?.['userIdentity'])
      assert.match(
        identity,
        new RegExp(`"webIdFederationData":\\{"federatedProvider":"${providerArn}"`),
      )
    }
  })

  test('lets in nobody whom the trust policy does not name', async () => {
    await refused(assume({ WebIdentityToken: token({ sub: 'repo:a/c' }) }), 'AccessDenied', DENIED)
    await refused(assume({ RoleArn: roleArn('missing') }), 'AccessDenied', DENIED)
    const root = `arn:aws:iam::${ACCOUNT}:root`
    for (const [name, trust] of [
      ['by-account', { Principal: { AWS: root }, Action: 'sts:*' }],
      ['other-action', { Principal: { Federated: providerArn }, Action: 'sts:AssumeRole' }],
      [
        'other-provider',
        { Principal: { Federated: `${providerArn}x` }, Action: 'sts:AssumeRoleWithWebIdentity' },
      ],
      [
        'known-identity',
        {
          Principal: '*',
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: { StringEquals: { 'aws:PrincipalAccount': ACCOUNT } },
        },
      ],
    ] as const) {
      await home.role(name, policyOf({ Effect: 'Allow', ...trust }))
      await refused(assume({ RoleArn: roleArn(name) }), 'AccessDenied', DENIED)
    }
    const record = node.sink.frames.at(-1)?.records[0]
    assert.equal(record?.['errorCode'], 'AccessDenied')
    assert.match(JSON.stringify(record?.['userIdentity']), /WebIdentityUser/)
  })

  test('knows no provider of another account', async () => {
    const away = new AccountIdentities(node.records, OTHER)
    await away.role('web', trusting())
    await refused(
      assume({ RoleArn: `arn:aws:iam::${OTHER}:role/web` }),
      'InvalidIdentityTokenException',
      `No OpenIDConnect provider found in your account for http://${url}`,
    )
  })

  test('refuses tokens that prove nothing, before anything is recorded of a caller', async () => {
    const stranger = newSigningKey('RS256', 'one')
    for (const [WebIdentityToken, code, message] of [
      ['not.a.token', 'InvalidIdentityTokenException', /not a valid JWT/],
      [token({}, stranger), 'InvalidIdentityTokenException', /could not be validated/],
      [token({ aud: 'x' }), 'InvalidIdentityTokenException', /Incorrect token audience/],
      [
        token({ exp: seconds() - 60 }),
        'ExpiredTokenException',
        /^Token expired: current date\/time/,
      ],
      [token({ iss: `https://${url}` }), 'IDPCommunicationErrorException', /could not be reached/],
    ] as const) {
      await refused(assume({ WebIdentityToken }), code, message)
      const frame = node.sink.frames.at(-1)
      assert.deepEqual([frame?.kind, frame?.records], ['refusal', []])
    }
    await refused(assume({ WebIdentityToken: 'x'.repeat(20_001) }), 'ValidationError', /./)
    await refused(assume({ WebIdentityToken: 'x' }), 'ValidationError', /./)
    await refused(
      assume({ RoleArn: `arn:aws:iam::${ACCOUNT}:user/a` }),
      'ValidationError',
      /invalid/,
    )
    await refused(
      assume({ RoleArn: 'arn:x:iam::111122223333:role/web' }),
      'ValidationError',
      /invalid/,
    )
    await refused(assume({ ProviderId: 'www.amazon.com' }), 'ValidationError', /ProviderId/)
  })

  test('keeps the limits of sessions', async () => {
    await refused(
      assume({ DurationSeconds: 3601 }),
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
    await refused(assume({ Policy: '{}' }), 'MalformedPolicyDocumentException', /./)
    const { Credentials } = await assume({ DurationSeconds: 900 })
    const left = (Credentials?.Expiration?.getTime() ?? 0) - node.clock.now()
    assert.ok(Math.abs(left - 900_000) < 1000)
  })

  test('takes session tags and a source identity out of the token where the role lets it', async () => {
    const asked = {
      'https://aws.amazon.com/tags': {
        principal_tags: { Team: ['blue'] },
        transitive_tag_keys: ['Team'],
      },
      'https://aws.amazon.com/source_identity': 'alice',
    }
    await refused(assume({ WebIdentityToken: token(asked) }), 'AccessDenied', /sts:TagSession/)
    await home.role(
      'tagged',
      trusting({ StringEquals: { 'aws:RequestTag/Team': 'blue', 'sts:SourceIdentity': 'alice' } }, [
        'sts:AssumeRoleWithWebIdentity',
        'sts:TagSession',
        'sts:SetSourceIdentity',
      ]),
    )
    const reply = await assume({ RoleArn: roleArn('tagged'), WebIdentityToken: token(asked) })
    assert.equal(reply.SourceIdentity, 'alice')
    await refused(assume({ RoleArn: roleArn('tagged') }), 'AccessDenied', DENIED)
  })

  test('asks no service control policy: whom it lets in is of no account', async () => {
    const text = policyOf({ Effect: 'Deny', Action: 'sts:*', Resource: '*' })
    const control = { accountId: ACCOUNT, text, updatedAt: node.clock.now() }
    await node.records.transaction((tx) => tx.insert(SERVICE_CONTROLS, control))
    await assume()
    await node.records.transaction(async (tx) => {
      const stored = (await tx.find(SERVICE_CONTROLS, [ACCOUNT])) ?? assert.fail()
      await tx.remove(SERVICE_CONTROLS, stored)
    })
  })

  test('is the only operation that asks for no signature', async () => {
    const wire = new WireClient(node.endpoint, 'x')
    const unsigned = { authorization: () => undefined, headers: FORM }
    const parameters = new URLSearchParams({
      Version: '2011-06-15',
      RoleArn: roleArn('web'),
      RoleSessionName: 'one',
      WebIdentityToken: token(),
    }).toString()
    for (const action of [
      'AssumeRole',
      'GetCallerIdentity',
      'GetSessionToken',
      'GetFederationToken',
      'GetAccessKeyInfo',
      'DecodeAuthorizationMessage',
    ]) {
      const answer = await wire.send(`Action=${action}&${parameters}`, unsigned)
      assert.match(answer.text, /<Code>MissingAuthenticationToken<\/Code>/, action)
    }
    const iam = await wire.send(
      `Action=AssumeRoleWithWebIdentity&${parameters}`.replace('2011-06-15', '2010-05-08'),
      unsigned,
    )
    assert.match(iam.text, /<Code>InvalidAction<\/Code>/)
    const good = await wire.send(`Action=AssumeRoleWithWebIdentity&${parameters}`, unsigned)
    assert.equal(good.status, 200, good.text)
    const signed = await wire.send(`Action=AssumeRoleWithWebIdentity&${parameters}`, {
      headers: FORM,
      service: 'sts',
      secret: 'nobody’s',
    })
    assert.equal(signed.status, 200, 'a signature is not looked at')
    assert.ok(!node.sink.texts.join('').includes(token().split('.')[2] ?? 'x'))
    wire.close()
  })

  test('can be asked by GET', async () => {
    const wire = new WireClient(node.endpoint, 'x')
    const query = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn('web'),
      RoleSessionName: 'one',
      WebIdentityToken: token(),
    }).toString()
    const answer = await wire.send('', {
      method: 'GET',
      path: `/?${query}`,
      headers: {},
      authorization: () => undefined,
    })
    assert.equal(answer.status, 200, answer.text)
    wire.close()
  })
})
