import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import {
  jwksOf,
  macToken,
  newSigningKey,
  PublishedDocuments,
  signToken,
  unsignedToken,
} from '../../../test/support/identity-provider.ts'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { DependencyError, ServiceError } from '../../core/errors.ts'
import { OIDC_KEYS, OIDC_PROVIDERS } from '../../core/identity-tables.ts'
import { type Instant, instant, parseAccountId, plusMs } from '../../core/ids.ts'
import type { RecordStore } from '../../core/records.ts'
import { TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import { ProviderKeys } from './provider-keys.ts'
import { type WebIdentity, WebIdentityVerifier } from './web-identity.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const OTHER = parseAccountId('444455556666') ?? assert.fail()
const URL = 'token.example.com/tenant'
const ISSUER = `https://${URL}`
const TIME = instant(Date.UTC(2026, 0, 15, 10, 0, 0))
const SECONDS = TIME / 1000
const CLAIMS = { iss: ISSUER, aud: 'app', sub: 'repo:a/b', exp: SECONDS + 600, iat: SECONDS - 5 }

const INVALID = 'The web identity token that was passed could not be validated'
const NO_KEY =
  "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
const NOT_A_JWT =
  'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)'

const rsa = newSigningKey('RS256', 'rsa-1')
const other = newSigningKey('RS256', 'rsa-1')

describe('tokens of identity providers', () => {
  let records: RecordStore
  let documents: PublishedDocuments
  let verifier: WebIdentityVerifier
  let machineTime: Instant
  let told: string[]

  beforeEach(async () => {
    const random = seededRandom('web identities')
    const clock = { now: () => TIME }
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    const custody = await createCustody({ seal: memorySeal(random), random, clock })
    records = createRecordStore({ rows, guard: custody, cacheRecords: 100 })
    await records.transaction((tx) =>
      tx.insert(OIDC_PROVIDERS, {
        accountId: ACCOUNT,
        url: URL,
        clientIds: ['app', 'second'],
        thumbprints: [],
        createdAt: TIME,
        tags: {},
      }),
    )
    documents = new PublishedDocuments()
    documents.publish(ISSUER, jwksOf(rsa))
    machineTime = TIME
    const machine = { now: () => machineTime }
    told = []
    const log = { warn: (fields: object) => void told.push(JSON.stringify(fields)) }
    verifier = new WebIdentityVerifier(new ProviderKeys({ documents, machine, log }))
  })

  const verify = (token: string, time = TIME, accountId = ACCOUNT): Promise<WebIdentity> =>
    verifier.verify(token, { records, accountId, time })

  const refuses = async (token: string, message: string, code = 'InvalidIdentityTokenException') =>
    assert.rejects(verify(token), (error) => {
      assert.ok(error instanceof ServiceError, String(error))
      assert.deepEqual([error.code, error.publicMessage], [code, message])
      return true
    })

  const claimsWith = (more: object): string => signToken(rsa, { ...CLAIMS, ...more })

  test('prove who is meant, and for which client', async () => {
    const identity = await verify(claimsWith({ amr: ['mfa', 'pwd'], email: 'a@example.com' }))
    assert.deepEqual(
      [identity.subject, identity.audience, identity.provider.url],
      ['repo:a/b', 'app', URL],
    )
    assert.deepEqual(identity.conditionKeys, {
      [`${URL}:aud`]: 'app',
      [`${URL}:amr`]: ['mfa', 'pwd'],
      [`${URL}:email`]: 'a@example.com',
      [`${URL}:sub`]: 'repo:a/b',
    })
    assert.deepEqual(identity.sessionKeys, identity.conditionKeys)
    assert.deepEqual(identity.tags, { tags: [], transitiveTagKeys: [], sourceIdentity: undefined })
  })

  for (const algorithm of [
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ]) {
    test(`may be signed with ${algorithm}`, async () => {
      const key = newSigningKey(algorithm, algorithm)
      documents.publish(ISSUER, jwksOf(rsa, key))
      assert.equal((await verify(signToken(key, CLAIMS))).subject, CLAIMS.sub)
    })
  }

  test('are refused without a signature, or under a MAC', async () => {
    const publicPem = createPublicKey(rsa.privateKey).export({ format: 'pem', type: 'spki' })
    for (const alg of ['none', 'None', 'NONE', 'HS256', 'HS512', 'RS1', 'ES256K', 'constructor']) {
      await refuses(unsignedToken(CLAIMS, { alg, kid: 'rsa-1' }), INVALID)
      for (const secret of [publicPem, rsa.jwk.n ?? '', JSON.stringify(rsa.jwk), '']) {
        await refuses(macToken(secret, CLAIMS, { alg, kid: 'rsa-1' }), INVALID)
      }
    }
    await refuses(unsignedToken(CLAIMS, { alg: 'RS256', kid: 'rsa-1' }), INVALID)
    const oct = { kty: 'oct', k: 'c2VjcmV0', kid: 'mac' }
    documents.publish(ISSUER, JSON.stringify({ keys: [oct] }))
    await refuses(macToken('secret', CLAIMS, { alg: 'HS256', kid: 'mac' }), INVALID)
  })

  test('are refused when another key signed, or anything of them was changed', async () => {
    await refuses(signToken(other, CLAIMS), INVALID)
    const token = signToken(rsa, CLAIMS)
    const [head = '', , signature = ''] = token.split('.')
    const forged = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'admin' })).toString('base64url')
    await refuses(`${head}.${forged}.${signature}`, INVALID)
    await refuses(`${token.slice(0, -4)}AAAA`, INVALID)
    for (const header of [
      { alg: 'PS256', kid: 'rsa-1' },
      { alg: 'RS512', kid: 'rsa-1' },
      { alg: 'RS256', kid: 'rsa-1', crit: ['exp'], exp: 1 },
      { alg: 'RS256', kid: 'rsa-1', b64: false, crit: ['b64'] },
    ]) {
      await refuses(signToken(rsa, CLAIMS, header), INVALID)
    }
  })

  test('bring no key of their own', async () => {
    const stranger = newSigningKey('RS256', 'stranger')
    for (const header of [
      { alg: 'RS256', jwk: stranger.jwk },
      { alg: 'RS256', jku: 'https://evil.example.com/keys', kid: 'stranger' },
      { alg: 'RS256', kid: 'rsa-1', jwk: stranger.jwk },
    ]) {
      const message = 'kid' in header && header.kid === 'stranger' ? NO_KEY : INVALID
      await refuses(signToken(stranger, CLAIMS, header), message)
    }
    assert.ok(documents.asked.every((url) => url.startsWith(ISSUER)))
  })

  test('are refused when they are no tokens', async () => {
    const [header = '', payload = '', signature = ''] = signToken(rsa, CLAIMS).split('.')
    const list = Buffer.from('[]').toString('base64url')
    const twice = Buffer.from(`{"iss":"${ISSUER}","iss":"https://x"}`).toString('base64url')
    for (const token of [
      '',
      'x',
      '..',
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.x`,
      `${list}.${payload}.${signature}`,
      `${header}.${list}.${signature}`,
      `${header}.${twice}.${signature}`,
      `${header}.e30=x.${signature}`,
    ]) {
      await assert.rejects(verify(token), { code: 'InvalidIdentityTokenException' }, token)
    }
    await refuses('x', NOT_A_JWT)
  })

  test('are of a provider that the account knows', async () => {
    const stranger = 'https://token.example.com'
    for (const iss of [
      stranger,
      `${ISSUER}/`,
      `https://${URL.toUpperCase()}`,
      'x',
      `ftp://${URL}`,
    ]) {
      await refuses(
        claimsWith({ iss }),
        `No OpenIDConnect provider found in your account for ${iss}`,
      )
    }
    await refuses(claimsWith({ iss: undefined }), 'Missing a required claim: iss')
    await assert.rejects(verify(signToken(rsa, CLAIMS), TIME, OTHER), /No OpenIDConnect provider/)
    assert.deepEqual(documents.asked, [])
  })

  test('are for a client that the account named', async () => {
    await verify(claimsWith({ aud: ['x', 'second'] }))
    for (const aud of ['x', ['x', 'y'], 'APP']) {
      await refuses(claimsWith({ aud }), 'Incorrect token audience')
    }
    for (const aud of [undefined, 5, [], [5]]) {
      await refuses(claimsWith({ aud }), 'Missing a required claim: aud')
    }
    const party = await verify(claimsWith({ azp: 'app', aud: 'api' }))
    assert.equal(party.audience, 'app')
    assert.equal(party.conditionKeys[`${URL}:aud`], 'app')
    assert.equal(party.conditionKeys[`${URL}:oaud`], 'api')
    assert.equal(party.conditionKeys[`${URL}:azp`], 'app')
    await refuses(claimsWith({ azp: 'x', aud: 'app' }), 'Incorrect token audience')
    await refuses(claimsWith({ azp: ['app'], aud: 'app' }), INVALID)
  })

  test('have their time, give or take a minute', async () => {
    await verify(claimsWith({ exp: SECONDS - 59 }))
    await refuses(
      claimsWith({ exp: SECONDS - 60 }),
      `Token expired: current date/time ${SECONDS} must be before the expiration date/time ${SECONDS - 60}`,
      'ExpiredIdentityTokenException',
    )
    for (const exp of [undefined, 'soon', null]) {
      await refuses(claimsWith({ exp }), 'Missing a required claim: exp')
    }
    for (const name of ['nbf', 'iat']) {
      await verify(claimsWith({ [name]: SECONDS + 60 }))
      await refuses(claimsWith({ [name]: SECONDS + 61 }), 'The token is not valid yet')
      await refuses(claimsWith({ [name]: 'now' }), INVALID)
    }
    await verify(claimsWith({ iat: undefined }))
  })

  test('name a subject of at most 255 characters', async () => {
    for (const sub of [undefined, '', 5]) {
      await refuses(claimsWith({ sub }), 'Missing a required claim: sub')
    }
    await verify(claimsWith({ sub: 'x'.repeat(255) }))
    await refuses(claimsWith({ sub: 'x'.repeat(256) }), INVALID)
  })

  test('may ask for session tags and a source identity', async () => {
    const tags = { principal_tags: { Team: ['blue'] }, transitive_tag_keys: ['Team'] }
    const asked = claimsWith({
      'https://aws.amazon.com/tags': tags,
      'https://aws.amazon.com/source_identity': 'alice',
    })
    assert.deepEqual((await verify(asked)).tags, {
      tags: [{ Key: 'Team', Value: 'blue' }],
      transitiveTagKeys: ['Team'],
      sourceIdentity: 'alice',
    })
    for (const claim of [
      'x',
      { principal_tags: { Team: 'blue' } },
      { principal_tags: { Team: ['a', 'b'] } },
      { principal_tags: { 'a?b': ['x'] } },
      { principal_tags: [], transitive_tag_keys: [] },
      { transitive_tag_keys: [5] },
    ]) {
      await refuses(claimsWith({ 'https://aws.amazon.com/tags': claim }), INVALID)
    }
    for (const claim of ['x', 5, 'a b']) {
      await refuses(claimsWith({ 'https://aws.amazon.com/source_identity': claim }), INVALID)
    }
  })

  test('of a set with several keys of one id are tried with each of them', async () => {
    const third = newSigningKey('ES256', 'rsa-1')
    documents.publish(ISSUER, jwksOf(other, third, rsa))
    await verify(signToken(rsa, CLAIMS))
    await verify(signToken(rsa, CLAIMS, { alg: 'RS256' }))
    documents.publish(ISSUER, jwksOf(...Array.from({ length: 8 }, () => other), rsa))
    machineTime = plusMs(machineTime, 3_600_000)
    await refuses(signToken(rsa, CLAIMS), INVALID)
  })

  test('are verified whatever else is in the set', async () => {
    documents.publish(ISSUER, JSON.stringify({ keys: [{ ...rsa.jwk, key_ops: 5 }, rsa.jwk] }))
    await verify(signToken(rsa, CLAIMS))
  })
  test('are not verified with keys that are for something else, or too large', async () => {
    for (const change of [
      { use: 'enc' },
      { key_ops: ['encrypt'] },
      { alg: 'RS512' },
      { alg: 'RSA-OAEP' },
      { n: 'A'.repeat(1367) },
      { e: 'AQABAQAB' },
      { n: undefined },
      { kid: 5 },
      { kid: undefined },
    ]) {
      documents.publish(ISSUER, JSON.stringify({ keys: [{ ...rsa.jwk, ...change }] }))
      machineTime = plusMs(machineTime, 3_600_000)
      await refuses(signToken(rsa, CLAIMS), NO_KEY)
    }
  })

  test('ask for keys once an hour, and again for an id that is not known', async () => {
    await verify(signToken(rsa, CLAIMS))
    await verify(signToken(rsa, CLAIMS))
    assert.equal(documents.asked.length, 2)
    machineTime = plusMs(machineTime, 3_599_999)
    await verify(signToken(rsa, CLAIMS))
    assert.equal(documents.asked.length, 2)
    const next = newSigningKey('RS256', 'rsa-2')
    documents.publish(ISSUER, jwksOf(rsa, next))
    await verify(signToken(next, CLAIMS))
    assert.equal(documents.asked.length, 4)
    const unknown = newSigningKey('RS256', 'rsa-3')
    await refuses(signToken(unknown, CLAIMS), NO_KEY)
    await refuses(signToken(unknown, CLAIMS), NO_KEY)
    assert.equal(documents.asked.length, 4, 'not again within a minute')
    machineTime = plusMs(machineTime, 60_000)
    await refuses(signToken(unknown, CLAIMS), NO_KEY)
    assert.equal(documents.asked.length, 6)
  })

  test('that come together ask once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => verify(signToken(rsa, CLAIMS))))
    assert.equal(documents.asked.length, 2)
  })

  test('are verified with the last keys for a day while the provider is away', async () => {
    await verify(signToken(rsa, CLAIMS))
    documents.texts.clear()
    documents.failure = new DependencyError('away')
    machineTime = plusMs(machineTime, 86_399_999)
    await verify(signToken(rsa, CLAIMS))
    machineTime = plusMs(machineTime, 60_000)
    const message = 'The identity provider could not be reached to verify the token'
    await refuses(signToken(rsa, CLAIMS), message, 'IDPCommunicationErrorException')
    const { length } = documents.asked
    assert.equal(told.at(-1), `{"provider":"${ISSUER}","reason":"away"}`)
    await refuses(signToken(rsa, CLAIMS), message, 'IDPCommunicationErrorException')
    assert.equal(documents.asked.length, length, 'a failure is not asked about at once')
    documents.publish(ISSUER, jwksOf(rsa))
    machineTime = plusMs(machineTime, 10_000)
    await verify(signToken(rsa, CLAIMS))
  })

  test('are refused where the provider describes itself wrongly', async () => {
    const description = `${ISSUER}/.well-known/openid-configuration`
    for (const text of [
      'x',
      '[]',
      '{}',
      JSON.stringify({ issuer: 'https://other.example.com', jwks_uri: `${ISSUER}/keys` }),
      JSON.stringify({ issuer: ISSUER, jwks_uri: 5 }),
    ]) {
      documents.texts.set(description, text)
      await refuses(signToken(rsa, CLAIMS), NO_KEY)
      machineTime = plusMs(machineTime, 10_000)
    }
    for (const jwks of ['x', '{}', '{"keys":{}}', `{"keys":[${'{},'.repeat(100)}{}]}`]) {
      documents.publish(ISSUER, jwks)
      await refuses(signToken(rsa, CLAIMS), NO_KEY)
      machineTime = plusMs(machineTime, 10_000)
    }
  })

  test('are verified with the keys that an operator gave, and then nothing is asked', async () => {
    const given = newSigningKey('ES256', 'given')
    await records.transaction((tx) =>
      tx.insert(OIDC_KEYS, { url: URL, jwks: jwksOf(given), updatedAt: TIME }),
    )
    await verify(signToken(given, CLAIMS))
    await refuses(signToken(rsa, CLAIMS), NO_KEY)
    assert.deepEqual(documents.asked, [])
  })

  test('of a provider with claims that AWS knows may be told apart by them', async () => {
    const url = 'token.actions.githubusercontent.com'
    const iss = `https://${url}`
    await records.transaction((tx) =>
      tx.insert(OIDC_PROVIDERS, {
        accountId: ACCOUNT,
        url,
        clientIds: ['app'],
        thumbprints: [],
        createdAt: TIME,
        tags: {},
      }),
    )
    documents.publish(iss, jwksOf(rsa))
    const { conditionKeys, sessionKeys } = await verify(
      claimsWith({ iss, repository: 'a/b', unknown: 'x' }),
    )
    assert.equal(conditionKeys[`${url}:repository`], 'a/b')
    assert.equal(conditionKeys[`${url}:unknown`], undefined)
    assert.equal(sessionKeys[`${url}:repository`], undefined)
  })
})
