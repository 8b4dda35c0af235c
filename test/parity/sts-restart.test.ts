import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
} from '@aws-sdk/client-sts'
import { machineClock } from '../../src/server/clocks.ts'
import { startDev } from '../../src/server/dev/dev.ts'
import { policyOf } from '../support/account-identities.ts'
import { jwksOf, newSigningKey, signToken } from '../support/identity-provider.ts'
import { runStrongroom, startServer, temporaryFolder } from '../support/server-process.ts'
import { credentialsIn, refused, stsClient, type TestCredentials } from '../support/sts-client.ts'
import { WireClient } from '../support/wire-client.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const HOUR_MS = 3_600_000

const arnOf = async (endpoint: string, credentials: TestCredentials) => {
  const client = stsClient(endpoint, credentials)
  try {
    return (await client.send(new GetCallerIdentityCommand({}))).Arn
  } finally {
    client.destroy()
  }
}

/** Calls a Query service with the credentials of a root. */
async function query(
  endpoint: string,
  { accessKeyId, secretAccessKey }: TestCredentials,
  service: string,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const wire = new WireClient(endpoint, accessKeyId, 'us-east-1')
  const body = new URLSearchParams(parameters).toString()
  const answer = await wire.send(body, { secret: secretAccessKey, service, headers: FORM })
  wire.close()
  assert.equal(answer.status, 200, answer.text)
  return answer.text
}

describe('sessions and the process that made them', () => {
  test('a session outlives the process, and so do the keys of a provider', async () => {
    const folder = temporaryFolder()
    const dataFolder = join(folder, 'node')
    await using first = await startServer({ dataFolder })
    const sts = stsClient(first.endpoint, first.credentials)
    const session = credentialsIn(await sts.send(new GetSessionTokenCommand({})))
    sts.destroy()
    const arn = await arnOf(first.endpoint, session)
    assert.match(arn ?? '', /:root$/)

    const key = newSigningKey('ES256', 'one')
    const file = join(folder, 'jwks.json')
    writeFileSync(file, jwksOf(key))
    const issuer = 'https://token.example.com'
    const set = await runStrongroom(['oidc', 'set-keys', issuer, file, '--data', dataFolder])
    assert.equal(set.exitCode, 0, set.stderr)
    await query(first.endpoint, first.credentials, 'iam', {
      Action: 'CreateOpenIDConnectProvider',
      Version: '2010-05-08',
      Url: issuer,
      'ClientIDList.member.1': 'app',
    })
    const account = arn?.split(':')[4] ?? ''
    const Federated = `arn:aws:iam::${account}:oidc-provider/token.example.com`
    const trust = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: { StringEquals: { 'token.example.com:aud': 'app' } },
        },
      ],
    }
    await query(first.endpoint, first.credentials, 'iam', {
      Action: 'CreateRole',
      Version: '2010-05-08',
      RoleName: 'web',
      AssumeRolePolicyDocument: JSON.stringify(trust),
    })
    await first.stop()

    await using second = await startServer({ dataFolder })
    assert.equal(await arnOf(second.endpoint, session), arn)
    const seconds = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, aud: 'app', sub: 'someone', exp: seconds + 300 }
    const text = await query(second.endpoint, second.credentials, 'sts', {
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: `arn:aws:iam::${account}:role/web`,
      RoleSessionName: 'one',
      WebIdentityToken: signToken(key, claims),
    })
    assert.match(text, /<SubjectFromWebIdentityToken>someone<\/SubjectFromWebIdentityToken>/)
    await second.stop()
  })

  test('in strongroom dev the moved clock ends a session, and a reset all of them', async () => {
    const server = await startDev({
      host: '127.0.0.1',
      port: 0,
      account: '111122223333',
      region: 'us-east-1',
      allowPlainHttp: false,
      logLevel: 'silent',
    })
    const { endpoint, controls } = server
    try {
      const anybody = { accessKeyId: '444455556666', secretAccessKey: 'any' }
      const sts = stsClient(endpoint, anybody)
      const session = async () =>
        credentialsIn(await sts.send(new GetSessionTokenCommand({ DurationSeconds: 3600 })))
      const trust = policyOf({
        Effect: 'Allow',
        Principal: { AWS: '444455556666' },
        Action: 'sts:AssumeRole',
      })
      await query(endpoint, anybody, 'iam', {
        Action: 'CreateRole',
        Version: '2010-05-08',
        RoleName: 'app',
        AssumeRolePolicyDocument: trust,
      })
      const assumed = await sts.send(
        new AssumeRoleCommand({
          RoleArn: 'arn:aws:iam::444455556666:role/app',
          RoleSessionName: 'one',
        }),
      )
      assert.equal(
        await arnOf(endpoint, credentialsIn(assumed)),
        'arn:aws:sts::444455556666:assumed-role/app/one',
      )
      const one = await session()
      assert.equal(await arnOf(endpoint, one), 'arn:aws:iam::444455556666:root')
      await controls.advance(HOUR_MS)
      await refused(arnOf(endpoint, one), 'ExpiredToken', /expired/)
      const two = await session()
      await arnOf(endpoint, two)
      await controls.set(machineClock.now())
      await arnOf(endpoint, one)
      await controls.reset()
      await refused(arnOf(endpoint, two), 'InvalidClientTokenId', /invalid/)
      sts.destroy()
    } finally {
      await server.stop()
    }
  })
})
