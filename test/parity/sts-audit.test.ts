import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-sts'
import type { Role, User } from '../../src/core/identity.ts'
import { parseAccountId } from '../../src/core/ids.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { ensureServiceKey } from '../../src/server/node/service-secrets.ts'
import { setOidcKeys } from '../../src/server/operator/oidc-keys.ts'
import { AuthorizationMessages } from '../../src/services/sts/authorization-messages.ts'
import { STS_MODEL } from '../../src/services/sts/model.ts'
import { AccountIdentities, allowing, type TestKey } from '../support/account-identities.ts'
import { jwksOf, newSigningKey, signToken } from '../support/identity-provider.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { credentialsIn, stsClient, type TestCredentials } from '../support/sts-client.ts'
import { textOf } from '../support/wire-client.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const REGION = 'eu-central-1'
const ISSUER = 'token.example.com'
const PROVIDER = `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}`
const ROOT_ARN = `arn:aws:iam::${ACCOUNT}:root`
const NOW = '2026-01-15T10:00:00Z'
const IN_AN_HOUR = 'Jan 15, 2026, 11:00:00 AM'
const IN_TWELVE = 'Jan 15, 2026, 10:00:00 PM'
const SESSION_POLICY = allowing('kms:ListKeys')
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface Wanted {
  readonly requestParameters?: unknown
  readonly responseElements?: unknown
  readonly resources?: unknown
  readonly userIdentity?: unknown
  readonly awsRegion?: string
  readonly error?: readonly [code: string, message: string]
}

type Reply = { readonly $metadata: { readonly requestId?: string | undefined } }

