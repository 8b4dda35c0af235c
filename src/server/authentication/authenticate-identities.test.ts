import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import {
  AccountIdentities,
  policyOf,
  type TestKey,
} from '../../../test/support/account-identities.ts'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { ACCOUNT, KMS, NOW, type Signer, signedBy } from '../../../test/support/signed-by.ts'
import { ServiceError } from '../../core/errors.ts'
import type { User } from '../../core/identity.ts'
import { instant, parseAccountId } from '../../core/ids.ts'
import type { SessionFacts } from '../../core/principal.ts'
import type { RecordStore } from '../../core/records.ts'
import { TABLES } from '../../core/tables.ts'
import type { HttpRequest } from '../../core/transport.ts'
import { createCustody } from '../../crypto/custody.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { IdentityUses } from '../../identity/identity-uses.ts'
import { type SessionSubject, SessionTokens } from '../../identity/session-tokens.ts'
import { Sessions } from '../../identity/sessions.ts'
import type { Identity, Service } from '../../pipeline/service.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import { Authenticator } from './authenticate.ts'

const OTHER = parseAccountId('444455556666') ?? assert.fail()
const TRUST = policyOf({ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' })
const FACTS: SessionFacts = {
  issuedAt: instant(NOW),
  expiresAt: instant(NOW),
  tags: {},
  transitiveTagKeys: [],
  policyArns: [],
}

interface TestSession extends Signer {
  readonly token: string
}

describe('authentication of users and sessions', () => {
  const random = seededRandom('identities')
  const sessionKey = createSecretKey(new Uint8Array(32).fill(3))
  let now = instant(NOW)
  const clock = { now: () => now }
  const machine = { now: () => instant(NOW) }
  let records: RecordStore
  let identities: AccountIdentities
  let sessions: Sessions
  let uses: IdentityUses
  let authenticator: Authenticator
  let alice: User
  let key: TestKey

  const newAuthenticator = (isOpen = false): Authenticator =>
    new Authenticator(
      {
        records,
        clock,
        machine,
        sessions: new Sessions(new SessionTokens(sessionKey, random), random),
        uses,
        openAccount: isOpen ? OTHER : undefined,
      },
      new Uint8Array(32),
    )

  beforeEach(async () => {
    now = instant(NOW)
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    const custody = await createCustody({ seal: memorySeal(random), random, clock })
    records = createRecordStore({ rows, guard: custody, cacheRecords: 100 })
    identities = new AccountIdentities(records, ACCOUNT)
    uses = new IdentityUses({ records, clock, machine })
    sessions = new Sessions(new SessionTokens(sessionKey, random), random)
    authenticator = newAuthenticator()
    alice = await identities.user('alice', { path: '/team/', tags: { Team: 'blue' } })
    key = await identities.accessKey(alice)
  })

  const identify = async (
    request: HttpRequest,
    service: Service = KMS,
    by = authenticator,
  ): Promise<Identity> => by.authenticate(request, service)

  const refuses = (request: HttpRequest, code: string, service = KMS, by = authenticator) =>
    assert.rejects(identify(request, service, by), (error) => {
      assert.ok(error instanceof ServiceError, String(error))
      assert.equal(error.code, code)
      return true
    })

  const session = (subject: SessionSubject, facts: Partial<SessionFacts> = {}): TestSession => {
    const issued = sessions.issue({
      accountId: ACCOUNT,
      subject,
      facts: { ...FACTS, ...facts },
      durationSeconds: 900,
    })
    using secret = issued.secretAccessKey
    return {
      accessKeyId: issued.accessKeyId,
      secretAccessKey: new TextDecoder().decode(secret.expose()),
      token: issued.sessionToken,
    }
  }

  const signed = (by: TestSession, region?: string): HttpRequest => signedBy(by, region, by.token)

  test('a user acts under its own name, tags and id', async () => {
    const { caller } = await identify(signedBy(key))
    const arn = `arn:aws:iam::${ACCOUNT}:user/team/alice`
    assert.deepEqual(caller.principal, {
      type: 'User',
      accountId: ACCOUNT,
      partition: 'aws',
      arn,
      principalArn: arn,
      uniqueId: alice.userId,
      userId: alice.userId,
      userName: 'alice',
      tags: { Team: 'blue' },
      session: undefined,
    })
    assert.deepEqual(JSON.parse(caller.userIdentityJson), {
      type: 'IAMUser',
      principalId: alice.userId,
      arn,
      accountId: ACCOUNT,
      accessKeyId: key.accessKeyId,
      userName: 'alice',
    })
  })

  test('all keys of a user share one principal, until the user changes', async () => {
    const second = await identities.accessKey(alice)
    const one = (await identify(signedBy(key))).caller.principal
    assert.equal((await identify(signedBy(second, 'us-east-1'))).caller.principal, one)
    const again = authenticator.authenticate(signedBy(key), KMS)
    assert.ok(!(again instanceof Promise), 'what is at hand is not waited for')
    await identities.changeUser(alice, { tags: { Team: 'red' } })
    const changed = (await identify(signedBy(key))).caller.principal
    assert.deepEqual(changed.tags, { Team: 'red' })
    assert.equal((await identify(signedBy(second))).caller.principal, changed)
  })

  test('a key that is inactive or deleted, or whose user is gone, is nobody’s', async () => {
    for (const status of ['Inactive', 'Deleted'] as const) {
      await identities.changeKey(key, status)
      await refuses(signedBy(key), 'UnrecognizedClientException')
      await refuses(signedBy(key), 'UnrecognizedClientException', KMS, newAuthenticator(true))
    }
    await identities.changeKey(key, 'Active')
    await identify(signedBy(key))
    await identities.removeUser(alice)
    await refuses(signedBy(key), 'UnrecognizedClientException')
    await refuses(signedBy(key), 'UnrecognizedClientException', KMS, newAuthenticator(true))
  })

  test('a wrong secret is a wrong signature, for users and sessions', async () => {
    const role = await identities.role('reader', TRUST)
    const good = session({ kind: 'role', id: role.roleId }, { name: 'one' })
    await refuses(signedBy({ ...key, secretAccessKey: 'x' }), 'InvalidSignatureException')
    await refuses(signed({ ...good, secretAccessKey: 'x' }), 'InvalidSignatureException')
    await refuses(
      signed({ ...good, secretAccessKey: key.secretAccessKey }),
      'InvalidSignatureException',
    )
  })

  test('a session of a role has the role’s tags under its own', async () => {
    const role = await identities.role('reader', TRUST, {
      path: '/team/',
      tags: { Team: 'blue', Cost: '1' },
    })
    const one = session(
      { kind: 'role', id: role.roleId },
      { name: 'one', tags: { team: 'red' }, sourceIdentity: 'alice' },
    )
    const { caller } = await identify(signed(one))
    const { principal } = caller
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/team/reader`
    assert.equal(principal.arn, `arn:aws:sts::${ACCOUNT}:assumed-role/reader/one`)
    assert.equal(principal.principalArn, roleArn)
    assert.equal(principal.userId, `${role.roleId}:one`)
    assert.deepEqual(principal.tags, { Cost: '1', team: 'red' })
    assert.deepEqual(JSON.parse(caller.userIdentityJson), {
      type: 'AssumedRole',
      principalId: `${role.roleId}:one`,
      arn: principal.arn,
      accountId: ACCOUNT,
      accessKeyId: one.accessKeyId,
      sessionContext: {
        sessionIssuer: {
          type: 'Role',
          principalId: role.roleId,
          arn: roleArn,
          accountId: ACCOUNT,
          userName: 'reader',
        },
        attributes: { creationDate: '2026-01-02T03:04:05Z', mfaAuthenticated: 'false' },
        sourceIdentity: 'alice',
      },
    })
    assert.equal((await identify(signed(one, 'us-east-1'))).caller, caller)
    await refuses(signed(one, 'cn-north-1'), 'UnrecognizedClientException')
  })

  test('a session of a user acts as the user, and one of a federated user by its own name', async () => {
    const own = await identify(signed(session({ kind: 'user', id: alice.userId })))
    assert.equal(own.caller.principal.arn, `arn:aws:iam::${ACCOUNT}:user/team/alice`)
    assert.ok(own.caller.principal.session)
    const about = { name: 'bob', issuerId: alice.userId, tags: { Team: 'green' } }
    const bob = await identify(signed(session({ kind: 'federated' }, about)))
    assert.equal(bob.caller.principal.type, 'FederatedUser')
    assert.equal(bob.caller.arn, `arn:aws:sts::${ACCOUNT}:federated-user/bob`)
    assert.equal(bob.caller.userId, `${ACCOUNT}:bob`)
    assert.deepEqual(bob.caller.principal.tags, { Team: 'green' })
    assert.match(bob.caller.userIdentityJson, /"sessionIssuer":\{"type":"IAMUser"/)
    await identities.removeUser(alice)
    await refuses(
      signed(session({ kind: 'user', id: alice.userId })),
      'UnrecognizedClientException',
    )
    await refuses(signed(session({ kind: 'federated' }, about)), 'UnrecognizedClientException')
  })

  test('a root’s sessions outlive nothing but their time', async () => {
    const root = await identify(signed(session({ kind: 'root' })))
    assert.equal(root.caller.arn, `arn:aws:iam::${ACCOUNT}:root`)
    const about = { name: 'bob', issuerId: ACCOUNT }
    const bob = await identify(signed(session({ kind: 'federated' }, about)))
    assert.match(bob.caller.userIdentityJson, /"sessionIssuer":\{"type":"Root"/)
  })

  test('a session ends by the service’s clock, to the millisecond', async () => {
    const one = session({ kind: 'user', id: alice.userId })
    now = instant(NOW + 899_999)
    await identify(signed(one))
    now = instant(NOW + 900_000)
    await refuses(signed(one), 'ExpiredTokenException')
    await refuses(signed({ ...one, secretAccessKey: 'x' }), 'ExpiredTokenException')
  })

  test('deleting a role ends its sessions, and one of its name does not bring them back', async () => {
    const role = await identities.role('reader', TRUST)
    const one = session({ kind: 'role', id: role.roleId }, { name: 'one' })
    await identify(signed(one))
    await identities.removeRole(role)
    await refuses(signed(one), 'UnrecognizedClientException')
    await identities.role('reader', TRUST)
    await refuses(signed(one), 'UnrecognizedClientException')
  })

  test('a token belongs to one access key id, and each of its characters counts', async () => {
    const one = session({ kind: 'user', id: alice.userId })
    const two = session({ kind: 'user', id: alice.userId })
    await identify(signed(one))
    await refuses(signed({ ...one, token: two.token }), 'UnrecognizedClientException')
    await refuses(signed({ ...one, accessKeyId: two.accessKeyId }), 'UnrecognizedClientException')
    await refuses(signedBy(one), 'UnrecognizedClientException')
    await refuses(signed({ ...one, token: '' }), 'UnrecognizedClientException')
    await refuses(signed({ ...key, token: one.token }), 'UnrecognizedClientException')
    for (let at = 0; at < one.token.length; at += 7) {
      const other = one.token[at] === 'A' ? 'B' : 'A'
      const token = one.token.slice(0, at) + other + one.token.slice(at + 1)
      await refuses(signed({ ...one, token }), 'UnrecognizedClientException')
    }
    for (const token of [one.token.slice(0, -1), `${one.token}A`, `${one.token}=`]) {
      await refuses(signed({ ...one, token }), 'UnrecognizedClientException')
    }
    await identify(signed(one))
  })

  test('where any secret is accepted a session is still what it is', async () => {
    const open = newAuthenticator(true)
    const one = session({ kind: 'user', id: alice.userId })
    const { caller } = await identify(signed(one), KMS, open)
    assert.equal(caller.principal.userName, 'alice')
    await refuses(signed({ ...one, secretAccessKey: 'x' }), 'InvalidSignatureException', KMS, open)
    const tampered = { ...one, token: `${one.token.slice(0, -1)}_` }
    await refuses(signed(tampered), 'UnrecognizedClientException', KMS, open)
    await refuses(signedBy(one), 'UnrecognizedClientException', KMS, open)
    const aws = { ...one, accessKeyId: 'ASIAIOSFODNN7EXAMPLE', token: 'IQoJb3JpZ2luX2VjEXAMPLE' }
    assert.equal((await identify(signed(aws), KMS, open)).caller.accountId, OTHER)
    await refuses(signed(aws), 'UnrecognizedClientException')
  })

  test('a service may be closed to the sessions of users', async () => {
    const iam: Service = { ...KMS, isClosedToUserSessions: true }
    const role = await identities.role('reader', TRUST)
    await identify(signed(session({ kind: 'role', id: role.roleId }, { name: 'one' })), iam)
    await identify(signedBy(key), iam)
    for (const subject of [
      { kind: 'user', id: alice.userId },
      { kind: 'federated' },
      { kind: 'root' },
    ] as const) {
      await refuses(signed(session(subject, { name: 'bob' })), 'UnrecognizedClientException', iam)
    }
  })

  test('tells the last use of keys and roles', async () => {
    const role = await identities.role('reader', TRUST)
    assert.equal(await uses.lastUse(records, key.accessKeyId), undefined)
    await identify(signedBy(key))
    await refuses(
      signedBy({ ...key, secretAccessKey: 'x' }, 'us-east-1'),
      'InvalidSignatureException',
    )
    now = instant(NOW + 5000)
    await identify(signed(session({ kind: 'role', id: role.roleId }, { name: 'one' })))
    for (const round of ['held', 'noted']) {
      const use = { service: 'kms', region: 'eu-central-1' }
      assert.deepEqual(
        await uses.lastUse(records, key.accessKeyId),
        { id: key.accessKeyId, time: NOW, ...use },
        round,
      )
      assert.deepEqual(
        await uses.lastUse(records, role.roleId),
        { id: role.roleId, time: NOW + 5000, ...use },
        round,
      )
      await uses.noteAll()
    }
  })
})
