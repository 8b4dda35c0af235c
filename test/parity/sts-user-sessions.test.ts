import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  AssumeRoleCommand,
  DecodeAuthorizationMessageCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  type STSClient,
} from '@aws-sdk/client-sts'
import { SignatureV4 } from '@smithy/signature-v4'
import type { User } from '../../src/core/identity.ts'
import { parseAccountId } from '../../src/core/ids.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { ensureServiceKey } from '../../src/server/node/service-secrets.ts'
import { AuthorizationMessages } from '../../src/services/sts/authorization-messages.ts'
import {
  AccountIdentities,
  allowing,
  policyOf,
  type TestKey,
} from '../support/account-identities.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { Sha256 } from '../support/signer-hash.ts'
import { credentialsIn, refused, stsClient, type TestCredentials } from '../support/sts-client.ts'
import { WireClient } from '../support/wire-client.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const OTHER = parseAccountId('444455556666') ?? assert.fail()
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const HOUR_MS = 3_600_000
const USER_ARN = `arn:aws:iam::${ACCOUNT}:user/alice`
const TRUST = policyOf({ Effect: 'Allow', Principal: { AWS: USER_ARN }, Action: 'sts:AssumeRole' })

describe('sessions of users', () => {
  let node: MemoryNode
  let home: AccountIdentities
  let alice: User
  let key: TestKey
  let sts: STSClient
  let root: STSClient
  const clients: STSClient[] = []

  const clientOf = (credentials: TestCredentials): STSClient => {
    const client = stsClient(node.endpoint, credentials)
    clients.push(client)
    return client
  }

  before(async () => {
    node = await startMemoryNode({ closed: true })
    home = new AccountIdentities(node.records, ACCOUNT)
    alice = await home.user('alice', { inlinePolicies: { p: allowing('sts:*', 'kms:ListKeys') } })
    key = await home.accessKey(alice)
    sts = clientOf(key)
    root = clientOf(await home.accessKey(undefined))
    await home.role('reader', TRUST)
  })

  after(async () => {
    for (const client of clients) client.destroy()
    await node.close()
  })

  const whoIs = async (client: STSClient) => {
    const { UserId, Account, Arn } = await client.send(new GetCallerIdentityCommand({}))
    return { UserId, Account, Arn }
  }
  const lifetimeOf = (reply: { Credentials?: { Expiration?: Date | undefined } | undefined }) =>
    Math.round(((reply.Credentials?.Expiration?.getTime() ?? 0) - node.clock.now()) / 1000)

  const listKeys = async ({ accessKeyId, secretAccessKey, sessionToken }: TestCredentials) => {
    const wire = new WireClient(node.endpoint, accessKeyId)
    const token = sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }
    const answer = await wire.kms('ListKeys', {}, { secret: secretAccessKey, headers: token })
    wire.close()
    return answer
  }

  test('act as the user, for twelve hours or as long as asked', async () => {
    const reply = await sts.send(new GetSessionTokenCommand({}))
    assert.equal(lifetimeOf(reply), 43_200)
    const session = clientOf(credentialsIn(reply))
    assert.deepEqual(await whoIs(session), {
      UserId: alice.userId,
      Account: ACCOUNT,
      Arn: USER_ARN,
    })
    assert.equal((await listKeys(credentialsIn(reply))).status, 200)
    const longest = await sts.send(new GetSessionTokenCommand({ DurationSeconds: 129_600 }))
    assert.equal(lifetimeOf(longest), 129_600)
    await refused(
      sts.send(new GetSessionTokenCommand({ DurationSeconds: 129_601 })),
      'ValidationError',
      /durationSeconds/,
    )
    const record = node.sink.record(reply.$metadata.requestId ?? '')
    assert.match(JSON.stringify(record['responseElements']), /"accessKeyId":"ASIA/)
    assert.ok(!node.sink.texts.join('').includes(reply.Credentials?.SessionToken ?? 'x'))
  })

  test('of a root last an hour at most', async () => {
    const reply = await root.send(new GetSessionTokenCommand({ DurationSeconds: 43_200 }))
    assert.equal(lifetimeOf(reply), 3600)
    const session = await whoIs(clientOf(credentialsIn(reply)))
    assert.equal(session.Arn, `arn:aws:iam::${ACCOUNT}:root`)
  })

  test('call AssumeRole and GetCallerIdentity of STS, and nothing of IAM', async () => {
    const reply = await sts.send(new GetSessionTokenCommand({}))
    const credentials = credentialsIn(reply)
    const session = clientOf(credentials)
    const arn = `arn:aws:iam::${ACCOUNT}:role/reader`
    await session.send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'one' }))
    for (const [name, work] of [
      ['GetSessionToken', session.send(new GetSessionTokenCommand({}))],
      ['GetFederationToken', session.send(new GetFederationTokenCommand({ Name: 'bob' }))],
      [
        'GetAccessKeyInfo',
        session.send(new GetAccessKeyInfoCommand({ AccessKeyId: key.accessKeyId })),
      ],
      [
        'DecodeAuthorizationMessage',
        session.send(new DecodeAuthorizationMessageCommand({ EncodedMessage: 'x' })),
      ],
    ] as const) {
      await refused(work, 'AccessDenied', `Cannot call ${name} with session credentials`)
    }
    const wire = new WireClient(node.endpoint, credentials.accessKeyId)
    const answer = await wire.send('Action=ListUsers&Version=2010-05-08', {
      secret: credentials.secretAccessKey,
      service: 'iam',
      region: 'us-east-1',
      headers: { ...FORM, 'x-amz-security-token': credentials.sessionToken },
    })
    assert.equal(answer.status, 403)
    assert.match(answer.text, /<Code>InvalidClientTokenId<\/Code>/)
    wire.close()
  })

  test('are refused codes of a second factor, which nobody has', async () => {
    const code = { SerialNumber: `arn:aws:iam::${ACCOUNT}:mfa/alice`, TokenCode: '123456' }
    await refused(
      sts.send(new GetSessionTokenCommand(code)),
      'AccessDenied',
      /^MultiFactorAuthentication failed/,
    )
  })

  test('end with the user, with the policies of the user, and in time', async () => {
    const dave = await home.user('dave', { inlinePolicies: { p: allowing('kms:ListKeys') } })
    const client = clientOf(await home.accessKey(dave))
    const credentials = credentialsIn(
      await client.send(new GetSessionTokenCommand({ DurationSeconds: 900 })),
    )
    assert.equal((await listKeys(credentials)).status, 200)
    await home.changeUser(dave, { inlinePolicies: {} })
    assert.match((await listKeys(credentials)).text, /AccessDeniedException/)
    node.clock.advance({ ms: 900_000 })
    assert.match((await listKeys(credentials)).text, /ExpiredTokenException/)
    const more = credentialsIn(await client.send(new GetSessionTokenCommand({})))
    await home.removeUser(dave)
    assert.match((await listKeys(more)).text, /UnrecognizedClientException/)
  })

  test('that are federated may what both the user and the passed policies allow', async () => {
    const bare = await sts.send(new GetFederationTokenCommand({ Name: 'bob' }))
    assert.deepEqual(bare.FederatedUser, {
      FederatedUserId: `${ACCOUNT}:bob`,
      Arn: `arn:aws:sts::${ACCOUNT}:federated-user/bob`,
    })
    assert.equal(bare.PackedPolicySize, undefined)
    assert.equal(lifetimeOf(bare), 43_200)
    assert.match((await listKeys(credentialsIn(bare))).text, /AccessDeniedException/)
    const passing = (Policy: string) =>
      sts.send(new GetFederationTokenCommand({ Name: 'bob', Policy }))
    const lists = await passing(allowing('kms:*'))
    assert.ok((lists.PackedPolicySize ?? 0) > 0)
    assert.equal((await listKeys(credentialsIn(lists))).status, 200)
    const wire = credentialsIn(lists)
    assert.deepEqual(await whoIs(clientOf(wire)), {
      UserId: `${ACCOUNT}:bob`,
      Account: ACCOUNT,
      Arn: `arn:aws:sts::${ACCOUNT}:federated-user/bob`,
    })
    const other = await passing(allowing('kms:Encrypt'))
    assert.match((await listKeys(credentialsIn(other))).text, /AccessDeniedException/)
    const ofRoot = await root.send(
      new GetFederationTokenCommand({ Name: 'bob', Policy: allowing('kms:ListKeys') }),
    )
    assert.equal(lifetimeOf(ofRoot), 3600)
    assert.equal((await listKeys(credentialsIn(ofRoot))).status, 200)
    const arn = `arn:aws:iam::${ACCOUNT}:role/reader`
    await refused(
      clientOf(wire).send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'one' })),
      'AccessDenied',
      /federated-user\/bob is not authorized to perform: sts:AssumeRole on resource/,
    )
    const carol = clientOf(await home.accessKey(await home.user('carol')))
    await refused(
      carol.send(new GetFederationTokenCommand({ Name: 'bob' })),
      'AccessDenied',
      /sts:GetFederationToken on resource: arn:aws:sts::111122223333:federated-user\/bob because no identity-based policy/,
    )
  })

  test('are not what temporary credentials of a role can ask for', async () => {
    const arn = `arn:aws:iam::${ACCOUNT}:role/reader`
    const reply = await sts.send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'one' }))
    const session = clientOf(credentialsIn(reply))
    await refused(
      session.send(new GetSessionTokenCommand({})),
      'AccessDenied',
      'Cannot call GetSessionToken with session credentials',
    )
    await refused(
      session.send(new GetFederationTokenCommand({ Name: 'bob' })),
      'AccessDenied',
      'Cannot call GetFederationToken with session credentials',
    )
  })

  test('GetAccessKeyInfo tells the account of a key, whatever its state', async () => {
    const away = new AccountIdentities(node.records, OTHER)
    const foreign = await away.accessKey(await away.user('eve'))
    const info = (AccessKeyId: string) => sts.send(new GetAccessKeyInfoCommand({ AccessKeyId }))
    assert.equal((await info(key.accessKeyId)).Account, ACCOUNT)
    assert.equal((await info(foreign.accessKeyId)).Account, OTHER)
    await away.changeKey(foreign, 'Deleted')
    assert.equal((await info(foreign.accessKeyId)).Account, OTHER)
    await refused(info('AKIAIOSFODNN7EXAMPLE'), 'ValidationError', /not valid/)
    const frank = clientOf(await home.accessKey(await home.user('frank')))
    await refused(
      frank.send(new GetAccessKeyInfoCommand({ AccessKeyId: key.accessKeyId })),
      'AccessDenied',
      /sts:GetAccessKeyInfo/,
    )
  })

  test('DecodeAuthorizationMessage reads what was encoded for the account', async () => {
    const random = createRandom()
    const parts = { records: node.records, clock: node.clock, random }
    const messageKey = await ensureServiceKey(parts, 'authorization-messages')
    const messages = new AuthorizationMessages(messageKey, random)
    const details = JSON.stringify({ allowed: false, explicitDeny: true })
    const decode = (EncodedMessage: string) =>
      sts.send(new DecodeAuthorizationMessageCommand({ EncodedMessage }))
    const encoded = messages.encode(ACCOUNT, details)
    assert.equal((await decode(encoded)).DecodedMessage, details)
    for (const message of [
      messages.encode(OTHER, details),
      `${encoded.slice(0, -1)}${encoded.endsWith('A') ? 'B' : 'A'}`,
      `${encoded}A`,
      'x',
      'B'.repeat(10_240),
    ]) {
      await refused(decode(message), 'InvalidAuthorizationMessageException', 'Message is not valid')
    }
    const grace = clientOf(await home.accessKey(await home.user('grace')))
    await refused(
      grace.send(new DecodeAuthorizationMessageCommand({ EncodedMessage: encoded })),
      'AccessDenied',
      /sts:DecodeAuthorizationMessage/,
    )
  })

  test('are known to every node of the store, whichever made them', async () => {
    const second = await startMemoryNode({ closed: true, beside: node })
    const credentials = credentialsIn(await sts.send(new GetSessionTokenCommand({})))
    const there = stsClient(second.endpoint, credentials)
    assert.equal((await whoIs(there)).UserId, alice.userId)
    there.destroy()
    await second.close()
  })

  test('prove who they are by a presigned request, as long as they last', async () => {
    const credentials = credentialsIn(
      await sts.send(new GetSessionTokenCommand({ DurationSeconds: 900 })),
    )
    const { hostname, port, host } = new URL(node.endpoint)
    const presigned = async (signWith: TestCredentials): Promise<string> => {
      const signer = new SignatureV4({
        credentials: signWith,
        region: 'us-east-1',
        service: 'sts',
        sha256: Sha256,
      })
      const signed = await signer.presign({
        method: 'GET',
        protocol: 'http:',
        hostname,
        port: Number(port),
        path: '/',
        query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
        headers: { host },
      })
      // What the signer puts there are texts.
      return new URLSearchParams(signed.query as Record<string, string>).toString()
    }
    const ask = async (query: string) => {
      const answer = await fetch(`${node.endpoint}/?${query}`)
      return answer.text()
    }
    const query = await presigned(credentials)
    assert.match(await ask(query), new RegExp(`<Arn>${USER_ARN}</Arn>`))
    const { sessionToken: _, ...bare } = credentials
    assert.match(await ask(await presigned(bare)), /<Code>InvalidClientTokenId</)
    const token = encodeURIComponent(credentials.sessionToken)
    assert.match(
      await ask(query.replace(token, `${token.slice(0, -1)}_`)),
      /<Code>InvalidClientTokenId</,
    )
    node.clock.advance({ ms: 900_000 })
    assert.match(await ask(query), /<Code>ExpiredToken</)
  })

  test('are told from each other by every part of the credentials', async () => {
    const one = credentialsIn(await sts.send(new GetSessionTokenCommand({})))
    const two = credentialsIn(await sts.send(new GetSessionTokenCommand({})))
    const invalid = 'The security token included in the request is invalid.'
    for (const mixed of [
      { ...one, sessionToken: two.sessionToken },
      { ...one, accessKeyId: two.accessKeyId },
      { accessKeyId: one.accessKeyId, secretAccessKey: one.secretAccessKey },
      { ...key, sessionToken: one.sessionToken },
      { ...one, sessionToken: `${one.sessionToken}x` },
      { ...one, sessionToken: 'x'.repeat(12_000) },
    ]) {
      await refused(whoIs(clientOf(mixed)), 'InvalidClientTokenId', invalid)
    }
    await refused(
      whoIs(clientOf({ ...one, secretAccessKey: two.secretAccessKey })),
      'SignatureDoesNotMatch',
      /signature we calculated does not match/,
    )
    node.clock.advance({ ms: 12 * HOUR_MS })
    await refused(
      whoIs(clientOf(one)),
      'ExpiredToken',
      'The security token included in the request is expired',
    )
  })
})
