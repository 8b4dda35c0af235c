import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { policyProblem } from './policy-syntax.ts'

const STATEMENT = {
  Sid: 'all',
  Effect: 'Allow',
  Principal: { AWS: ['arn:aws:iam::111122223333:root', '444455556666'] },
  Action: ['kms:*'],
  Resource: '*',
}
const policy = (...statements: readonly unknown[]): string =>
  JSON.stringify({ Version: '2012-10-17', Id: 'p', Statement: statements })
const withStatement = (more: object): string => policy({ ...STATEMENT, ...more })

describe('the grammar of key policies', () => {
  for (const [what, text] of [
    ['several statements', policy(STATEMENT, { ...STATEMENT, Effect: 'Deny', Sid: undefined })],
    ['one statement that stands in no list', JSON.stringify({ Statement: STATEMENT })],
    ['the old version', JSON.stringify({ Version: '2008-10-17', Statement: [STATEMENT] })],
    ['no Action and no Resource', policy({ Effect: 'Allow', Principal: '*' })],
    [
      'the negations',
      policy({ Effect: 'Deny', NotPrincipal: { AWS: '*' }, NotAction: 'kms:*', NotResource: '*' }),
    ],
    [
      'every kind of principal',
      withStatement({
        Principal: {
          AWS: [
            '*',
            '111122223333',
            'AIDAEXAMPLEEXAMPLE000',
            'AROAEXAMPLEEXAMPLE000:session',
            'arn:aws:iam::111122223333:root',
            'arn:aws:iam::111122223333:user/a/path/alice',
            'arn:aws-cn:iam::111122223333:role/app',
            'arn:aws:sts::111122223333:assumed-role/app/session@1',
            'arn:aws:sts::111122223333:federated-user/fred',
          ],
          Service: ['s3.amazonaws.com', 'logs.eu-central-1.amazonaws.com'],
          Federated: ['accounts.google.com', 'arn:aws:iam::111122223333:oidc-provider/idp.test/x'],
          CanonicalUser: 'c'.repeat(64),
        },
      }),
    ],
    ['no conditions', withStatement({ Condition: {} })],
    [
      'operators in any case, with prefix and suffix',
      withStatement({
        Condition: {
          stringequals: { 'kms:ViaService': 'x' },
          'ForAllValues:StringLike': { 'kms:EncryptionContextKeys': ['a', 'b'] },
          'foranyvalue:ArnLikeIfExists': { 'aws:SourceArn': 'x' },
          BoolIfExists: { 'aws:SecureTransport': true },
          NumericLessThan: { 'kms:RotationPeriodInDays': 90 },
          Null: { 'kms:GrantOperations': 'true' },
        },
      }),
    ],
  ] as const) {
    test(`take ${what}`, () => {
      assert.equal(policyProblem(text), undefined)
    })
  }

  for (const [what, text, problem] of [
    ['no JSON', '{', /JSON/],
    ['two members of one name', '{"Statement":[],"Statement":[]}', /JSON/],
    ['a list', '[]', /object/],
    ['an unknown element', JSON.stringify({ Statement: [STATEMENT], Extra: 1 }), /Extra/],
    [
      'another version',
      JSON.stringify({ Version: '2020-01-01', Statement: [STATEMENT] }),
      /Version/,
    ],
    ['an Id that is no text', JSON.stringify({ Id: 1, Statement: [STATEMENT] }), /Id/],
    ['no statement', '{"Version":"2012-10-17"}', /no Statement/],
    ['an empty list of statements', policy(), /no Statement/],
    ['a statement that is a list', policy([]), /not a JSON object/],
    ['an unknown element of a statement', withStatement({ constructor: 'x' }), /constructor/],
    ['an effect in the wrong case', withStatement({ Effect: 'ALLOW' }), /Effect/],
    ['no principal', withStatement({ Principal: undefined }), /no principal/],
    [
      'a principal that is a text',
      withStatement({ Principal: 'arn:aws:iam::1:root' }),
      /Principal/,
    ],
    ['a principal of no kind', withStatement({ Principal: {} }), /Principal/],
    [
      'a principal of an unknown kind',
      withStatement({ Principal: { toString: '*' } }),
      /Principal/,
    ],
    ['an empty list of principals', withStatement({ Principal: { AWS: [] } }), /Principal/],
    ...[
      { AWS: 'arn:aws:iam::111122223333:group/all' },
      { AWS: 'arn:aws:iam::111122223333:user/*' },
      { AWS: 'arn:aws:iam::1111:root' },
      { AWS: 'arn:aws:iam:eu-central-1:111122223333:user/alice' },
      { AWS: 'alice' },
      { AWS: '' },
      { Service: 's3' },
      { Service: 's3.amazonaws.com.evil' },
      { Service: '*' },
      { Federated: 'arn:aws:iam::111122223333:user/alice' },
      { CanonicalUser: 'c' },
    ].map(
      (Principal) =>
        [
          `a principal that cannot be: ${JSON.stringify(Principal)}`,
          withStatement({ Principal }),
          /^Policy contains a statement with one or more invalid principals\.$/,
        ] as const,
    ),
    ['both of a pair', withStatement({ NotResource: '*' }), /both Resource and NotResource/],
    ['an action that is a number', withStatement({ Action: [1] }), /Action/],
    [
      'an unknown operator',
      withStatement({ Condition: { StringEqual: { a: 'b' } } }),
      /StringEqual/,
    ],
    [
      'Null with a suffix',
      withStatement({ Condition: { NullIfExists: { a: 'true' } } }),
      /NullIfExists/,
    ],
    ['a condition without keys', withStatement({ Condition: { Bool: 'x' } }), /Condition/],
    [
      'a condition key without prefix',
      withStatement({ Condition: { Bool: { a: 'true' } } }),
      /key: a/,
    ],
    [
      'a date that is none',
      withStatement({ Condition: { DateLessThan: { 'aws:CurrentTime': '2026-02-30' } } }),
      /date/,
    ],
    [
      'ForAllValues with the encryption context',
      withStatement({
        Condition: { 'forallvalues:StringLike': { 'KMS:EncryptionContext:tenant': 'x' } },
      }),
      /^OverlyPermissiveCondition: .* encryption context .* To fix, remove ForAllValues\.$/,
    ],
    [
      'ForAllValues with a tag of the request',
      withStatement({
        Condition: { 'ForAllValues:StringEquals': { 'aws:RequestTag/team': 'x' } },
      }),
      /^OverlyPermissiveCondition: .* specified tag or .* unspecified tag\. /,
    ],
    ['a value that is an object', withStatement({ Condition: { Bool: { a: {} } } }), /Condition/],
  ] as const) {
    test(`refuse ${what}`, () => {
      assert.match(policyProblem(text) ?? '', problem)
    })
  }

  test('never fail on any JSON or text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const problem = policyProblem(text)
        assert.ok(problem === undefined || problem.length > 0)
      }),
    )
  })
})
