import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { GRANTS } from '../../src/core/tables.ts'
import { FRIEND, GRANTEE, GrantBench, NO_GRANT, REGION, rootOf } from '../support/grant-bench.ts'
import { blob, createKey, listOf, refused, succeeded, textOf } from '../support/wire-client.ts'

describe('grants in use', () => {
  let bench: GrantBench

  before(async () => {
    bench = await GrantBench.open()
  })

  after(() => bench.close())

  describe('listed', () => {
    test('page by page, each once, by grantee and by id', async () => {
      const { id: keyId } = await createKey(bench.owner)
      const made: string[] = []
      for (let at = 0; at < 7; at++) {
        const principal = at % 2 === 0 ? GRANTEE : rootOf(FRIEND)
        made.push((await bench.grant({ GranteePrincipal: principal }, keyId)).id)
      }
      for (const filter of [{}, { GranteePrincipal: GRANTEE }]) {
        const seen: string[] = []
        let marker: string | undefined
        let pages = 0
        do {
          const input = { KeyId: keyId, Limit: 2, ...filter, ...(marker && { Marker: marker }) }
          const page = succeeded(await bench.owner.kms('ListGrants', input))
          seen.push(...listOf(page, 'Grants').map((entry) => textOf(entry, 'GrantId')))
          marker = page['Truncated'] === true ? textOf(page, 'NextMarker') : undefined
          pages++
        } while (marker !== undefined)
        const wanted = 'GranteePrincipal' in filter ? made.filter((_id, at) => at % 2 === 0) : made
        assert.deepEqual(seen.toSorted(), wanted.toSorted())
        assert.equal(pages, Math.ceil(wanted.length / 2))
      }
      assert.deepEqual(await bench.ids({ KeyId: keyId, GrantId: made[3] }), [made[3]])
      const both = { KeyId: keyId, GrantId: made[3], GranteePrincipal: GRANTEE }
      assert.deepEqual(await bench.ids(both), [])
      assert.deepEqual(await bench.ids({ KeyId: keyId, GrantId: NO_GRANT }), [])
    })

    test('never with the marker of another listing', async () => {
      const { id: keyId } = await createKey(bench.owner)
      for (let at = 0; at < 3; at++) await bench.grant({}, keyId)
      const page = succeeded(await bench.owner.kms('ListGrants', { KeyId: keyId, Limit: 1 }))
      const Marker = textOf(page, 'NextMarker')
      for (const input of [
        { KeyId: bench.key.id, Marker },
        { KeyId: keyId, GranteePrincipal: GRANTEE, Marker },
        { KeyId: keyId, Marker: 'x' },
      ]) {
        refused(
          await bench.owner.kms('ListGrants', input),
          'InvalidMarkerException',
          'Invalid marker',
        )
      }
    })

    test('not for a limit, an id, a principal or a service that cannot be', async () => {
      refused(
        await bench.owner.kms('ListGrants', { KeyId: bench.key.id, Limit: 101 }),
        'ValidationException',
        /less than or equal to 100/,
      )
      refused(
        await bench.owner.kms('ListGrants', { KeyId: bench.key.id, GrantId: 'abc' }),
        'InvalidGrantIdException',
        "Invalid grantId 'abc'",
      )
      refused(
        await bench.owner.kms('ListGrants', { KeyId: bench.key.id, GranteePrincipal: 'nobody' }),
        'InvalidArnException',
        'ARN does not refer to a valid principal: nobody',
      )
      refused(
        await bench.owner.kms('ListGrants', {
          KeyId: bench.key.id,
          GranteeServicePrincipal: 's3.amazonaws.com',
        }),
        'ValidationException',
        /Only AWS service principals/,
      )
    })

    test('by who retires them, on all keys of the Region', async () => {
      const principal = `arn:aws:iam::${FRIEND}:role/retirer`
      const one = await createKey(bench.owner)
      const other = await createKey(bench.owner)
      const made: string[] = []
      for (const { id } of [one, other, other]) {
        made.push((await bench.grant({ RetiringPrincipal: principal }, id)).id)
      }
      const seen: string[] = []
      let marker: string | undefined
      do {
        const input = { RetiringPrincipal: principal, Limit: 2, ...(marker && { Marker: marker }) }
        const page = succeeded(await bench.friend.kms('ListRetirableGrants', input))
        seen.push(...listOf(page, 'Grants').map((entry) => textOf(entry, 'GrantId')))
        marker = page['Truncated'] === true ? textOf(page, 'NextMarker') : undefined
      } while (marker !== undefined)
      assert.deepEqual(seen.toSorted(), made.toSorted())
      const elsewhere = await bench.friend.kms(
        'ListRetirableGrants',
        { RetiringPrincipal: principal },
        { region: 'us-east-1' },
      )
      assert.deepEqual(listOf(succeeded(elsewhere), 'Grants'), [])
    })

    test('by who retires them, for that account alone', async () => {
      refused(
        await bench.stranger.kms('ListRetirableGrants', { RetiringPrincipal: rootOf(FRIEND) }),
        'AccessDeniedException',
        /not authorized to perform: kms:ListRetirableGrants/,
      )
      refused(
        await bench.friend.kms('ListRetirableGrants', {}),
        'ValidationException',
        /exactly one of RetiringPrincipal/,
      )
      refused(
        await bench.friend.kms('ListRetirableGrants', {
          RetiringServicePrincipal: 's3.amazonaws.com',
        }),
        'ValidationException',
        /Only AWS service principals/,
      )
      for (const principal of ['nobody', 'AIDAABCDEFGHIJKLMNOPQ']) {
        refused(
          await bench.friend.kms('ListRetirableGrants', { RetiringPrincipal: principal }),
          'InvalidArnException',
          `ARN does not refer to a valid principal: ${principal}`,
        )
      }
    })
  })

  describe('ended', () => {
    test('by the account that made them, by token or by key and id, in every state of the key', async () => {
      const { id: keyId, arn } = await createKey(bench.owner)
      const one = await bench.grant({}, keyId)
      const other = await bench.grant({}, keyId)
      succeeded(await bench.owner.kms('ScheduleKeyDeletion', { KeyId: keyId }))
      const byToken = await bench.owner.kms('RetireGrant', { GrantToken: one.token })
      succeeded(byToken)
      assert.equal(byToken.text, '')
      succeeded(await bench.owner.kms('RetireGrant', { KeyId: arn, GrantId: other.id }))
      assert.deepEqual(await bench.ids({ KeyId: keyId }), [])
    })

    test('by the retiring principal, and by a grantee whose grant says so', async () => {
      const { id: keyId, arn } = await createKey(bench.owner)
      const retirable = await bench.grant({ RetiringPrincipal: rootOf(FRIEND) }, keyId)
      const own = await bench.grant(
        { GranteePrincipal: rootOf(FRIEND), Operations: ['Decrypt', 'RetireGrant'] },
        keyId,
      )
      const kept = await bench.grant({ GranteePrincipal: rootOf(FRIEND) }, keyId)
      succeeded(await bench.friend.kms('RetireGrant', { KeyId: arn, GrantId: retirable.id }))
      succeeded(await bench.friend.kms('RetireGrant', { GrantToken: own.token }))
      refused(
        await bench.friend.kms('RetireGrant', { GrantToken: kept.token }),
        'AccessDeniedException',
        `User: ${rootOf(FRIEND)} is not authorized to perform: kms:RetireGrant on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
      )
      assert.deepEqual(await bench.ids({ KeyId: keyId }), [kept.id])
    })

    test('by nobody else, who does not learn which grants there are', async () => {
      const { id } = await bench.grant()
      const answers = [
        await bench.stranger.kms('RetireGrant', { KeyId: bench.key.arn, GrantId: id }),
        await bench.stranger.kms('RetireGrant', { KeyId: bench.key.arn, GrantId: NO_GRANT }),
        await bench.stranger.kms('RevokeGrant', { KeyId: bench.key.arn, GrantId: id }),
      ]
      for (const answer of answers) refused(answer, 'AccessDeniedException', /on this resource/)
      const [one, other] = answers
      assert.equal(one?.text, other?.text)
      assert.deepEqual(await bench.ids({ KeyId: bench.key.id, GrantId: id }), [id])
    })

    test('by revoking, once', async () => {
      const { id, token } = await bench.grant()
      refused(
        await bench.owner.kms('RevokeGrant', { KeyId: bench.key.id, GrantId: id, DryRun: true }),
        'DryRunOperationException',
        /would have succeeded/,
      )
      const revoked = await bench.owner.kms('RevokeGrant', { KeyId: bench.key.id, GrantId: id })
      succeeded(revoked)
      assert.equal(revoked.text, '')
      for (const DryRun of [true, false]) {
        refused(
          await bench.owner.kms('RevokeGrant', { KeyId: bench.key.id, GrantId: id, DryRun }),
          'NotFoundException',
          `Grant ID ${id} not found`,
        )
        refused(
          await bench.owner.kms('RetireGrant', { KeyId: bench.key.id, GrantId: id, DryRun }),
          'NotFoundException',
          `Grant ID ${id} not found`,
        )
      }
      refused(
        await bench.owner.kms('RetireGrant', { GrantToken: token }),
        'InvalidGrantTokenException',
      )
    })

    test('never by a request that names them badly, or in a dry run', async () => {
      const { id, token } = await bench.grant()
      for (const input of [
        {},
        { KeyId: bench.key.id },
        { GrantId: id },
        { GrantToken: token, GrantId: id },
        { GrantToken: token, KeyId: bench.key.id },
      ]) {
        refused(
          await bench.owner.kms('RetireGrant', input),
          'ValidationException',
          'Specify either GrantToken, or both KeyId and GrantId.',
        )
      }
      for (const operation of ['RetireGrant', 'RevokeGrant']) {
        refused(
          await bench.owner.kms(operation, { KeyId: bench.key.id, GrantId: id.toUpperCase() }),
          'InvalidGrantIdException',
          `Invalid grantId '${id.toUpperCase()}'`,
        )
      }
      refused(
        await bench.owner.kms('RetireGrant', { GrantToken: token, DryRun: true }),
        'DryRunOperationException',
        /would have succeeded/,
      )
      assert.deepEqual(await bench.ids({ KeyId: bench.key.id, GrantId: id }), [id])
    })

    test('with their key', async () => {
      const { id: keyId } = await createKey(bench.owner)
      const principal = `arn:aws:iam::${FRIEND}:role/of-a-gone-key`
      const { token } = await bench.grant({ RetiringPrincipal: principal }, keyId)
      succeeded(
        await bench.owner.kms('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 }),
      )
      bench.node.clock.advance({ days: 7 })
      const listed = await bench.friend.kms('ListRetirableGrants', { RetiringPrincipal: principal })
      assert.deepEqual(listOf(succeeded(listed), 'Grants'), [])
      refused(
        await bench.owner.kms('RetireGrant', { GrantToken: token }),
        'InvalidGrantTokenException',
      )
      await bench.node.runTimedWork()
      const left = await bench.node.records.page(GRANTS, {
        index: 'key',
        equals: [REGION, keyId],
        limit: 1,
      })
      assert.deepEqual(left, [])
    })
  })

  describe('tokens', () => {
    test('are taken by every operation on their key, and by ReEncrypt of either key', async () => {
      const one = await createKey(bench.owner)
      const other = await createKey(bench.owner)
      const tokens = [
        (await bench.grant({}, one.id)).token,
        (await bench.grant({}, other.id)).token,
      ]
      const [ofOne = '', ofOther = ''] = tokens
      const encrypted = await bench.owner.kms('Encrypt', {
        KeyId: one.id,
        Plaintext: blob('x'),
        GrantTokens: [ofOne],
      })
      const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
      succeeded(await bench.owner.kms('Decrypt', { CiphertextBlob, GrantTokens: [ofOne] }))
      succeeded(
        await bench.owner.kms('ReEncrypt', {
          CiphertextBlob,
          DestinationKeyId: other.id,
          GrantTokens: tokens,
        }),
      )
      const creation = { KeyId: one.id, GranteePrincipal: GRANTEE, Operations: ['Decrypt'] }
      succeeded(await bench.owner.kms('CreateGrant', { ...creation, GrantTokens: [ofOne] }))
      for (const [operation, input] of [
        ['Decrypt', { CiphertextBlob }],
        ['Encrypt', { KeyId: one.id, Plaintext: blob('x') }],
        ['DescribeKey', { KeyId: one.id }],
        ['CreateGrant', creation],
      ] as const) {
        for (const GrantTokens of [[ofOther], [ofOne, ofOther]]) {
          const answer = await bench.owner.kms(operation, { ...input, GrantTokens })
          refused(answer, 'InvalidGrantTokenException')
        }
      }
    })

    test('are refused once altered, ended, or in another Region', async () => {
      const { id, token } = await bench.grant()
      const middle = token.length >> 1
      const swapped = token[middle] === 'A' ? 'B' : 'A'
      for (const wrong of [
        'x',
        `${token}=`,
        token.slice(0, -4),
        `${token.slice(0, middle)}${swapped}${token.slice(middle + 1)}`,
        'A'.repeat(8192),
      ]) {
        const answer = await bench.owner.kms('DescribeKey', {
          KeyId: bench.key.id,
          GrantTokens: [wrong],
        })
        refused(answer, 'InvalidGrantTokenException')
        refused(
          await bench.owner.kms('RetireGrant', { GrantToken: wrong }),
          'InvalidGrantTokenException',
        )
      }
      const elsewhere = { region: 'us-east-1' }
      refused(
        await bench.owner.kms('RetireGrant', { GrantToken: token }, elsewhere),
        'InvalidGrantTokenException',
      )
      succeeded(await bench.owner.kms('DescribeKey', { KeyId: bench.key.id, GrantTokens: [token] }))
      succeeded(await bench.owner.kms('RevokeGrant', { KeyId: bench.key.id, GrantId: id }))
      refused(
        await bench.owner.kms('DescribeKey', { KeyId: bench.key.id, GrantTokens: [token] }),
        'InvalidGrantTokenException',
      )
    })

    test('tell a stranger nothing, and are told before the state of the key', async () => {
      const { token } = await bench.grant()
      for (const GrantTokens of [[token], ['x']]) {
        const answer = await bench.stranger.kms('DescribeKey', {
          KeyId: bench.key.arn,
          GrantTokens,
        })
        refused(answer, 'AccessDeniedException', /on this resource/)
      }
      const other = await createKey(bench.owner)
      succeeded(await bench.owner.kms('DisableKey', { KeyId: other.id }))
      const Plaintext = blob('x')
      refused(
        await bench.owner.kms('Encrypt', { KeyId: other.id, Plaintext, GrantTokens: [token] }),
        'InvalidGrantTokenException',
      )
    })

    test('are neither stored nor recorded', async () => {
      const { id: keyId } = await createKey(bench.owner)
      const { token } = await bench.grant({ Name: 'secret' }, keyId)
      succeeded(await bench.owner.kms('DescribeKey', { KeyId: keyId, GrantTokens: [token] }))
      succeeded(await bench.owner.kms('RetireGrant', { GrantToken: token, DryRun: false }))
      const rows = await bench.node.rows.page(GRANTS.schema, {
        index: 'key',
        equals: [],
        limit: 10_000,
      })
      for (const kept of [
        ...bench.node.sink.texts,
        ...rows.map(({ body }) => body),
        ...bench.node.log.lines,
      ]) {
        assert.ok(!kept.includes(token))
      }
    })
  })
})
