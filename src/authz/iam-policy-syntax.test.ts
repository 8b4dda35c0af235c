import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PolicyKind } from './policy-syntax.ts'
import { isPolicyText, policyProblem, policySize } from './policy-syntax.ts'

type Case = readonly [what: string, policy: unknown, problem: string | undefined]

const ALLOW = { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' }
const of = (...statements: readonly unknown[]): object => ({
  Version: '2012-10-17',
  Statement: statements,
})
const allow = (more: object): object => of({ ...ALLOW, ...more })

function check(kind: PolicyKind, cases: readonly Case[]): void {
  for (const [what, policy, problem] of cases) {
    test(`${problem === undefined ? 'take' : 'refuse'} ${what}`, () => {
      const text = typeof policy === 'string' ? policy : JSON.stringify(policy)
      assert.equal(policyProblem(text, kind), problem)
    })
  }
}

const SYNTAX = 'Syntax errors in policy.'
const LEGACY = 'The policy failed legacy parsing'
const VERSION = 'Policy document must be version 2012-10-17 or greater.'
const NO_ACTIONS = 'Policy statement must contain actions.'
const NO_RESOURCES = 'Policy statement must contain resources.'
const NO_VENDOR = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'

const IDENTITY: readonly Case[] = [
  ['one statement', { Version: '2012-10-17', Statement: ALLOW }, undefined],
  ['lists', allow({ Action: ['kms:*', '*'], Resource: ['*', 'arn:aws:kms:*:*:key/*'] }), undefined],
  ['negations', of({ Effect: 'Deny', NotAction: 'iam:*', NotResource: '*' }), undefined],
  ['an Id', { ...of(ALLOW), Id: 'anything' }, undefined],
  ['an ARN that is not finished', allow({ Resource: 'arn:aws:kms' }), undefined],
  ['variables', allow({ Resource: 'arn:aws:iam::*:user/${aws:username}' }), undefined],
  ['a condition without keys', allow({ Condition: { Anything: {} } }), undefined],
  ['a condition without values', allow({ Condition: { Bool: { 'aws:x': [] } } }), undefined],
  ['two statements without Sid', of({ ...ALLOW, Sid: '' }, { ...ALLOW, Sid: '' }), undefined],
  [
    'dates',
    allow({ Condition: { DateLessThan: { a: ['2026-01-01T00:00:00Z', '1767225600'] } } }),
    undefined,
  ],
  ['no JSON', '{', SYNTAX],
  ['a list', '[]', SYNTAX],
  ['a repeated member', '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', SYNTAX],
  ['an unknown element', { ...of(ALLOW), Extra: 1 }, SYNTAX],
  ['an unknown element of a statement', allow({ Extra: 1 }), SYNTAX],
  ['another version', { Version: '2013-10-17', Statement: ALLOW }, SYNTAX],
  ['no statement', { Version: '2012-10-17' }, SYNTAX],
  ['an empty list of statements', of(), SYNTAX],
  ['a statement that is a text', of('x'), SYNTAX],
  ['an Id that is a list', { ...of(ALLOW), Id: [] }, SYNTAX],
  ['a Sid that is an object', allow({ Sid: {} }), SYNTAX],
  ['no effect', of({ Action: 'kms:*', Resource: '*' }), SYNTAX],
  ['an unknown effect', allow({ Effect: 'Maybe' }), SYNTAX],
  ['both of a pair', allow({ NotAction: 'iam:*' }), SYNTAX],
  ['an action that is a list', allow({ Action: [[]] }), SYNTAX],
  ['a condition that is a list', allow({ Condition: [] }), SYNTAX],
  ['an unknown operator', allow({ Condition: { x: { a: '1' } } }), SYNTAX],
  ['a value that is an object', allow({ Condition: { Bool: { a: {} } } }), SYNTAX],
  ['no version', { Statement: ALLOW }, VERSION],
  ['the first version', { Version: '2008-10-17', Statement: ALLOW }, VERSION],
  ['no version before anything else', { Statement: { Effect: 'allow' } }, VERSION],
  ['an effect in another case', allow({ Effect: 'allow' }), LEGACY],
  ['a date that is none', allow({ Condition: { DateLessThan: { a: 'tomorrow' } } }), LEGACY],
  ['an ARN that leaves out parts', allow({ Resource: 'arn:aws:s3::bucket' }), LEGACY],
  ['a principal', allow({ Principal: '*' }), 'Policy document should not specify a principal.'],
  [
    'a Sid with a space',
    allow({ Sid: 'a b' }),
    'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [A-Za-z0-9]*',
  ],
  [
    'two statements of one Sid',
    of({ ...ALLOW, Sid: 'a' }, { ...ALLOW, Sid: 'a' }),
    'Statement IDs (SID) in a single policy must be unique.',
  ],
  ['no actions', of({ Effect: 'Allow', Resource: '*' }), NO_ACTIONS],
  ['an empty list of actions', allow({ Action: [] }), NO_ACTIONS],
  ['no resources', of({ Effect: 'Allow', Action: 'kms:*' }), NO_RESOURCES],
  ['an empty list of resources', allow({ Resource: [] }), NO_RESOURCES],
  ['an action without vendor', allow({ Action: 'Decrypt' }), NO_VENDOR],
  [
    'an action without vendor before missing resources',
    of({ Effect: 'Allow', Action: 'Decrypt' }),
    NO_VENDOR,
  ],
  [
    'an action of two colons',
    allow({ Action: 'kms:De:crypt' }),
    'Actions/Condition can contain only one colon.',
  ],
  ['a vendor that is none', allow({ Action: 'k s:Decrypt' }), 'Vendor k s is not valid'],
  [
    'a resource that is no ARN',
    allow({ Resource: 'key' }),
    'Resource key must be in ARN format or "*".',
  ],
  ['an empty resource', allow({ Resource: '' }), 'Resource  must be in ARN format or "*".'],
  [
    'a partition that is none',
    allow({ Resource: 'arn:*:kms:*' }),
    'Partition "*" is not valid for resource "arn:*:kms:*:*:*".',
  ],
  [
    'a vendor with a wildcard',
    allow({ Resource: 'arn:aws:*' }),
    'Resource vendor must be fully qualified and cannot contain regexes.',
  ],
  [
    'IAM in a Region',
    allow({ Resource: 'arn:aws:iam:eu-central-1::user/a' }),
    'IAM resource arn:aws:iam:eu-central-1::user/a cannot contain region information.',
  ],
  [
    'a bucket in a Region',
    allow({ Resource: 'arn:aws:s3:eu-central-1::b' }),
    'Resource arn:aws:s3:eu-central-1::b can not contain region information.',
  ],
  [
    'what IAM has not',
    allow({ Resource: 'arn:aws:iam::1:thing/a' }),
    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.',
  ],
]

describe('policies of identities', () => {
  check('identity', IDENTITY)
})

describe('policies of sessions and accounts', () => {
  check('session', [
    ['no version', { Statement: ALLOW }, undefined],
    ['no resources', of({ Effect: 'Allow', Action: 'kms:*' }), NO_RESOURCES],
  ])
  check('service-control', [
    ['the first version', { Version: '2008-10-17', Statement: ALLOW }, undefined],
    [
      'a principal',
      allow({ NotPrincipal: '*' }),
      'Policy document should not specify a principal.',
    ],
  ])
})

const TRUST = {
  Effect: 'Allow',
  Principal: { AWS: '111122223333' },
  Action: 'sts:AssumeRole',
}
const trust = (more: object): object => of({ ...TRUST, ...more })

const SYNTAX_ERROR = 'Syntax error in policy.'
const TRUSTS: readonly Case[] = [
  ['one statement', { Version: '2012-10-17', Statement: TRUST }, undefined],
  ['no version', { Statement: TRUST }, undefined],
  ['everyone', trust({ Principal: '*' }), undefined],
  [
    'a provider',
    trust({
      Principal: { Federated: 'arn:aws:iam::111122223333:oidc-provider/a.test' },
      Action: 'sts:AssumeRoleWithWebIdentity',
    }),
    undefined,
  ],
  ['every action of STS', trust({ Action: ['sts:*', 'STS:TagSession'] }), undefined],
  ['no JSON', '', 'This policy contains invalid Json'],
  ['a list', '[]', 'This policy contains invalid Json'],
  ['an unknown element', { ...of(TRUST), Extra: 1 }, 'Unknown field Extra'],
  ['an unknown element of a statement', trust({ Extra: 1 }), 'Unknown field Extra'],
  [
    'another version',
    { Version: '1', Statement: TRUST },
    'The policy must contain a valid version string',
  ],
  ['no statement', of(), 'Could not parse the policy: Statement is empty!'],
  ['a statement that is a text', of('x'), SYNTAX_ERROR],
  ['no effect', of({ ...TRUST, Effect: undefined }), 'Missing required field Effect'],
  ['an effect in another case', trust({ Effect: 'allow' }), 'Invalid effect: "allow"'],
  [
    'no principal',
    of({ Effect: 'Allow', Action: 'sts:AssumeRole' }),
    'Missing required field Principal',
  ],
  [
    'an empty principal',
    trust({ Principal: {} }),
    'Missing required field Principal cannot be empty!',
  ],
  ['a principal that is a text', trust({ Principal: 'alice' }), SYNTAX_ERROR],
  [
    'a user that cannot be',
    trust({ Principal: { AWS: 'alice' } }),
    'Invalid principal in policy: "AWS":"alice"',
  ],
  [
    'a service that cannot be',
    trust({ Principal: { Service: 'ec2' } }),
    'Invalid principal in policy: "SERVICE":"ec2"',
  ],
  [
    'an Allow for all but some',
    of({ Effect: 'Allow', NotPrincipal: { AWS: '*' }, Action: 'sts:*' }),
    'Allow with NotPrincipal is not allowed.',
  ],
  [
    'a Deny for all but some',
    of({ Effect: 'Deny', NotPrincipal: { AWS: '*' }, Action: 'sts:*' }),
    'AssumeRole policy must not contain NotPrincipal field.',
  ],
  ['no action', of({ Effect: 'Allow', Principal: '*' }), 'Missing required field Action'],
  [
    'an action of another service',
    trust({ Action: ['sts:AssumeRole', 'kms:Decrypt'] }),
    'AssumeRole policy may only specify STS AssumeRole actions.',
  ],
  [
    'every action',
    trust({ Action: '*' }),
    'AssumeRole policy may only specify STS AssumeRole actions.',
  ],
  ['a resource', trust({ Resource: '*' }), 'Has prohibited field Resource'],
  ['all resources but some', trust({ NotResource: '*' }), 'Has prohibited field NotResource'],
  ['an unknown operator', trust({ Condition: { x: { a: '1' } } }), SYNTAX_ERROR],
  [
    'two statements of one Sid',
    of({ ...TRUST, Sid: 'a' }, { ...TRUST, Sid: 'a' }),
    'The Statement Ids in the policy are not unique',
  ],
]

describe('trust policies', () => {
  check('trust', TRUSTS)
})

describe('the size of a policy', () => {
  test('does not count white space', () => {
    assert.equal(policySize('{ "a" :\n\t1\r}'), 7)
  })

  test('is about texts of Latin-1', () => {
    assert.ok(isPolicyText('{"a":"é"}\r\n\t'))
    for (const text of ['€', '\u0000', '\u001f', '😀']) assert.ok(!isPolicyText(text))
  })
})
