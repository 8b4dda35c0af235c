import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aKeyPlace } from '../../../../test/support/key-place.ts'
import { ServiceError } from '../../../core/errors.ts'
import { instant, parseAccessKeyId } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import { KEY_SPECS, type KeySpec } from '../../../core/key-specs.ts'
import { rootPrincipal } from '../../../core/principal.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { type DataKeyPairSpec, KMS_MODEL } from '../model.ts'
import { RequestQuotas } from './request-quotas.ts'
import { awsRate, keyGroup, operationGroup, RATE_NAMES } from './request-rates.ts'

interface PlaceParts {
  readonly accountId?: string
  readonly region?: string
}

/** Makes calls at the moments that a test says. */
class Caller {
  readonly quotas: RequestQuotas
  readonly #place: PlaceParts
  time = 1_000_000

  constructor(quotas: RequestQuotas, place: PlaceParts = {}) {
    this.quotas = quotas
    this.#place = place
  }

  #call(operation: string): Call {
    const { accountId, region } = aKeyPlace(this.#place)
    const accessKeyId = parseAccessKeyId('AKIAIOSFODNN7EXAMPLE')
    assert.ok(accessKeyId)
    return {
      accountId,
      region,
      caller: {
        accountId,
        principal: rootPrincipal('aws', accountId),
        arn: '',
        userId: '',
        accessKeyId,
        userIdentityJson: '',
      },
      service: 'kms',
      operation,
      requestId: '',
      time: instant(this.time),
      connection: { remoteAddress: '' },
      userAgent: '',
      host: '',
    }
  }

  /** Whether a call is let through, with these keys in it. */
  may(
    operation: string,
    keys: readonly ResolvedKey[] = [],
    input: { readonly KeyPairSpec?: DataKeyPairSpec } = {},
  ): boolean {
    try {
      const call = this.#call(operation)
      this.quotas.countOperation(call)
      this.quotas.countKeys(call, input, keys)
      return true
    } catch (error) {
      assert.ok(error instanceof ServiceError)
      assert.equal(error.code, 'ThrottlingException')
      assert.equal(
        error.publicMessage,
        'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
      )
      return false
    }
  }

  /** How many calls are let through at this moment. */
  burst(
    operation: string,
    ...rest: readonly [keys?: readonly ResolvedKey[], input?: object]
  ): number {
    for (let calls = 0; ; calls++) if (!this.may(operation, ...rest)) return calls
  }
}

function aTarget(spec: KeySpec, change: Partial<Key> = {}): ResolvedKey {
  const key: Key = {
    ...aKeyPlace(),
    spec,
    usage: KEY_SPECS[spec].usages[0],
    origin: 'AWS_KMS',
    description: '',
    createdAt: instant(0),
    state: { name: 'Enabled' },
    tags: {},
    onDemandRotations: 0,
    ...change,
  }
  return { stored: { record: key, version: 1, secret: null }, key, arn: '' }
}

