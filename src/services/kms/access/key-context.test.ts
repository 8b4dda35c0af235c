import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CAST, OWNER } from '../../../../test/authorization/cast.ts'
import { seededRandom } from '../../../../test/support/seeded-random.ts'
import { keyArn } from '../../../core/arn.ts'
import { instant, parseAccessKeyId, parseKeyId } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { Principal } from '../../../core/principal.ts'
import { parseRegion } from '../../../core/regions.ts'
import type { Call } from '../../../pipeline/call.ts'
import { CallContext } from '../../../pipeline/condition-context.ts'
import { kmsConditionKeys } from '../authorization/condition-keys.ts'
import { operationsOn } from './key-actions.ts'
import { KeyContext } from './key-context.ts'

const REGION = parseRegion('eu-central-1') ?? assert.fail()
const KEY: Key = {
  accountId: OWNER,
  region: REGION,
  keyId: parseKeyId('0d990263-018e-4e65-a703-eff731de951e') ?? assert.fail(),
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  description: '',
  createdAt: instant(0),
  state: { name: 'Enabled' },
  tags: { Team: 'blue' },
  onDemandRotations: 0,
}
const ALIASES = ['alias/one', 'alias/two']

/** Every condition key that policies on keys are written with. */
const NAMES = [
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principaltype',
  'aws:userid',
  'aws:username',
  'aws:principaltag/team',
  'aws:principaltag/none',
  'aws:principalisawsservice',
  'aws:principalservicename',
  'aws:principalservicenameslist',
  'aws:resourcetag/team',
  'aws:resourcetag/none',
  'aws:resourceaccount',
  'aws:requestedregion',
  'aws:sourceip',
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:securetransport',
  'aws:multifactorauthpresent',
  'aws:currenttime',
  'aws:viaawsservice',
  'kms:calleraccount',
  'kms:viaservice',
  'kms:keyspec',
  'kms:keyusage',
  'kms:keyorigin',
  'kms:multiregion',
  'kms:multiregionkeytype',
  'kms:resourcealiases',
  'kms:requestalias',
  'kms:encryptioncontext:app',
  'kms:encryptioncontextkeys',
  'kms:encryptionalgorithm',
  'token.example.com:sub',
]

/** A call as the pipeline would make it. */
const callOf = (principal: Principal, via: boolean): Call => ({
  caller: {
    accountId: principal.accountId,
    principal,
    arn: principal.arn,
    userId: principal.userId,
    accessKeyId: parseAccessKeyId('AKIAEXAMPLEEXAMPLE00') ?? assert.fail(),
    userIdentityJson: '{}',
  },
  accountId: principal.accountId,
  region: REGION,
  service: 'kms',
  operation: 'Encrypt',
  requestId: '',
  time: instant(Date.UTC(2026, 0, 15)),
  connection: { remoteAddress: '192.0.2.1' },
  userAgent: '',
  host: '',
  ...(via && { via: { viaService: 'ssm.eu-central-1.amazonaws.com', calledVia: ['ssm'] } }),
})

describe('what is known of a request before it is there', () => {
  test('is what every request of the principal for the key has', () => {
    const random = seededRandom('key-context')
    let compared = 0
    for (const [name, person] of CAST) {
      // Nobody yet, and so never asked about.
      if (name === 'token') continue
      const principal = { ...person, tags: { Team: 'red' } }
      for (const operation of operationsOn(KEY)) {
        const context = new KeyContext({ principal }, { key: KEY, aliases: ALIASES, operation })
        const [byte = 0] = random.bytes(1)
        const call = callOf(principal, principal.type !== 'Service' && byte % 2 === 0)
        const hasContext = /^(Encrypt|Decrypt|GenerateData|ReEncrypt|CreateGrant)/.test(operation)
        const serviceKey = kmsConditionKeys(call, KEY, {
          keyId: 'alias/one',
          ...(hasContext && { encryptionContext: { app: 'a' } }),
        })
        const arn = keyArn(KEY, KEY.keyId)
        const resource = { accountId: KEY.accountId, arn, tags: KEY.tags }
        const slow = new Map([['kms:resourcealiases', ALIASES]])
        const real = new CallContext(
          call,
          { action: `kms:${operation}`, resource, serviceKey },
          slow,
        )
        for (const key of NAMES.filter((each) => context.knows(each))) {
          compared += 1
          assert.deepEqual(context.get(key), real.get(key), `${name}: ${operation}: ${key}`)
        }
      }
    }
    assert.ok(compared > 5000, String(compared))
  })

  test('says nothing of what depends on the request, or on a session', () => {
    const facts = { key: KEY, aliases: ALIASES, operation: 'Encrypt' }
    const app = CAST.get('app') ?? assert.fail()
    const alice = new KeyContext({ principal: CAST.get('alice') ?? assert.fail() }, facts)
    for (const key of [
      'aws:sourceip',
      'aws:multifactorauthpresent',
      'kms:viaservice',
      'kms:requestalias',
      'kms:encryptioncontext:app',
      'aws:currenttime',
    ]) {
      assert.equal(alice.knows(key), false, key)
    }
    const role = new KeyContext({ principal: app, isAnySession: true, bringsTags: true }, facts)
    assert.equal(role.knows('aws:userid'), false)
    assert.equal(role.knows('aws:principaltag/team'), false)
    const anyone = new KeyContext({ principal: app, isAnyone: true }, facts)
    assert.equal(anyone.knows('aws:principalarn'), false)
    assert.equal(anyone.knows('kms:calleraccount'), false)
    assert.equal(anyone.knows('aws:resourcetag/team'), true)
  })
})
