import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  asInfrastructure,
  infrastructureArn,
  onBehalfOf,
} from '../../src/pipeline/service-callers.ts'
import { accountId, callBy, sessionPrincipal, userPrincipal } from '../support/principals.ts'
import {
  ACCOUNT,
  denied,
  MANAGE,
  OWN,
  policyOf,
  REGION,
  ROOT,
  ServiceBench,
  statement,
} from '../support/service-bench.ts'
import { createKey, refused, succeeded, type WireChange } from '../support/wire-client.ts'

const SERVICE = 'ssm.amazonaws.com'
const VIA = 'ssm.eu-central-1.amazonaws.com'
const SOURCE = `arn:aws:ssm:eu-central-1:${ACCOUNT}:parameter/x`

/** What only a service or the connection can make true: the condition key, and the claim. */
const CLAIMS: readonly (readonly [key: string, claim: string])[] = [
  ['kms:ViaService', VIA],
  ['aws:CalledVia', SERVICE],
  ['aws:CalledViaFirst', SERVICE],
  ['aws:CalledViaLast', SERVICE],
  ['aws:SourceArn', SOURCE],
  ['aws:SourceAccount', ACCOUNT],
  ['aws:PrincipalServiceName', SERVICE],
  ['aws:PrincipalServiceNamesList', SERVICE],
  ['aws:SourceVpc', 'vpc-1'],
  ['aws:SourceVpce', 'vpce-1'],
  ['aws:VpcSourceIp', '10.0.0.1'],
  ['aws:PrincipalOrgID', 'o-1'],
  ['aws:PrincipalTag/Team', 'blue'],
  ['aws:username', 'admin'],
  ['aws:TokenIssueTime', '2026-01-01T00:00:00Z'],
  ['aws:MultiFactorAuthPresent', 'true'],
  ['aws:SourceIdentity', 'admin'],
  ['aws:FederatedProvider', 'accounts.example.com'],
  ['aws:TlsVersion', '1.3'],
  ['kms:RecipientAttestation:PCR0', '00'],
]
/** Booleans that are false for everybody who calls from outside. */
const FALSE = ['aws:ViaAWSService', 'aws:PrincipalIsAWSService', 'aws:SecureTransport']
/** What is true of the caller, and what it claims instead. */
const OTHERWISE: readonly (readonly [key: string, truth: string, claim: string])[] = [
  ['kms:CallerAccount', ACCOUNT, '444455556666'],
  ['aws:PrincipalAccount', ACCOUNT, '444455556666'],
  ['aws:PrincipalArn', ROOT, `arn:aws:iam::${ACCOUNT}:role/admin`],
  ['aws:PrincipalType', 'Account', 'AssumedRole'],
  ['aws:userid', ACCOUNT, 'AROAEXAMPLEEXAMPLE:s'],
  ['aws:SourceIp', '127.0.0.1', '203.0.113.7'],
  ['aws:RequestedRegion', 'eu-central-1', 'us-east-1'],
  ['aws:ResourceAccount', ACCOUNT, '444455556666'],
]
const ALL_CLAIMS: readonly (readonly [string, string])[] = [
  ...CLAIMS,
  ...FALSE.map((key) => [key, 'true'] as const),
  ...OTHERWISE.map(([key, , claim]) => [key, claim] as const),
  ['kms:GrantIsForAWSResource', 'true'],
]

/** `kms:ViaService` in the spellings that a header can have. */
const spellings = (key: string): readonly string[] => {
  const lower = key.toLowerCase().replaceAll(/[:/]/g, '-')
  const bare = lower.replace(/^(aws|kms)-/, '')
  const words = key
    .replace(/^(aws|kms):/, '')
    .replaceAll(/[:/]/g, '-')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
    .toLowerCase()
  return [lower, bare, words].flatMap((name) => [name, `x-amz-${name}`, `x-amzn-${name}`])
}

/** Signed, so that they count as the client's own word. */
const HEADERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ALL_CLAIMS.flatMap(([key, claim]) => spellings(key).map((name) => [name, claim])),
  ),
  'x-amz-invoked-by': SERVICE,
  'x-amz-forward-access-session': 'AAAA',
  'x-amz-source-arn': SOURCE,
  'x-amz-source-account': ACCOUNT,
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': VIA,
  'x-forwarded-ssl': 'on',
  'x-real-ip': '203.0.113.7',
  forwarded: `for=203.0.113.7;proto=https;by=${SERVICE}`,
  via: `1.1 ${SERVICE}`,
  from: SERVICE,
  origin: `https://${SERVICE}`,
  referer: `https://${SERVICE}/?aws:ViaAWSService=true`,
  'user-agent': `${SERVICE} AWS Internal aws:ViaAWSService=true kms:ViaService=${VIA} aws:SourceArn=${SOURCE}`,
}

