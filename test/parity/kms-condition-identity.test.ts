import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ServiceError } from '../../src/core/errors.ts'
import type { CallOrigin } from '../../src/pipeline/pipeline.ts'
import { onBehalfOf } from '../../src/pipeline/service-callers.ts'
import type { Inputs, OperationName } from '../../src/services/kms/model.ts'
import { callBy, directly, userPrincipal } from '../support/principals.ts'
import { ACCOUNT, ServiceBench } from '../support/service-bench.ts'

/** One call that identity policies alone decide. */
type Ask = (bench: ServiceBench, origin: CallOrigin) => Promise<unknown>

const ask =
  <Name extends OperationName>(operation: Name, input: Inputs[Name]): Ask =>
  ({ node }, origin) =>
    node.kms.call(origin, operation, input)

type Expectation = readonly [key: string, value?: string, other?: string]

const NO_KEYS: readonly Expectation[] = [
  ['kms:CallerAccount'],
  ['kms:ViaService'],
  ['kms:KeySpec'],
  ['aws:ResourceAccount'],
]
const CALLER: Expectation = ['kms:CallerAccount', ACCOUNT, '444455556666']

const CASES: readonly (readonly [string, Ask, readonly Expectation[]])[] = [
  ['ListKeys', ask('ListKeys', {}), NO_KEYS],
  ['ListAliases', ask('ListAliases', {}), NO_KEYS],
  ['GenerateRandom', ask('GenerateRandom', { NumberOfBytes: 8 }), NO_KEYS],
  [
    'ListRetirableGrants',
    ask('ListRetirableGrants', { RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:root` }),
    NO_KEYS.slice(0, 3),
  ],
  ['DescribeCustomKeyStores', ask('DescribeCustomKeyStores', {}), [CALLER, ['kms:ViaService']]],
  [
    'CreateKey',
    ask('CreateKey', {}),
    [
      CALLER,
      ['kms:KeySpec', 'SYMMETRIC_DEFAULT', 'RSA_2048'],
      ['kms:KeyUsage', 'ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
      ['kms:KeyOrigin', 'AWS_KMS', 'EXTERNAL'],
      ['kms:MultiRegion', 'false', 'true'],
      ['kms:MultiRegionKeyType'],
      ['kms:BypassPolicyLockoutSafetyCheck'],
      ['kms:ResourceAliases'],
      ['kms:ReplicaRegion'],
      ['aws:RequestTag/Team'],
      ['aws:RequestedRegion', 'eu-central-1', 'us-east-1'],
    ],
  ],
  [
    'CreateKey',
    ask('CreateKey', {
      KeySpec: 'ECC_NIST_P256',
      KeyUsage: 'SIGN_VERIFY',
      MultiRegion: true,
      BypassPolicyLockoutSafetyCheck: false,
      Tags: [{ TagKey: 'Team', TagValue: 'blue' }],
    }),
    [
      ['kms:KeySpec', 'ECC_NIST_P256', 'SYMMETRIC_DEFAULT'],
      ['kms:KeyUsage', 'SIGN_VERIFY', 'ENCRYPT_DECRYPT'],
      ['kms:MultiRegion', 'true', 'false'],
      ['kms:MultiRegionKeyType', 'PRIMARY', 'REPLICA'],
      ['kms:BypassPolicyLockoutSafetyCheck', 'false', 'true'],
      ['aws:RequestTag/team', 'blue', 'Blue'],
    ],
  ],
]

describe('condition keys where identity policies alone decide', () => {
  let bench: ServiceBench
  let serial = 0

  before(async () => {
    bench = await ServiceBench.open()
  })
  after(() => bench.close())

  /** Somebody whose policy allows one action under a condition, and tags without one. */
  async function somebody(action: string, condition: object) {
    const Statement = [
      { Effect: 'Allow', Action: `kms:${action}`, Resource: '*', Condition: condition },
      { Effect: 'Allow', Action: 'kms:TagResource', Resource: '*' },
    ]
    const inlinePolicies = { own: JSON.stringify({ Version: '2012-10-17', Statement }) }
    const name = `/somebody-${serial++}`
    return userPrincipal(await bench.identities.addUser(ACCOUNT, name, { inlinePolicies }))
  }

  async function isAllowed(asked: Ask, origin: CallOrigin): Promise<boolean> {
    try {
      await asked(bench, origin)
      return true
    } catch (error) {
      assert.ok(error instanceof ServiceError)
      assert.equal(error.code, 'AccessDeniedException', String(error))
      return false
    }
  }

  for (const [operation, asked, keys] of CASES) {
    for (const [key, value, other] of keys) {
      test(`${operation}: ${key} is ${value ?? 'absent'}`, async () => {
        const allows = async (condition: object) =>
          isAllowed(asked, directly(await somebody(operation, condition)))
        assert.equal(await allows({ Null: { [key]: 'true' } }), value === undefined)
        assert.equal(await allows({ Null: { [key]: 'false' } }), value !== undefined)
        if (value === undefined || other === undefined) return
        assert.equal(await allows({ StringEquals: { [key]: value } }), true)
        assert.equal(await allows({ StringEquals: { [key]: other } }), false)
      })
    }
  }

  test('a key that a service has made for its caller is made via the service', async () => {
    const via = { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } }
    const maker = await somebody('CreateKey', via)
    const create = ask('CreateKey', {})
    assert.equal(await isAllowed(create, onBehalfOf(callBy(maker), 's3')), true)
    assert.equal(await isAllowed(create, onBehalfOf(callBy(maker), 'ssm')), false)
    assert.equal(await isAllowed(create, directly(maker)), false)
  })

  test('a replica is made in its own Region', async () => {
    const made = await bench.node.kms.call(directly(bench.user.caller.principal), 'CreateKey', {
      MultiRegion: true,
    })
    const KeyId = made.KeyMetadata?.KeyId ?? ''
    const replicate = ask('ReplicateKey', { KeyId, ReplicaRegion: 'us-east-1' })
    const within = async (createRegion: string) => {
      const allow = (Action: string, region: string) => ({
        Effect: 'Allow',
        Action,
        Resource: '*',
        Condition: { StringEquals: { 'aws:RequestedRegion': region } },
      })
      const Statement = [
        allow('kms:ReplicateKey', 'eu-central-1'),
        allow('kms:CreateKey', createRegion),
      ]
      const inlinePolicies = { own: JSON.stringify({ Version: '2012-10-17', Statement }) }
      const user = await bench.identities.addUser(ACCOUNT, `/in-${createRegion}`, {
        inlinePolicies,
      })
      return isAllowed(replicate, directly(userPrincipal(user)))
    }
    assert.equal(await within('eu-central-1'), false)
    assert.equal(await within('us-east-1'), true)
  })
})
