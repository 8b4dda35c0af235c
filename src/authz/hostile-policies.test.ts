import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AssertionFailure } from '../core/assert.ts'
import { parseAccountId } from '../core/ids.ts'
import { rootPrincipal } from '../core/principal.ts'
import type { AccessRequest } from './access-request.ts'
import { compilePolicy } from './compiled-policy.ts'
import { decideByIdentity, decideOnKey } from './decide.ts'
import type { NamedPolicy } from './policies.ts'
import type { PolicyKind } from './policy-syntax.ts'
import { policyProblem } from './policy-syntax.ts'

const KINDS: readonly PolicyKind[] = ['key', 'identity', 'session', 'trust', 'service-control']
/** What a policy may hold, and what a request may. */
const POLICY_CHARACTERS = 32_768
const VALUE_CHARACTERS = 8192
/** Far above what it takes, far below what anything but linear work would. */
const TIME_MAX_MS = 1500

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const value = 'a'.repeat(VALUE_CHARACTERS)
const REQUEST: AccessRequest = {
  action: 'kms:Decrypt',
  principal: { ...rootPrincipal('aws', ACCOUNT), type: 'User' },
  resourceArn: `arn:aws:kms:eu-central-1:111122223333:${'a'.repeat(2000)}`,
  resourceAccount: ACCOUNT,
  context: { get: () => value },
}

/** Checks, compiles and asks a policy, whatever is in it. */
function use(text: string): void {
  const accepted = KINDS.filter((kind) => policyProblem(text, kind) === undefined)
  let policy: NamedPolicy
  try {
    policy = { layer: 'identity-policy', name: 'p', policy: compilePolicy(text) }
  } catch (error) {
    assert.ok(error instanceof AssertionFailure, String(error))
    assert.deepEqual(accepted, [], 'what the grammar accepts compiles')
    return
  }
  decideByIdentity(REQUEST, { identity: [policy] })
  decideOnKey(
    REQUEST,
    { identity: [] },
    { policy, operation: 'Decrypt', isCrossAccount: true, grants: [] },
  )
}

const statement = (more: object): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt', Resource: '*', ...more },
  })
const fill = (piece: string, end = ''): string =>
  piece.repeat(POLICY_CHARACTERS / piece.length) + end
const like = (pattern: string): string =>
  statement({ Condition: { StringLike: { 'kms:EncryptionContext:a': pattern } } })

const HOSTILE: readonly (readonly [what: string, text: string])[] = [
  ['a chain of asterisks', like(fill('*', 'b'))],
  ['asterisks between letters', like(fill('*a', 'b'))],
  ['a run that almost fits', like(`*${'a'.repeat(VALUE_CHARACTERS / 2)}b`)],
  ['many runs that almost fit', like(fill(`*${'a'.repeat(200)}`, 'b'))],
  ['question marks behind an asterisk', like(`*${'?'.repeat(VALUE_CHARACTERS / 2)}b`)],
  [
    'many patterns that almost fit',
    statement({
      Condition: {
        StringLike: {
          'kms:a': Array.from({ length: 7 }, (_, n) => `*a?${'a'.repeat(4000)}b${n}*`),
        },
      },
    }),
  ],
  ['an action of wildcards', statement({ Action: fill('*k', ':') })],
  ['a resource of wildcards', statement({ Resource: `arn:aws:kms:*:*:${fill('*a', 'b')}` })],
  ['a resource of colons', statement({ Resource: fill(':') })],
  ['many variables', like(fill('${aws:username}'))],
  ['variables that do not end', like(fill('${'))],
  ['variables without a name', like(fill('${,'))],
  ['a name of spaces', like(`\${a${fill(' ')}`)],
  ['defaults that do not end', like(fill("${a,'"))],
  ['defaults of defaults', like(fill("${a,'${a,'x'}'}"))],
  ['an address of colons', statement({ Condition: { IpAddress: { 'aws:SourceIp': fill(':') } } })],
  ['an address of digits', statement({ Condition: { IpAddress: { 'aws:SourceIp': fill('1') } } })],
  ['a number of digits', statement({ Condition: { NumericEquals: { a: fill('1', 'x') } } })],
  ['a date of digits', statement({ Condition: { DateEquals: { a: fill('1', 'x') } } })],
  [
    'bytes that almost are base64',
    statement({ Condition: { BinaryEquals: { a: fill('A', '!') } } }),
  ],
  [
    'a user of slashes',
    statement({ Principal: { AWS: `arn:aws:iam::111122223333:user/${fill('a/', ' ')}` } }),
  ],
  ['a service of dots', statement({ Principal: { Service: fill('a.') } })],
  [
    'many statements',
    `{"Statement":[${fill('{"Effect":"Deny","Action":"*","Resource":"*"},').slice(0, -1)}]}`,
  ],
  ['deep nesting', `${'['.repeat(POLICY_CHARACTERS / 2)}${']'.repeat(POLICY_CHARACTERS / 2)}`],
  [
    'deep nesting in a condition',
    statement({ Condition: { a: JSON.parse(`${'['.repeat(25)}${']'.repeat(25)}`) } }),
  ],
  ['names of what every object has', statement({ Condition: { constructor: { toString: 'x' } } })],
]

describe('hostile policies', () => {
  for (const [what, text] of HOSTILE) {
    test(`take little time: ${what}`, () => {
      const start = performance.now()
      use(text)
      assert.ok(performance.now() - start < TIME_MAX_MS)
    })
  }
})

const word = fc.constantFrom(
  'Allow',
  'Deny',
  '*',
  'kms:*',
  '${a}',
  'arn:aws:kms:*',
  '2012-10-17',
  '1',
  '',
)
const list = fc.oneof(word, fc.array(word, { maxLength: 3 }), fc.jsonValue({ maxDepth: 1 }))
const operator = fc.constantFrom(
  'StringLike',
  'Null',
  'IpAddress',
  'ForAllValues:DateEquals',
  'Bool',
  'x',
)
const block = fc.oneof(
  fc.dictionary(operator, fc.dictionary(fc.constantFrom('aws:a', 'b'), list, { maxKeys: 2 }), {
    maxKeys: 2,
  }),
  fc.jsonValue({ maxDepth: 2 }),
)
/** Policies that are almost right. */
const almost = fc.record(
  {
    Version: fc.constantFrom('2012-10-17', '2008-10-17', '2020-01-01'),
    Statement: fc.oneof(
      fc.array(
        fc.record(
          {
            Sid: fc.oneof(word, fc.integer()),
            Effect: fc.constantFrom('Allow', 'Deny', 'allow'),
            Principal: fc.oneof(
              word,
              fc.record({ AWS: list, Service: list }, { requiredKeys: [] }),
            ),
            NotPrincipal: fc.oneof(word, fc.record({ AWS: list }, { requiredKeys: [] })),
            Action: list,
            NotAction: list,
            Resource: list,
            NotResource: list,
            Condition: block,
          },
          { requiredKeys: ['Effect'] },
        ),
        { maxLength: 3 },
      ),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  },
  { requiredKeys: ['Statement'] },
)

describe('any text', () => {
  for (const [what, texts] of [
    ['of characters', fc.string({ unit: 'binary' })],
    ['of JSON', fc.json()],
    ['that is almost a policy', almost.map((policy) => JSON.stringify(policy))],
  ] as const) {
    test(`is refused or compiles: ${what}`, () => {
      fc.assert(fc.property(texts, use), { numRuns: 5000 })
    })
  }
})