const QUERY = ALL_CLAIMS.flatMap(([key, claim]) => [
  [key, claim],
  [key.replace(/^(aws|kms):/, ''), claim],
])
  .map((pair) => pair.map((text) => encodeURIComponent(text ?? '')).join('='))
  .sort()
  .join('&')

/** Members that no operation has, among them those of our own records of a call. */
const MEMBERS: object = {
  ...Object.fromEntries(
    ALL_CLAIMS.flatMap(([key, claim]) => [
      [key, claim],
      [key.replace(/^(aws|kms):/, ''), claim],
    ]),
  ),
  via: { viaService: VIA, calledVia: [SERVICE] },
  source: { arn: SOURCE, accountId: ACCOUNT },
  origin: { via: { viaService: VIA, calledVia: [SERVICE] } },
  call: { via: { viaService: VIA, calledVia: [SERVICE] } },
  caller: { principal: { type: 'Service', serviceNames: [SERVICE] } },
  connection: { remoteAddress: '203.0.113.7', protectedBy: 'process' },
  principal: { type: 'Service', serviceNames: [SERVICE] },
  context: Object.fromEntries(ALL_CLAIMS),
}

type Forgery = readonly [how: string, input: (input: object) => object | string, change: WireChange]

const unchanged = (input: object): object => input
/** A request has at most 100 headers. */
const HEADERS_AT_ONCE = 80
const headerGroups = (headers: Readonly<Record<string, string>>) => {
  const entries = Object.entries(headers)
  return Array.from({ length: Math.ceil(entries.length / HEADERS_AT_ONCE) }, (_, at) =>
    Object.fromEntries(entries.slice(at * HEADERS_AT_ONCE, (at + 1) * HEADERS_AT_ONCE)),
  )
}
/** What the front end lets pass without a signature. */
const UNSIGNED = Object.fromEntries(
  Object.entries(HEADERS).filter(([name]) => !name.startsWith('x-amz-')),
)

const FORGERIES: readonly Forgery[] = [
  ...headerGroups(HEADERS).map(
    (headers, at): Forgery => [`headers (${at})`, unchanged, { headers }],
  ),
  ...headerGroups(UNSIGNED).map(
    (headers, at): Forgery => [
      `headers that nobody signed (${at})`,
      unchanged,
      { unsignedHeaders: headers },
    ],
  ),
  ...headerGroups(HEADERS).map(
    (headers, at): Forgery => [
      `headers, read by node:http (${at})`,
      unchanged,
      { headers, unsignedHeaders: { 'transfer-encoding': 'chunked' } },
    ],
  ),
  ['the query', unchanged, { path: `/?${QUERY}` }],
  ['members of the body', (input) => ({ ...MEMBERS, ...input }), {}],
  ['prototypes in the body', (input) => ({ constructor: { prototype: MEMBERS }, ...input }), {}],
  [
    'the encryption context',
    (input) => ({ ...input, EncryptionContext: Object.fromEntries(ALL_CLAIMS) }),
    {},
  ],
]