describe('the record of a call of STS', () => {
  const key = newSigningKey('ES256', 'one')
  let node: MemoryNode
  let alice: User
  let reader: Role
  let aliceKey: TestKey
  let rootKey: TestKey
  let sts: sdk.STSClient
  let root: sdk.STSClient
  const clients: sdk.STSClient[] = []
  const called = new Set<string>()
  const secrets: string[] = []

  const clientOf = (credentials: TestCredentials): sdk.STSClient => {
    const client = stsClient(node.endpoint, credentials, REGION)
    clients.push(client)
    return client
  }
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/reader`
  const roleResources = [{ accountId: ACCOUNT, type: 'AWS::IAM::Role', ARN: roleArn }]

  before(async () => {
    node = await startMemoryNode({ closed: true })
    const home = new AccountIdentities(node.records, ACCOUNT)
    alice = await home.user('alice', { inlinePolicies: { p: allowing('sts:*', 'kms:*') } })
    aliceKey = await home.accessKey(alice)
    await home.provider(ISSUER, ['app'])
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: ACCOUNT, Federated: PROVIDER },
          Action: ['sts:*'],
        },
      ],
    })
    reader = await home.role('reader', trust, { inlinePolicies: { p: allowing('*') } })
    const keySet = jwksOf(key)
    await setOidcKeys(node, { providerUrl: `https://${ISSUER}`, keySet })
    sts = clientOf(aliceKey)
    rootKey = await home.accessKey(undefined)
    root = clientOf(rootKey)
    secrets.push(aliceKey.secretAccessKey, rootKey.secretAccessKey)
  })

  after(async () => {
    for (const client of clients) client.destroy()
    await node.close()
  })

  /** Makes a call, and compares all of its record. */
  const check = async <R extends Reply>(
    operation: string,
    work: Promise<R>,
    wanted: Wanted | ((reply: R) => Wanted),
  ): Promise<R> => {
    called.add(operation)
    const outcome = await work.catch((error: unknown) => {
      assert.ok(error instanceof sdk.STSServiceException, String(error))
      return error
    })
    // The caller knows which of the two it is.
    const reply = outcome as R
    const requestId = outcome.$metadata.requestId ?? ''
    const whole = node.sink.record(requestId)
    const { eventID: _id, userAgent: _agent, ...record } = whole
    assert.match(textOf(whole, 'eventID'), UUID)
    assert.match(textOf(whole, 'userAgent'), /aws-sdk-js/)
    const { error, resources, ...rest } = typeof wanted === 'function' ? wanted(reply) : wanted
    assert.deepEqual(record, {
      eventVersion: '1.11',
      userIdentity: identityOf(alice, aliceKey.accessKeyId),
      eventTime: NOW,
      eventSource: 'sts.amazonaws.com',
      eventName: operation,
      awsRegion: REGION,
      sourceIPAddress: '127.0.0.1',
      ...(error && { errorCode: error[0], errorMessage: error[1] }),
      requestParameters: null,
      responseElements: null,
      requestID: requestId,
      readOnly: true,
      ...(resources !== undefined && { resources }),
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      eventCategory: 'Management',
      ...rest,
    } as object)
    return reply
  }

  /** What the record shows of credentials, which are remembered as secrets. */
  const shown = (reply: { Credentials?: sdk.Credentials | undefined }, expiration: string) => {
    const { accessKeyId, secretAccessKey, sessionToken } = credentialsIn(reply)
    secrets.push(secretAccessKey, sessionToken)
    return { accessKeyId, expiration }
  }

  test('who calls: a user with an access key, and the root', async () => {
    await check('GetCallerIdentity', sts.send(new sdk.GetCallerIdentityCommand({})), {})
    await check('GetCallerIdentity', root.send(new sdk.GetCallerIdentityCommand({})), {
      userIdentity: {
        type: 'Root',
        principalId: ACCOUNT,
        arn: ROOT_ARN,
        accountId: ACCOUNT,
        accessKeyId: rootKey.accessKeyId,
      },
    })
  })

  test('what is only read leaves nothing of its answer', async () => {
    const { accessKeyId } = aliceKey
    const info = new sdk.GetAccessKeyInfoCommand({ AccessKeyId: accessKeyId })
    await check('GetAccessKeyInfo', sts.send(info), { requestParameters: { accessKeyId } })
    const random = createRandom()
    const parts = { records: node.records, clock: node.clock, random }
    const messageKey = await ensureServiceKey(parts, 'authorization-messages')
    const messages = new AuthorizationMessages(messageKey, random)
    const details = JSON.stringify({ context: 'CANARY-decoded-message' })
    secrets.push(details)
    const EncodedMessage = messages.encode(ACCOUNT, details)
    const command = new sdk.DecodeAuthorizationMessageCommand({ EncodedMessage })
    const decoded = await check('DecodeAuthorizationMessage', sts.send(command), {
      requestParameters: { encodedMessage: EncodedMessage },
    })
    assert.equal(decoded.DecodedMessage, details)
  })

  test('a session of a role, and who is in it', async () => {
    const input = {
      RoleArn: roleArn,
      RoleSessionName: 'one',
      ExternalId: 'ext-1',
      DurationSeconds: 3600,
      Policy: SESSION_POLICY,
      SourceIdentity: 'alice',
      Tags: [{ Key: 'Team', Value: 'blue' }],
      TransitiveTagKeys: ['Team'],
    }
    const parameters = {
      roleArn,
      roleSessionName: 'one',
      externalId: 'ext-1',
      durationSeconds: 3600,
      policy: SESSION_POLICY,
      sourceIdentity: 'alice',
      tags: [{ key: 'Team', value: 'blue' }],
      transitiveTagKeys: ['Team'],
    }
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/reader/one`
    const principalId = `${reader.roleId}:one`
    const reply = await check('AssumeRole', sts.send(new sdk.AssumeRoleCommand(input)), (made) => ({
      requestParameters: parameters,
      responseElements: {
        credentials: shown(made, IN_AN_HOUR),
        assumedRoleUser: { assumedRoleId: principalId, arn },
        packedPolicySize: made.PackedPolicySize,
        sourceIdentity: 'alice',
      },
      resources: roleResources,
    }))
    const credentials = credentialsIn(reply)
    const session = clientOf(credentials)
    await check('GetCallerIdentity', session.send(new sdk.GetCallerIdentityCommand({})), {
      userIdentity: {
        type: 'AssumedRole',
        principalId,
        arn,
        accountId: ACCOUNT,
        accessKeyId: credentials.accessKeyId,
        sessionContext: {
          sessionIssuer: issuerOf(reader),
          attributes: { creationDate: NOW, mfaAuthenticated: 'false' },
          sourceIdentity: 'alice',
        },
      },
    })
  })

  test('a session of a user or the root, and who is in it', async () => {
    const command = new sdk.GetSessionTokenCommand({ DurationSeconds: 3600 })
    const reply = await check('GetSessionToken', sts.send(command), (made) => ({
      requestParameters: { durationSeconds: 3600 },
      responseElements: { credentials: shown(made, IN_AN_HOUR) },
    }))
    const credentials = credentialsIn(reply)
    const session = clientOf(credentials)
    const sessionContext = { attributes: { creationDate: NOW, mfaAuthenticated: 'false' } }
    await check('GetCallerIdentity', session.send(new sdk.GetCallerIdentityCommand({})), {
      userIdentity: { ...identityOf(alice, credentials.accessKeyId), sessionContext },
    })
    const ofRoot = credentialsIn(await root.send(new sdk.GetSessionTokenCommand({})))
    await check('GetCallerIdentity', clientOf(ofRoot).send(new sdk.GetCallerIdentityCommand({})), {
      userIdentity: {
        type: 'Root',
        principalId: ACCOUNT,
        arn: ROOT_ARN,
        accountId: ACCOUNT,
        accessKeyId: ofRoot.accessKeyId,
        sessionContext,
      },
    })
  })

  test('a federated user, and who is in its session', async () => {
    const command = new sdk.GetFederationTokenCommand({ Name: 'bob', Policy: SESSION_POLICY })
    const arn = `arn:aws:sts::${ACCOUNT}:federated-user/bob`
    const reply = await check('GetFederationToken', sts.send(command), (made) => ({
      requestParameters: { name: 'bob', policy: SESSION_POLICY },
      responseElements: {
        credentials: shown(made, IN_TWELVE),
        federatedUser: { federatedUserId: `${ACCOUNT}:bob`, arn },
        packedPolicySize: made.PackedPolicySize,
      },
    }))
    const credentials = credentialsIn(reply)
    const session = clientOf(credentials)
    await check('GetCallerIdentity', session.send(new sdk.GetCallerIdentityCommand({})), {
      userIdentity: {
        type: 'FederatedUser',
        principalId: `${ACCOUNT}:bob`,
        arn,
        accountId: ACCOUNT,
        accessKeyId: credentials.accessKeyId,
        sessionContext: {
          sessionIssuer: {
            type: 'IAMUser',
            principalId: alice.userId,
            arn: `arn:aws:iam::${ACCOUNT}:user/alice`,
            accountId: ACCOUNT,
            userName: 'alice',
          },
          attributes: { creationDate: NOW, mfaAuthenticated: 'false' },
        },
      },
    })
  })

  test('somebody with a token, and who is in the session', async () => {
    const seconds = Math.floor(node.clock.now() / 1000)
    const claims = { iss: `https://${ISSUER}`, aud: 'app', sub: 'repo:a/b' }
    const WebIdentityToken = signToken(key, { ...claims, exp: seconds + 300, iat: seconds })
    secrets.push(WebIdentityToken)
    const input = { RoleArn: roleArn, RoleSessionName: 'two', WebIdentityToken }
    const command = new sdk.AssumeRoleWithWebIdentityCommand(input)
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/reader/two`
    const principalId = `${reader.roleId}:two`
    const reply = await check('AssumeRoleWithWebIdentity', sts.send(command), (made) => ({
      userIdentity: {
        type: 'WebIdentityUser',
        principalId: `${PROVIDER}:app:repo:a/b`,
        userName: 'repo:a/b',
        identityProvider: PROVIDER,
      },
      awsRegion: 'us-east-1',
      requestParameters: { roleArn, roleSessionName: 'two' },
      responseElements: {
        credentials: shown(made, IN_AN_HOUR),
        subjectFromWebIdentityToken: 'repo:a/b',
        assumedRoleUser: { assumedRoleId: principalId, arn },
        provider: PROVIDER,
        audience: 'app',
      },
      resources: roleResources,
    }))
    const credentials = credentialsIn(reply)
    const session = clientOf(credentials)
    await check('GetCallerIdentity', session.send(new sdk.GetCallerIdentityCommand({})), () => {
      const [last] = node.sink.frames.at(-1)?.records ?? []
      assert.ok(last)
      const { sessionContext } = last['userIdentity'] as JsonObject
      const { webIdFederationData } = sessionContext as JsonObject
      const { federatedProvider, attributes } = webIdFederationData as JsonObject
      assert.equal(federatedProvider, PROVIDER)
      assert.equal((attributes as JsonObject)[`${ISSUER}:sub`], 'repo:a/b')
      return {
        userIdentity: {
          type: 'AssumedRole',
          principalId,
          arn,
          accountId: ACCOUNT,
          accessKeyId: credentials.accessKeyId,
          sessionContext: {
            sessionIssuer: issuerOf(reader),
            webIdFederationData: webIdFederationData ?? null,
            attributes: { creationDate: NOW, mfaAuthenticated: 'false' },
          },
        },
      }
    })
  })

  test('a denial and a failure say why, and nothing of an answer', async () => {
    const missing = `arn:aws:iam::${ACCOUNT}:role/missing`
    const command = new sdk.AssumeRoleCommand({ RoleArn: missing, RoleSessionName: 'one' })
    const message = await messageOf(sts.send(command))
    await check('AssumeRole', sts.send(command), {
      requestParameters: { roleArn: missing, roleSessionName: 'one' },
      error: ['AccessDenied', message],
    })
    const decode = new sdk.DecodeAuthorizationMessageCommand({ EncodedMessage: 'x' })
    await check('DecodeAuthorizationMessage', sts.send(decode), {
      requestParameters: { encodedMessage: 'x' },
      error: ['InvalidAuthorizationMessageException', 'Message is not valid'],
    })
  })

  test('every operation is in here, and no secret in any frame', () => {
    const missing = [...STS_MODEL.operations.keys()].filter((name) => !called.has(name))
    assert.deepEqual(missing, [])
    assert.ok(secrets.length >= 10)
    const frames = node.sink.texts.join('\n')
    for (const secret of secrets) {
      for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        const form = Buffer.from(secret).toString(encoding)
        assert.ok(!frames.includes(form), `${encoding} of ${secret}`)
        assert.ok(!frames.includes(JSON.stringify(form).slice(1, -1)))
      }
    }
  })
})

/** A user who signs with an access key. */
const identityOf = (user: User, accessKeyId: string): object => ({
  type: 'IAMUser',
  principalId: user.userId,
  arn: `arn:aws:iam::${ACCOUNT}:user/${user.name}`,
  accountId: ACCOUNT,
  accessKeyId,
  userName: user.name,
})

const issuerOf = (role: Role): object => ({
  type: 'Role',
  principalId: role.roleId,
  arn: `arn:aws:iam::${ACCOUNT}:role/${role.name}`,
  accountId: ACCOUNT,
  userName: role.name,
})

async function messageOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((caught: unknown) => caught)
  assert.ok(error instanceof Error)
  return error.message
}
