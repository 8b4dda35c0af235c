import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { seededRandom } from '../../test/support/seeded-random.ts'
import { wireRequest } from '../../test/support/wire-request.ts'
import { ServiceError } from '../core/errors.ts'
import { instant, parseAccountId } from '../core/ids.ts'
import type { IssuedCredential } from '../core/operator.ts'
import { rootPrincipal } from '../core/principal.ts'
import { TABLES } from '../core/tables.ts'
import type { HttpRequest } from '../core/transport.ts'
import { createCustody } from '../crypto/custody.ts'
import { memorySeal } from '../crypto/seal-memory.ts'
import type { Codec } from '../pipeline/codec.ts'
import type { Identity, Service } from '../pipeline/service.ts'
import { openMemoryStore } from '../storage/memory/memory-store.ts'
import { createRecordStore } from '../storage/record-store.ts'
import { type AccountParts, drawCredential, rotateCredentials, storeAccount } from './accounts.ts'
import { Authenticator } from './authenticate.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const STAMP = '20260102T030405Z'
const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const OPEN_ACCOUNT = parseAccountId('000000000000') ?? assert.fail()
const clock = { now: () => instant(NOW) }
/** Authentication looks at the name alone. */
const KMS: Service = {
  name: 'kms',
  eventSource: 'kms.amazonaws.com',
  codec: {} as Codec,
  operations: new Map(),
  internalError: 'InternalFailure',
  openScope: (scope) => scope,
}