describe('who calls from outside', () => {
  let bench: ServiceBench

  before(async () => {
    bench = await ServiceBench.open()
  })
  after(() => bench.close())

  /** Whether a request with a forgery encrypts under a key with this policy. */
  async function encrypts([, input, change]: Forgery, ...statements: readonly object[]) {
    const { id } = await createKey(bench.kms, { Policy: policyOf(MANAGE, ...statements) })
    const request = input({ KeyId: id, Plaintext: 'AAAA' })
    const answer = await bench.kms.kms('Encrypt', request, change)
    if (answer.status === 200) return true
    refused(answer, 'AccessDeniedException', /is not authorized to perform: kms:Encrypt/)
    return false
  }
  const allow = (condition?: object) => statement({ AWS: ROOT }, 'kms:Encrypt', condition)
  const deny = (condition: object) => ({
    ...statement({ AWS: '*' }, 'kms:Encrypt', condition),
    Effect: 'Deny',
  })

  for (const forgery of FORGERIES) {
    const [how] = forgery
    test(`cannot claim to be a service by ${how}`, async () => {
      assert.equal(await encrypts(forgery, allow()), true, 'the request is otherwise in order')
      for (const [key, claim] of CLAIMS) {
        assert.equal(await encrypts(forgery, allow({ StringEquals: { [key]: claim } })), false, key)
        assert.equal(await encrypts(forgery, allow({ StringLike: { [key]: '*' } })), false, key)
        assert.equal(await encrypts(forgery, allow({ Null: { [key]: 'false' } })), false, key)
        assert.equal(await encrypts(forgery, allow({ Null: { [key]: 'true' } })), true, key)
        const unless = deny({ StringNotEquals: { [key]: claim } })
        assert.equal(await encrypts(forgery, allow(), unless), false, key)
      }
      for (const key of FALSE) {
        assert.equal(await encrypts(forgery, allow({ Bool: { [key]: 'true' } })), false, key)
        assert.equal(await encrypts(forgery, allow({ Bool: { [key]: 'false' } })), true, key)
      }
      for (const [key, truth, claim] of OTHERWISE) {
        assert.equal(await encrypts(forgery, allow({ StringEquals: { [key]: claim } })), false, key)
        assert.equal(await encrypts(forgery, allow({ StringEquals: { [key]: truth } })), true, key)
      }
    })

    test(`is let in by no statement for a service, nor has grants for its resources, by ${how}`, async () => {
      for (const name of [SERVICE, VIA]) {
        assert.equal(
          await encrypts(forgery, statement({ Service: name }, 'kms:Encrypt')),
          false,
          name,
        )
      }
      const [, input, change] = forgery
      const forResources = { Bool: { 'kms:GrantIsForAWSResource': 'true' } }
      const keyId = await bench.keyWith(
        MANAGE,
        statement({ AWS: ROOT }, 'kms:CreateGrant', forResources),
      )
      const request = { KeyId: keyId, GranteePrincipal: ROOT, Operations: ['Decrypt'] }
      if (how === 'the encryption context') return
      refused(
        await bench.kms.kms('CreateGrant', input(request), change),
        'AccessDeniedException',
        /kms:CreateGrant/,
      )
    })

    test(`cannot have an AWS managed key used by ${how}`, async () => {
      const place = { accountId: accountId(ACCOUNT), region: REGION }
      const keyId = await bench.node.kms.ensureAwsManagedKey('ssm', place)
      const [, input, change] = forgery
      refused(
        await bench.kms.kms('Encrypt', input({ KeyId: keyId, Plaintext: 'AAAA' }), change),
        'AccessDeniedException',
        /because no resource-based policy allows the kms:Encrypt action$/,
      )
    })

    test(`is on the record as who it is, whatever it says by ${how}`, async () => {
      const { id } = await createKey(bench.kms)
      const [, input, change] = forgery
      const answer = await bench.kms.kms('Encrypt', input({ KeyId: id, Plaintext: 'AAAA' }), change)
      succeeded(answer)
      const record = bench.node.sink.record(answer.requestId)
      assert.equal(record['sourceIPAddress'], '127.0.0.1')
      assert.deepEqual(record['userIdentity'], {
        type: 'Root',
        principalId: ACCOUNT,
        arn: ROOT,
        accountId: ACCOUNT,
        accessKeyId: ACCOUNT,
      })
    })
  }

  test('puts nothing under the members of a request', async () => {
    const { id } = await createKey(bench.kms)
    const text = JSON.stringify({ KeyId: id, Plaintext: 'AAAA' })
    refused(
      await bench.kms.kms('Encrypt', text.replace('{', `{"__proto__":${JSON.stringify(MEMBERS)},`)),
      'SerializationException',
      'Member name is not allowed: __proto__',
    )
  })

  test('is no infrastructure, whatever the name', async () => {
    const machine = {
      accountId: accountId(ACCOUNT),
      region: REGION,
      service: 'ec2',
      id: 'i-0a1b2c3d',
    }
    const keyId = await bench.keyWith(OWN)
    await bench.node.kms.call(onBehalfOf(bench.user, 'ec2'), 'CreateGrant', {
      KeyId: keyId,
      GranteePrincipal: infrastructureArn(machine),
      Operations: ['Encrypt'],
    })
    const { identities } = bench
    const principals = [
      userPrincipal(await identities.addUser(ACCOUNT, '/aws:ec2-infrastructure/i-0a1b2c3d')),
      userPrincipal(
        await identities.addUser(ACCOUNT, '/assumed-role/aws:ec2-infrastructure/i-0a1b2c3d.'),
      ),
      sessionPrincipal(await identities.addRole(ACCOUNT, '/aws-ec2-infrastructure'), machine.id),
      sessionPrincipal(
        await identities.addRole(ACCOUNT, '/aws:ec2-infrastructure/role'),
        machine.id,
      ),
    ]
    for (const principal of principals) {
      await assert.rejects(
        bench.encrypt(onBehalfOf(callBy(principal), 'ec2'), keyId),
        denied(/no identity-based policy/),
      )
    }
    await bench.encrypt(asInfrastructure(machine), keyId)
    for (const principal of [
      infrastructureArn(machine),
      `arn:aws:iam::${ACCOUNT}:role/aws:ec2-infrastructure`,
    ]) {
      const Policy = policyOf(OWN, statement({ AWS: principal }, 'kms:*'))
      refused(
        await bench.kms.kms('PutKeyPolicy', { KeyId: keyId, Policy }),
        'MalformedPolicyDocumentException',
        /one or more invalid principals/,
      )
    }
  })
})
