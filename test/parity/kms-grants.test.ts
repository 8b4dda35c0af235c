import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { FRIEND, GRANTEE, GrantBench, OWNER, rootOf } from '../support/grant-bench.ts'
import { createKey, listOf, membersOf, refused, succeeded, textOf } from '../support/wire-client.ts'

const GRANT_ID = /^[0-9a-f]{64}$/

describe('grants', () => {
  let bench: GrantBench

  before(async () => {
    bench = await GrantBench.open()
  })

  after(() => bench.close())

  describe('made', () => {
    test('have an id of 64 hex digits and an opaque token, and are listed as they were asked for', async () => {
      const { id: keyId, arn } = await createKey(bench.owner)
      const constraints = {
        EncryptionContextSubset: { app: 'shop' },
        SourceArn: 'arn:aws:s3:eu-central-1:111111111111:bucket',
      }
      const made = await bench.grant(
        {
          RetiringPrincipal: FRIEND,
          Operations: ['Encrypt', 'Decrypt', 'Encrypt', 'RetireGrant'],
          Constraints: constraints,
          Name: 'shop',
        },
        keyId,
      )
      assert.match(made.id, GRANT_ID)
      assert.match(made.token, /^[\w-]+$/)
      const [entry, ...others] = listOf(
        succeeded(await bench.owner.kms('ListGrants', { KeyId: keyId })),
        'Grants',
      )
      assert.deepEqual(others, [])
      assert.deepEqual(entry, {
        KeyId: arn,
        GrantId: made.id,
        Name: 'shop',
        CreationDate: bench.node.clock.now() / 1000,
        GranteePrincipal: GRANTEE,
        RetiringPrincipal: rootOf(FRIEND),
        IssuingAccount: rootOf(OWNER),
        Operations: ['Encrypt', 'Decrypt', 'RetireGrant'],
        Constraints: constraints,
      })
    })

    test('without a name are another one each time, and show an empty name', async () => {
      const { id: keyId } = await createKey(bench.owner)
      const one = await bench.grant({}, keyId)
      const other = await bench.grant({}, keyId)
      assert.notEqual(one.id, other.id)
      const entries = listOf(
        succeeded(await bench.owner.kms('ListGrants', { KeyId: keyId })),
        'Grants',
      )
      assert.deepEqual(
        entries.map((entry) => entry['Name']),
        ['', ''],
      )
    })

    test('with a name are the same again for the same request, with another token', async () => {
      const { id: keyId } = await createKey(bench.owner)
      const request = {
        Name: 'retry',
        Operations: ['Encrypt', 'Decrypt'],
        Constraints: { EncryptionContextEquals: { a: '1', b: '2' } },
      }
      const first = await bench.grant(request, keyId)
      const again = await bench.grant(
        {
          ...request,
          Operations: ['Decrypt', 'Encrypt'],
          Constraints: { EncryptionContextEquals: { b: '2', a: '1' } },
        },
        keyId,
      )
      assert.equal(again.id, first.id)
      assert.notEqual(again.token, first.token)
      assert.deepEqual(await bench.ids({ KeyId: keyId }), [first.id])
      // Both tokens are of the one grant.
      for (const token of [first.token, again.token]) {
        const described = await bench.owner.kms('DescribeKey', {
          KeyId: keyId,
          GrantTokens: [token],
        })
        succeeded(described)
      }
    })

    for (const [what, change] of [
      ['operations', { Operations: ['Encrypt'] }],
      ['grantee', { GranteePrincipal: rootOf(FRIEND) }],
      ['retiring principal', { RetiringPrincipal: rootOf(FRIEND) }],
      ['constraints', { Constraints: { EncryptionContextSubset: { a: '1' } } }],
      ['name', { Name: 'other' }],
    ] as const) {
      test(`with the same name but another ${what} are another grant`, async () => {
        const { id: keyId } = await createKey(bench.owner)
        const first = await bench.grant({ Name: 'twin' }, keyId)
        const other = await bench.grant({ Name: 'twin', ...change }, keyId)
        assert.notEqual(other.id, first.id)
      })
    }

    test('with the same name on two keys are two, and a name is free again after its grant', async () => {
      const one = await createKey(bench.owner)
      const other = await createKey(bench.owner)
      const first = await bench.grant({ Name: 'same' }, one.id)
      assert.notEqual((await bench.grant({ Name: 'same' }, other.id)).id, first.id)
      succeeded(await bench.owner.kms('RevokeGrant', { KeyId: one.id, GrantId: first.id }))
      assert.notEqual((await bench.grant({ Name: 'same' }, one.id)).id, first.id)
    })

    test('to a service need its source and someone to retire them', async () => {
      const request = {
        KeyId: bench.key.id,
        GranteeServicePrincipal: 'dynamodb.eu-central-1.amazonaws.com',
        Operations: ['Decrypt'],
      }
      const Constraints = { SourceArn: 'arn:aws:dynamodb:eu-central-1:111111111111:table/t' }
      refused(
        await bench.owner.kms('CreateGrant', { ...request, RetiringPrincipal: GRANTEE }),
        'ValidationException',
        /SourceArn/,
      )
      refused(
        await bench.owner.kms('CreateGrant', { ...request, Constraints }),
        'ValidationException',
        /retiring principal/,
      )
      const made = succeeded(
        await bench.owner.kms('CreateGrant', {
          ...request,
          Constraints,
          RetiringServicePrincipal: 'dynamodb.amazonaws.com',
        }),
      )
      const listed = await bench.owner.kms('ListGrants', {
        KeyId: bench.key.id,
        GrantId: textOf(made, 'GrantId'),
      })
      const [entry = {}] = listOf(succeeded(listed), 'Grants')
      assert.equal(entry['GranteeServicePrincipal'], request.GranteeServicePrincipal)
      assert.equal(entry['RetiringServicePrincipal'], 'dynamodb.amazonaws.com')
      assert.equal(entry['GranteePrincipal'], undefined)
    })
  })

  describe('refused', () => {
    const OK = { GranteePrincipal: GRANTEE, Operations: ['Decrypt'] }
    const pairs = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))

    for (const [what, input, text] of [
      ['no grantee', { Operations: ['Decrypt'] }, /exactly one of GranteePrincipal/],
      [
        'both kinds of grantee',
        { ...OK, GranteeServicePrincipal: 's3.amazonaws.com' },
        /exactly one of GranteePrincipal/,
      ],
      [
        'both kinds of retiring principal',
        { ...OK, RetiringPrincipal: GRANTEE, RetiringServicePrincipal: 's3.amazonaws.com' },
        /at most one of RetiringPrincipal/,
      ],
      ['no operations', { ...OK, Operations: [] }, /must not be empty/],
      ['an operation that is none', { ...OK, Operations: ['DisableKey'] }, /enum value set/],
      ['an operation of another usage', { ...OK, Operations: ['Sign'] }, /Sign cannot be granted/],
      [
        'nine pairs of context',
        { ...OK, Constraints: { EncryptionContextSubset: pairs(9) } },
        /at most 8 encryption context pairs/,
      ],
      [
        'a context value of 385 characters',
        { ...OK, Constraints: { EncryptionContextEquals: { a: 'x'.repeat(385) } } },
        /at most 384 characters/,
      ],
      ['an ill-formed name', { ...OK, Name: 'a b' }, /regular expression pattern/],
      [
        'an ill-formed source',
        { ...OK, Constraints: { SourceArn: 'arn:aws:s3:::no-account-here' } },
        /regular expression pattern/,
      ],
    ] as const) {
      test(what, async () => {
        const answer = await bench.owner.kms('CreateGrant', { KeyId: bench.key.id, ...input })
        refused(answer, 'ValidationException', text)
      })
    }

    test('eight pairs and 384 characters are taken', async () => {
      const Constraints = {
        EncryptionContextSubset: pairs(8),
        EncryptionContextEquals: { a: 'x'.repeat(384) },
      }
      assert.match((await bench.grant({ Constraints })).id, GRANT_ID)
    })

    test('a context constraint on a key that knows no context, but not a source', async () => {
      const hmac = await createKey(bench.owner, {
        KeySpec: 'HMAC_256',
        KeyUsage: 'GENERATE_VERIFY_MAC',
      })
      const request = { KeyId: hmac.id, GranteePrincipal: GRANTEE, Operations: ['GenerateMac'] }
      const Constraints = { EncryptionContextSubset: { a: '1' } }
      refused(
        await bench.owner.kms('CreateGrant', { ...request, Constraints }),
        'ValidationException',
        /require a symmetric encryption key/,
      )
      const SourceArn = 'arn:aws:sns:eu-central-1:111111111111:topic'
      succeeded(await bench.owner.kms('CreateGrant', { ...request, Constraints: { SourceArn } }))
      refused(
        await bench.owner.kms('CreateGrant', { ...request, Operations: ['Encrypt'] }),
        'ValidationException',
        /Encrypt cannot be granted/,
      )
    })

    for (const principal of [
      `arn:aws:iam::${OWNER}:group/admins`,
      'arn:aws:iam::11111111111:root',
      `arn:aws-cn:iam::${OWNER}:root`,
      `arn:aws:iam::${OWNER}:role/`,
      `arn:aws:sts::${OWNER}:assumed-role/worker`,
      `arn:aws:s3::${OWNER}:user/x`,
      's3.amazonaws.com',
      'AGPAABCDEFGHIJKLMNOPQ',
      'AIDAABCDEFGHIJKLMNOPQ',
      'AROAABCDEFGHIJKLMNOPQ',
      `arn:aws:iam::${OWNER}:role/worker`,
      `arn:aws:iam::${OWNER}:user/nobody`,
      `arn:aws:sts::${OWNER}:assumed-role/nobody/session`,
      'worker',
    ]) {
      test(`the principal ${principal}`, async () => {
        const text = `ARN does not refer to a valid principal: ${principal}`
        const request = { KeyId: bench.key.id, Operations: ['Decrypt'] }
        for (const input of [
          { GranteePrincipal: principal },
          { GranteePrincipal: GRANTEE, RetiringPrincipal: principal },
        ]) {
          const answer = await bench.owner.kms('CreateGrant', { ...request, ...input })
          refused(answer, 'InvalidArnException', text)
        }
      })
    }

    for (const principal of [
      rootOf(FRIEND),
      `arn:aws:iam::${FRIEND}:user/path/to/someone@example.com`,
      `arn:aws:iam::${FRIEND}:role/worker`,
      `arn:aws:sts::${FRIEND}:assumed-role/worker/session=1`,
      `arn:aws:sts::${FRIEND}:federated-user/someone`,
    ]) {
      test(`not the principal ${principal}`, async () => {
        const made = await bench.grant({ GranteePrincipal: principal })
        assert.deepEqual(await bench.ids({ KeyId: bench.key.id, GranteePrincipal: principal }), [
          made.id,
        ])
        succeeded(await bench.owner.kms('RevokeGrant', { KeyId: bench.key.id, GrantId: made.id }))
      })
    }

    test('a disabled key, before its grant is looked at, and a key that waits for its deletion', async () => {
      const other = await createKey(bench.owner)
      const request = { KeyId: other.id, GranteePrincipal: 'nobody', Operations: ['Sign'] }
      succeeded(await bench.owner.kms('DisableKey', { KeyId: other.id }))
      refused(
        await bench.owner.kms('CreateGrant', request),
        'DisabledException',
        `${other.arn} is disabled.`,
      )
      succeeded(await bench.owner.kms('ScheduleKeyDeletion', { KeyId: other.id }))
      refused(
        await bench.owner.kms('CreateGrant', request),
        'KMSInvalidStateException',
        `${other.arn} is pending deletion.`,
      )
    })

    test('an alias, another account and a key that is not there', async () => {
      const request = { GranteePrincipal: GRANTEE, Operations: ['Decrypt'] }
      refused(
        await bench.owner.kms('CreateGrant', { ...request, KeyId: 'alias/some' }),
        'NotFoundException',
        "Invalid keyId 'alias/some'",
      )
      refused(
        await bench.stranger.kms('CreateGrant', { ...request, KeyId: bench.key.arn }),
        'AccessDeniedException',
        /because the resource does not exist in this Region/,
      )
    })

    test('nothing in a dry run, which makes nothing', async () => {
      const { id: keyId } = await createKey(bench.owner)
      const request = { KeyId: keyId, GranteePrincipal: GRANTEE, Operations: ['Decrypt'] }
      refused(
        await bench.owner.kms('CreateGrant', { ...request, DryRun: true }),
        'DryRunOperationException',
        'The request would have succeeded, but the DryRun option is set.',
      )
      assert.deepEqual(await bench.ids({ KeyId: keyId }), [])
    })
  })

  describe('recorded', () => {
    test('what was asked for, which grant it became, and which one ended', async () => {
      const { id: keyId, arn } = await createKey(bench.owner)
      const created = await bench.owner.kms('CreateGrant', {
        KeyId: keyId,
        GranteePrincipal: GRANTEE,
        Operations: ['Encrypt'],
        Constraints: { EncryptionContextSubset: { app: 'shop' } },
        Name: 'named',
      })
      const grantId = textOf(succeeded(created), 'GrantId')
      const creation = bench.node.sink.record(created.requestId)
      assert.deepEqual(creation['requestParameters'], {
        keyId,
        granteePrincipal: GRANTEE,
        operations: ['Encrypt'],
        constraints: { encryptionContextSubset: { app: 'shop' } },
        name: 'named',
      })
      assert.deepEqual(creation['responseElements'], { grantId, keyId: arn })
      assert.equal(creation['readOnly'], false)
      const retired = await bench.owner.kms('RetireGrant', { KeyId: keyId, GrantId: grantId })
      const end = bench.node.sink.record(retired.requestId)
      assert.equal(end['requestParameters'], null)
      assert.deepEqual(end['responseElements'], { keyId: arn })
      assert.deepEqual(membersOf(end, 'additionalEventData'), { grantId })
      assert.deepEqual(end['resources'], [{ accountId: OWNER, type: 'AWS::KMS::Key', ARN: arn }])
      const revoked = await bench.owner.kms('RevokeGrant', { KeyId: keyId, GrantId: grantId })
      const failure = bench.node.sink.record(revoked.requestId)
      assert.deepEqual(failure['requestParameters'], { keyId, grantId })
      assert.equal(failure['errorCode'], 'NotFoundException')
    })
  })
})