interface Signer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A signed request, signed apart from the code under test. */
function signedBy(signer: Signer, region = 'eu-central-1', token?: string): HttpRequest {
  const names = token === undefined ? 'host;x-amz-date' : 'host;x-amz-date;x-amz-security-token'
  const tokenLine = token === undefined ? '' : `x-amz-security-token:${token}\n`
  const scope = `20260102/${region}/kms/aws4_request`
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const canonical = `POST\n/\n\nhost:h\nx-amz-date:${STAMP}\n${tokenLine}\n${names}\n${sha256('')}`
  let key: string | Buffer = `AWS4${signer.secretAccessKey}`
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  const text = `AWS4-HMAC-SHA256\n${STAMP}\n${scope}\n${sha256(canonical)}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  return wireRequest({
    headers: [
      'Host',
      'h',
      'X-Amz-Date',
      STAMP,
      ...(token === undefined ? [] : ['X-Amz-Security-Token', token]),
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    ],
  })
}

describe('authentication', () => {
  let parts: AccountParts
  let issued: IssuedCredential

  beforeEach(async () => {
    const random = seededRandom('authentication')
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    const custody = await createCustody({ seal: memorySeal(random), random, clock })
    const records = createRecordStore({ rows, guard: custody, cacheRecords: 100 })
    parts = { records, clock, random }
    issued = drawCredential(random, ACCOUNT)
    await storeAccount(parts, issued, 'first')
  })

  const authenticator = (isOpen: boolean): Authenticator =>
    new Authenticator(
      { records: parts.records, machine: clock, openAccount: isOpen ? OPEN_ACCOUNT : undefined },
      new Uint8Array(32).fill(7),
    )

  const identify = async (request: HttpRequest, isOpen = false): Promise<Identity> =>
    authenticator(isOpen).authenticate(request, KMS)

  const refuses = (request: HttpRequest, code: string, isOpen = false): Promise<void> =>
    assert.rejects(identify(request, isOpen), (error) => {
      assert.ok(error instanceof ServiceError, String(error))
      assert.equal(error.code, code)
      return true
    })

  test('gives the root principal of the account, named by the partition of the Region', async () => {
    const { caller, region } = await identify(signedBy(issued))
    assert.equal(region, 'eu-central-1')
    assert.deepEqual(
      { ...caller, userIdentityJson: JSON.parse(caller.userIdentityJson) },
      {
        accountId: ACCOUNT,
        principal: rootPrincipal('aws', ACCOUNT),
        arn: `arn:aws:iam::${ACCOUNT}:root`,
        userId: ACCOUNT,
        accessKeyId: issued.accessKeyId,
        userIdentityJson: {
          type: 'Root',
          principalId: ACCOUNT,
          arn: `arn:aws:iam::${ACCOUNT}:root`,
          accountId: ACCOUNT,
          accessKeyId: issued.accessKeyId,
        },
      },
    )
    const inChina = await identify(signedBy(issued, 'cn-north-1'))
    assert.equal(inChina.caller.arn, `arn:aws-cn:iam::${ACCOUNT}:root`)
  })

  test('gives one caller object for as long as the credential is cached', async () => {
    const one = authenticator(false)
    const first = await one.authenticate(signedBy(issued), KMS)
    const second = await one.authenticate(signedBy(issued, 'us-east-1'), KMS)
    assert.equal(first.caller, second.caller)
  })

  for (const isOpen of [false, true]) {
    const mode = isOpen ? 'open' : 'closed'
    test(`an id that was issued needs its own secret: ${mode}`, async () => {
      await refuses(
        signedBy({ ...issued, secretAccessKey: 'another' }),
        'InvalidSignatureException',
        isOpen,
      )
      await identify(signedBy(issued), isOpen)
    })

    test(`an id that was deleted is refused with its own secret too: ${mode}`, async () => {
      const next = await rotateCredentials(parts, ACCOUNT)
      await refuses(signedBy(issued), 'UnrecognizedClientException', isOpen)
      await refuses(
        signedBy({ ...issued, secretAccessKey: 'another' }),
        'UnrecognizedClientException',
        isOpen,
      )
      await identify(signedBy(next), isOpen)
    })

    test(`a session token does not belong to a long-term credential: ${mode}`, async () => {
      await refuses(
        signedBy(issued, 'eu-central-1', 'token'),
        'UnrecognizedClientException',
        isOpen,
      )
    })

    test(`another credential of the account does not stand in for it: ${mode}`, async () => {
      const next = await rotateCredentials(parts, ACCOUNT)
      const mixed = { accessKeyId: next.accessKeyId, secretAccessKey: issued.secretAccessKey }
      await refuses(signedBy(mixed), 'InvalidSignatureException', isOpen)
    })
  }

  test('an unknown id is refused, unless any are accepted', async () => {
    for (const accessKeyId of ['AKIAIOSFODNN7EXAMPLE', '999999999999', 'short', 'x'.repeat(129)]) {
      const request = signedBy({ accessKeyId, secretAccessKey: 'any' })
      await refuses(request, 'UnrecognizedClientException')
    }
  })

  test('where any are accepted twelve digits name the account, anything else the open one', async () => {
    for (const [accessKeyId, account] of [
      ['999999999999', '999999999999'],
      ['AKIAIOSFODNN7EXAMPLE', OPEN_ACCOUNT],
      ['1234567890123456', OPEN_ACCOUNT],
    ] as const) {
      const { caller } = await identify(signedBy({ accessKeyId, secretAccessKey: 'any' }), true)
      assert.deepEqual([caller.accountId, caller.accessKeyId], [account, accessKeyId])
    }
    await refuses(
      signedBy({ accessKeyId: 'short', secretAccessKey: 'any' }),
      'UnrecognizedClientException',
      true,
    )
  })

  test('a request without a signature is refused, also where any secret is accepted', async () => {
    await refuses(
      wireRequest({ headers: ['Host', 'h'] }),
      'MissingAuthenticationTokenException',
      true,
    )
  })

  test('names that every object has are no credentials', async () => {
    for (const accessKeyId of ['constructor1', '__proto____proto__', 'hasOwnProperty']) {
      const request = signedBy({ accessKeyId, secretAccessKey: 'any' })
      await refuses(request, 'UnrecognizedClientException')
    }
  })
})
