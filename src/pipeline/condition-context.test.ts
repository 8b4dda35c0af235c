import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountId, callBy, regionOf, rootOfAccount } from '../../test/support/principals.ts'
import type { ConditionValue } from '../authz/access-request.ts'
import type { Permission } from '../authz/permission.ts'
import { instant } from '../core/ids.ts'
import type { Principal, SessionFacts } from '../core/principal.ts'
import type { Call } from './call.ts'
import { CallContext } from './condition-context.ts'
import { asInfrastructure, asServicePrincipal, onBehalfOf } from './service-callers.ts'

const ACCOUNT = '111122223333'
const TIME = instant(Date.UTC(2026, 0, 15, 10, 0, 30, 250))
const MINUTE_MS = 60_000
const TLS = { version: 'TLSv1.3', cipherSuite: 'TLS_AES_256_GCM_SHA384' }

const USER: Principal = {
  ...rootOfAccount(ACCOUNT),
  type: 'User',
  arn: `arn:aws:iam::${ACCOUNT}:user/team/alice`,
  principalArn: `arn:aws:iam::${ACCOUNT}:user/team/alice`,
  uniqueId: 'AIDAALICE',
  userId: 'AIDAALICE',
  userName: 'alice',
  tags: { Team: 'blue' },
}
const FACTS: SessionFacts = {
  issuedAt: instant(TIME - 10 * MINUTE_MS),
  expiresAt: instant(TIME + 50 * MINUTE_MS),
  tags: {},
  transitiveTagKeys: [],
  policyArns: [],
}
const SESSION: Principal = {
  ...USER,
  type: 'AssumedRole',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/reader/s`,
  principalArn: `arn:aws:iam::${ACCOUNT}:role/team/reader`,
  uniqueId: 'AROAREADER',
  userId: 'AROAREADER:s',
  userName: undefined,
  session: {
    ...FACTS,
    mfaAt: instant(TIME - 5 * MINUTE_MS),
    sourceIdentity: 'alice@example.com',
    federatedProvider: `arn:aws:iam::${ACCOUNT}:oidc-provider/token.example.com`,
    federatedKeys: {
      'token.example.com:sub': 'repo',
      'kms:viaservice': 'ssm.eu-central-1.amazonaws.com',
      'aws:sourcearn': 'arn:aws:s3:::bucket',
    },
  },
}

const called = (origin: Partial<Call>): Call => ({
  ...callBy(USER),
  connection: { remoteAddress: '192.0.2.1' },
  userAgent: 'aws-cli/2',
  host: 'localhost',
  service: 'kms',
  operation: 'Encrypt',
  requestId: 'r',
  time: TIME,
  ...origin,
})
const BY_USER = called({})
const BY_SESSION = called({
  ...callBy(SESSION),
  connection: { remoteAddress: '2001:db8::1', tls: TLS },
})
const BY_ROOT = called({
  ...callBy(rootOfAccount(ACCOUNT)),
  referer: 'https://example.com/',
  userAgent: '',
})
const PROXIED = called({ connection: { remoteAddress: '192.0.2.9', protectedBy: 'proxy' } })
const LOCAL = called({ connection: { remoteAddress: 'local' } })
const FORWARDED = called(onBehalfOf(onBehalfOf(BY_USER, 'codebuild'), 's3'))
const BY_SERVICE = called(
  asServicePrincipal({
    service: 'logs',
    region: regionOf('eu-central-1'),
    sourceArn: 'arn:aws:logs:eu-central-1:111122223333:log-group:app',
    sourceAccount: accountId(ACCOUNT),
  }),
)
const BY_MACHINE = called(
  asInfrastructure({
    accountId: accountId(ACCOUNT),
    region: regionOf('eu-central-1'),
    service: 'ec2',
    id: 'i-1',
  }),
)
const NOTHING: Permission = { action: 'kms:ListKeys' }
const KEY: Permission = {
  action: 'kms:TagResource',
  resource: {
    accountId: accountId('444455556666'),
    arn: 'arn:aws:kms:eu-central-1:444455556666:key/k',
    tags: { Stage: 'prod' },
  },
  requestTags: { Cost: '7', Stage: 'dev' },
  region: regionOf('us-east-1'),
}

/** A key, a call, a permission, and what the key is then. Source: IAM User Guide, AWS global condition context keys. */
const EXPECTED: readonly (readonly [string, Call, Permission, ConditionValue | undefined])[] = [
  ['aws:principalarn', BY_USER, NOTHING, USER.arn],
  ['aws:principalarn', BY_SESSION, NOTHING, `arn:aws:iam::${ACCOUNT}:role/team/reader`],
  ['aws:principalarn', BY_ROOT, NOTHING, `arn:aws:iam::${ACCOUNT}:root`],
  ['aws:principalarn', FORWARDED, NOTHING, USER.arn],
  ['aws:principalarn', BY_SERVICE, NOTHING, undefined],
  ['aws:principalarn', BY_MACHINE, NOTHING, `arn:aws:iam::${ACCOUNT}:role/aws:ec2-infrastructure`],
  ['aws:principalaccount', BY_SESSION, NOTHING, ACCOUNT],
  ['aws:principalaccount', BY_SERVICE, NOTHING, undefined],
  ['aws:principaltype', BY_USER, NOTHING, 'User'],
  ['aws:principaltype', BY_SESSION, NOTHING, 'AssumedRole'],
  ['aws:principaltype', BY_ROOT, NOTHING, 'Account'],
  ['aws:principaltype', BY_SERVICE, NOTHING, undefined],
  ['aws:userid', BY_USER, NOTHING, 'AIDAALICE'],
  ['aws:userid', BY_SESSION, NOTHING, 'AROAREADER:s'],
  ['aws:userid', BY_ROOT, NOTHING, ACCOUNT],
  ['aws:userid', BY_SERVICE, NOTHING, undefined],
  ['aws:username', BY_USER, NOTHING, 'alice'],
  ['aws:username', BY_SESSION, NOTHING, undefined],
  ['aws:username', BY_ROOT, NOTHING, undefined],
  ['aws:principaltag/team', BY_USER, NOTHING, 'blue'],
  ['aws:principaltag/cost', BY_USER, NOTHING, undefined],
  ['aws:principaltag/constructor', BY_USER, NOTHING, undefined],
  ['aws:principalorgid', BY_USER, NOTHING, undefined],
  ['aws:principalisawsservice', BY_USER, NOTHING, 'false'],
  ['aws:principalisawsservice', FORWARDED, NOTHING, 'false'],
  ['aws:principalisawsservice', BY_SERVICE, NOTHING, 'true'],
  ['aws:principalservicename', BY_SERVICE, NOTHING, 'logs.amazonaws.com'],
  ['aws:principalservicename', FORWARDED, NOTHING, undefined],
  [
    'aws:principalservicenameslist',
    BY_SERVICE,
    NOTHING,
    ['logs.amazonaws.com', 'logs.eu-central-1.amazonaws.com'],
  ],
  ['aws:principalservicenameslist', BY_USER, NOTHING, undefined],
  ['aws:viaawsservice', BY_USER, NOTHING, 'false'],
  ['aws:viaawsservice', BY_SERVICE, NOTHING, 'false'],
  ['aws:viaawsservice', FORWARDED, NOTHING, 'true'],
  ['aws:calledvia', FORWARDED, NOTHING, ['codebuild.amazonaws.com', 's3.amazonaws.com']],
  ['aws:calledviafirst', FORWARDED, NOTHING, 'codebuild.amazonaws.com'],
  ['aws:calledvialast', FORWARDED, NOTHING, 's3.amazonaws.com'],
  ['aws:calledvia', BY_USER, NOTHING, undefined],
  ['aws:calledviafirst', BY_SERVICE, NOTHING, undefined],
  ['aws:calledvialast', BY_MACHINE, NOTHING, undefined],
  ['aws:sourcearn', BY_SERVICE, NOTHING, 'arn:aws:logs:eu-central-1:111122223333:log-group:app'],
  ['aws:sourcearn', FORWARDED, NOTHING, undefined],
  ['aws:sourcearn', BY_SESSION, NOTHING, undefined],
  ['aws:sourceaccount', BY_SERVICE, NOTHING, ACCOUNT],
  ['aws:sourceaccount', BY_USER, NOTHING, undefined],
  ['aws:resourceaccount', BY_USER, KEY, '444455556666'],
  ['aws:resourceaccount', BY_USER, NOTHING, undefined],
  ['aws:resourcetag/stage', BY_USER, KEY, 'prod'],
  ['aws:resourcetag/cost', BY_USER, KEY, undefined],
  ['aws:requesttag/stage', BY_USER, KEY, 'dev'],
  ['aws:requesttag/stage', BY_USER, NOTHING, undefined],
  ['aws:tagkeys', BY_USER, KEY, ['Cost', 'Stage']],
  ['aws:tagkeys', BY_USER, { ...NOTHING, tagKeys: ['Old'] }, ['Old']],
  ['aws:tagkeys', BY_USER, NOTHING, undefined],
  ['aws:requestedregion', BY_USER, NOTHING, 'eu-central-1'],
  ['aws:requestedregion', BY_USER, KEY, 'us-east-1'],
  ['aws:sourceip', BY_USER, NOTHING, '192.0.2.1'],
  ['aws:sourceip', BY_SESSION, NOTHING, '2001:db8::1'],
  ['aws:sourceip', PROXIED, NOTHING, '192.0.2.9'],
  ['aws:sourceip', LOCAL, NOTHING, undefined],
  ['aws:sourceip', FORWARDED, NOTHING, undefined],
  ['aws:sourceip', BY_SERVICE, NOTHING, undefined],
  ['aws:sourceip', BY_MACHINE, NOTHING, undefined],
  ['aws:sourcevpc', BY_USER, NOTHING, undefined],
  ['aws:securetransport', BY_USER, NOTHING, 'false'],
  ['aws:securetransport', BY_SESSION, NOTHING, 'true'],
  ['aws:securetransport', PROXIED, NOTHING, 'true'],
  ['aws:securetransport', FORWARDED, NOTHING, 'true'],
  ['aws:securetransport', BY_MACHINE, NOTHING, 'true'],
  ['aws:tlsversion', BY_SESSION, NOTHING, '1.3'],
  ['aws:tlsversion', BY_USER, NOTHING, undefined],
  ['aws:tlsversion', PROXIED, NOTHING, undefined],
  ['aws:currenttime', BY_USER, NOTHING, '2026-01-15T10:00:30Z'],
  ['aws:epochtime', BY_USER, NOTHING, String(Date.UTC(2026, 0, 15, 10, 0, 30) / 1000)],
  ['aws:tokenissuetime', BY_SESSION, NOTHING, '2026-01-15T09:50:30Z'],
  ['aws:tokenissuetime', BY_USER, NOTHING, undefined],
  ['aws:multifactorauthpresent', BY_SESSION, NOTHING, 'true'],
  ['aws:multifactorauthpresent', called(callBy({ ...USER, session: FACTS })), NOTHING, 'false'],
  ['aws:multifactorauthpresent', BY_USER, NOTHING, undefined],
  ['aws:multifactorauthage', BY_SESSION, NOTHING, '300'],
  ['aws:multifactorauthage', called(callBy({ ...USER, session: FACTS })), NOTHING, undefined],
  ['aws:sourceidentity', BY_SESSION, NOTHING, 'alice@example.com'],
  ['aws:sourceidentity', BY_USER, NOTHING, undefined],
  [
    'aws:federatedprovider',
    BY_SESSION,
    NOTHING,
    `arn:aws:iam::${ACCOUNT}:oidc-provider/token.example.com`,
  ],
  ['aws:federatedprovider', BY_USER, NOTHING, undefined],
  ['token.example.com:sub', BY_SESSION, NOTHING, 'repo'],
  ['token.example.com:sub', BY_USER, NOTHING, undefined],
  // What an identity provider calls like a key of ours.
  ['kms:viaservice', BY_SESSION, NOTHING, undefined],
  ['aws:useragent', BY_USER, NOTHING, 'aws-cli/2'],
  ['aws:useragent', BY_ROOT, NOTHING, undefined],
  ['aws:useragent', FORWARDED, NOTHING, 's3.amazonaws.com'],
  ['aws:referer', BY_ROOT, NOTHING, 'https://example.com/'],
  ['aws:referer', BY_USER, NOTHING, undefined],
  ['aws:nothing', BY_USER, KEY, undefined],
  ['constructor', BY_SESSION, KEY, undefined],
]

describe('the condition keys of a call', () => {
  for (const [key, call, permission, value] of EXPECTED) {
    const who = call.via === undefined ? call.caller.principal.type : 'via a service'
    const what = value === undefined ? 'absent' : JSON.stringify(value)
    test(`${key} is ${what} (${who})`, () => {
      assert.deepEqual(new CallContext(call, permission).get(key), value)
    })
  }

  test('that had to be waited for stand behind those of the service', () => {
    const slow = new Map([['kms:resourcealiases', ['alias/a']]])
    const serviceKey = (name: string) => (name === 'kms:keyspec' ? 'RSA_2048' : undefined)
    const context = new CallContext(BY_USER, { ...NOTHING, serviceKey }, slow)
    assert.deepEqual(context.get('kms:resourcealiases'), ['alias/a'])
    assert.equal(context.get('kms:keyspec'), 'RSA_2048')
    assert.equal(context.get('kms:keyusage'), undefined)
  })
})
