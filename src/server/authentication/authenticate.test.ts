import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { ACCOUNT, KMS, NOW, signedBy } from '../../../test/support/signed-by.ts'
import { wireRequest } from '../../../test/support/wire-request.ts'
import { ServiceError } from '../../core/errors.ts'
import { instant, parseAccountId } from '../../core/ids.ts'
import type { IssuedCredential } from '../../core/operator.ts'
import { rootPrincipal } from '../../core/principal.ts'
import { TABLES } from '../../core/tables.ts'
import type { HttpRequest } from '../../core/transport.ts'
import { createCustody } from '../../crypto/custody.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { IdentityUses } from '../../identity/identity-uses.ts'
import { SessionTokens } from '../../identity/session-tokens.ts'
import { Sessions } from '../../identity/sessions.ts'
import type { Identity } from '../../pipeline/service.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import {
  type AccountParts,
  drawCredential,
  rotateCredentials,
  storeAccount,
} from '../operator/accounts.ts'
import { Authenticator } from './authenticate.ts'

const OPEN_ACCOUNT = parseAccountId('000000000000') ?? assert.fail()
const clock = { now: () => instant(NOW) }

describe('authentication', () => {
  let parts: AccountParts
  let issued: IssuedCredential
  let sessions: Sessions

  beforeEach(async () => {
    const random = seededRandom('authentication')
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    const custody = await createCustody({ seal: memorySeal(random), random, clock })
    const records = createRecordStore({ rows, guard: custody, cacheRecords: 100 })
    parts = { records, clock, random }
    const sessionKey = createSecretKey(new Uint8Array(32).fill(3))
    sessions = new Sessions(new SessionTokens(sessionKey, random), random)
    issued = drawCredential(random, ACCOUNT)
    await storeAccount(parts, issued, 'first')
  })

  const authenticator = (isOpen: boolean): Authenticator =>
    new Authenticator(
      {
        records: parts.records,
        clock,
        machine: clock,
        sessions,
        uses: new IdentityUses({ records: parts.records, clock, machine: clock }),
        openAccount: isOpen ? OPEN_ACCOUNT : undefined,
      },
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