describe('request quotas', () => {
  test('let one second of calls through at once, and then the rate', () => {
    const caller = new Caller(new RequestQuotas())
    assert.equal(caller.burst('ListKeys'), 500)
    caller.time += 10
    assert.equal(caller.burst('ListKeys'), 5)
    caller.time += 3
    assert.equal(caller.burst('ListKeys'), 1)
    caller.time += 1
    // What is over of a call is not lost.
    assert.equal(caller.burst('ListKeys'), 1)
    caller.time += 3_600_000
    assert.equal(caller.burst('ListKeys'), 500)
  })

  test('give and take nothing when the clock is set back', () => {
    const caller = new Caller(new RequestQuotas())
    assert.equal(caller.burst('TagResource'), 10)
    caller.time -= 500_000
    assert.equal(caller.burst('TagResource'), 0)
    caller.time += 100
    assert.equal(caller.burst('TagResource'), 1)
  })

  test('are of one account and one Region', () => {
    const quotas = new RequestQuotas()
    assert.equal(new Caller(quotas).burst('CreateGrant'), 50)
    assert.equal(new Caller(quotas, { accountId: '222222222222' }).burst('CreateGrant'), 50)
    assert.equal(new Caller(quotas, { region: 'us-east-1' }).burst('CreateGrant'), 50)
    assert.equal(new Caller(quotas).burst('CreateGrant'), 0)
  })

  test('are of each management operation by itself, and shared by cryptographic ones', () => {
    const caller = new Caller(new RequestQuotas())
    assert.equal(caller.burst('PutKeyPolicy'), 15)
    assert.equal(caller.burst('DeleteAlias'), 15)
    const rsa = [aTarget('RSA_2048')]
    assert.equal(caller.burst('Sign', rsa), 1000)
    assert.equal(caller.burst('Encrypt', [aTarget('RSA_4096')]), 0)
    assert.equal(caller.burst('Sign', [aTarget('ECC_NIST_P256')]), 1000)
    assert.equal(caller.burst('DeriveSharedSecret'), 0)
    assert.equal(caller.burst('Sign', [aTarget('ML_DSA_65')]), 1000)
    assert.equal(caller.burst('GenerateRandom'), 20_000)
    assert.equal(caller.burst('Encrypt', [aTarget('SYMMETRIC_DEFAULT')]), 0)
  })

  test('count a ReEncrypt once in each group of its keys, and in none when one is used up', () => {
    const caller = new Caller(new RequestQuotas(new Map([['Cryptographic operations (RSA)', 2]])))
    const keys = [aTarget('RSA_2048'), aTarget('SM2')]
    assert.equal(caller.burst('ReEncrypt', [aTarget('RSA_2048'), aTarget('RSA_3072')]), 2)
    assert.equal(caller.burst('ReEncrypt', keys), 0)
    assert.equal(caller.burst('Decrypt', [aTarget('SM2')]), 1000)
  })

  test('of key pairs are by their spec, lower in China', () => {
    const symmetric = [aTarget('SYMMETRIC_DEFAULT')]
    const pairs = (region: string, KeyPairSpec: DataKeyPairSpec): number =>
      new Caller(new RequestQuotas(), { region }).burst('GenerateDataKeyPair', symmetric, {
        KeyPairSpec,
      })
    assert.equal(pairs('eu-west-1', 'RSA_2048'), 20)
    assert.equal(pairs('eu-west-1', 'RSA_3072'), 4)
    assert.equal(pairs('eu-west-1', 'RSA_4096'), 1)
    assert.equal(pairs('eu-west-1', 'ECC_NIST_P521'), 100)
    assert.equal(pairs('cn-north-1', 'SM2'), 25)
    assert.equal(pairs('cn-north-1', 'RSA_2048'), 1)
  })

  test('below one a second still let one call through, as often as they say', () => {
    const caller = new Caller(new RequestQuotas(), { region: 'cn-north-1' })
    const request = [[aTarget('SYMMETRIC_DEFAULT')], { KeyPairSpec: 'RSA_4096' }] as const
    assert.equal(caller.burst('GenerateDataKeyPairWithoutPlaintext', ...request), 1)
    caller.time += 9999
    assert.equal(caller.burst('GenerateDataKeyPair', ...request), 0)
    caller.time += 1
    assert.equal(caller.burst('GenerateDataKeyPair', ...request), 1)
  })

  test('of a custom key store are its own, beside those of the key', () => {
    const caller = new Caller(new RequestQuotas())
    const inStore = (customKeyStoreId: string) => [
      aTarget('SYMMETRIC_DEFAULT', { customKeyStoreId }),
    ]
    assert.equal(caller.burst('Encrypt', inStore('cks-1')), 1800)
    assert.equal(caller.burst('GenerateDataKey', inStore('cks-1')), 0)
    assert.equal(caller.burst('Encrypt', inStore('cks-2')), 1800)
    assert.ok(caller.may('DescribeKey', inStore('cks-1')))
  })

  test('are what the operator says, for a group or for one operation by itself', () => {
    const own = new Map([
      ['Encrypt', 3],
      ['Cryptographic operations (symmetric)', 7],
    ])
    const caller = new Caller(new RequestQuotas(own))
    const symmetric = [aTarget('SYMMETRIC_DEFAULT')]
    assert.equal(caller.burst('Encrypt', symmetric), 3)
    assert.equal(caller.burst('Encrypt', [aTarget('RSA_2048')]), 0)
    assert.equal(caller.burst('Decrypt', symmetric), 7)
    assert.equal(caller.burst('GenerateMac', [aTarget('HMAC_256')]), 0)
    assert.equal(caller.burst('ListKeys'), 500)
  })

  test('keep few buckets, whoever calls', () => {
    const quotas = new RequestQuotas(new Map([['ListKeys', 2]]))
    const first = new Caller(quotas)
    assert.equal(first.burst('ListKeys'), 2)
    for (let at = 0; at < 60_000; at++) {
      const accountId = String(200_000_000_000 + at)
      const caller = new Caller(quotas, { accountId })
      caller.time += at
      assert.ok(caller.may('ListKeys'))
    }
    // Its bucket was full again, or forgotten with all others.
    first.time += 60_000
    assert.equal(first.burst('ListKeys'), 2)
  })
})

describe("AWS's rates", () => {
  const { region } = aKeyPlace()

  test('are there for every operation', () => {
    for (const operation of KMS_MODEL.operations.keys()) {
      assert.ok(RATE_NAMES.has(operation), operation)
      const group = operationGroup(operation)
      if (group !== undefined) assert.ok(awsRate(group, region) > 0, operation)
    }
  })

  test('are there for every key spec', () => {
    for (const spec of Object.keys(KEY_SPECS)) {
      // Object.keys widens the keys of the table, which are exactly these.
      assert.ok(RATE_NAMES.has(keyGroup(spec as KeySpec)), spec)
    }
  })

  test('of symmetric keys depend on the Region', () => {
    for (const [name, rate] of [
      ['us-east-1', 100_000],
      ['us-west-2', 100_000],
      ['eu-west-1', 100_000],
      ['us-east-2', 20_000],
      ['eu-central-1', 20_000],
      ['eu-north-1', 10_000],
      ['cn-north-1', 10_000],
    ] as const) {
      const place = aKeyPlace({ region: name })
      assert.equal(awsRate(keyGroup('SYMMETRIC_DEFAULT'), place.region), rate)
      assert.equal(awsRate(keyGroup('HMAC_512'), place.region), rate)
    }
  })

  test('are 5 a second for what is not named', () => {
    for (const operation of ['CreateKey', 'GetKeyLastUsage', 'ReplicateKey', 'UpdateAlias']) {
      assert.equal(awsRate(operation, region), 5)
    }
  })
})
