import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { importParameters, wrapMaterial } from '../../../../test/support/key-import.ts'
import { type MemoryNode, startMemoryNode } from '../../../../test/support/memory-node.ts'
import { naiveSearch } from '../../../../test/support/naive-search.ts'
import {
  blob,
  createKey,
  succeeded,
  textOf,
  WireClient,
} from '../../../../test/support/wire-client.ts'
import { OperatorError } from '../../../core/errors.ts'
import { instant, parseAccountId } from '../../../core/ids.ts'
import type { KeyImpact } from '../../../core/key-impact.ts'
import { ACCOUNTS } from '../../../core/tables.ts'
import { setDeletionGuard } from '../../../server/operator/deletion-guards.ts'
import { KeyUsage } from '../keys/key-usage.ts'
import { agoText } from './impact-warnings.ts'
import { keyImpact } from './key-impact.ts'

const OWNER = '111122223333'
const OTHER = '444455556666'
const ROOT = `arn:aws:iam::${OWNER}:root`
const HOUR_MS = 3_600_000

describe('the impact of a deletion', () => {
  let node: MemoryNode
  let kms: WireClient
  let stranger: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, OWNER)
    stranger = new WireClient(node.endpoint, OTHER)
    const accountId = parseAccountId(OWNER) ?? assert.fail()
    const account = { accountId, name: 'one', createdAt: instant(0) }
    await node.records.transaction((tx) => tx.insert(ACCOUNTS, account))
  })

  after(async () => {
    kms.close()
    stranger.close()
    await node.close()
  })

  /** As an operator asks, of the frames of the node. */
  const impactOf = (key: string, accountId?: string): Promise<KeyImpact> =>
    keyImpact(
      { records: node.records, search: naiveSearch(() => node.sink.texts), clock: node.clock },
      { key, accountId },
    )
  const passHours = (hours: number): void => node.clock.advance({ ms: hours * HOUR_MS })
  const POLICY = JSON.stringify({
    Statement: {
      Effect: 'Allow',
      Principal: { AWS: [OWNER, OTHER] },
      Action: 'kms:*',
      Resource: '*',
    },
  })

  test('of a key that nobody used and nothing points at: nothing to think of', async () => {
    const { id, arn } = await createKey(kms, { Description: 'idle' })
    succeeded(await kms.kms('DescribeKey', { KeyId: id }))
    assert.deepEqual(await impactOf(id), {
      arn,
      keyId: id,
      accountId: OWNER,
      region: 'eu-central-1',
      description: 'idle',
      createdAt: new Date(node.clock.now()).toISOString(),
      spec: 'SYMMETRIC_DEFAULT',
      usage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      state: 'Enabled',
      lastUse: undefined,
      uses: { days: 90, total: 0, by: [] },
      aliases: [],
      grants: { total: 0, some: [] },
      related: [],
      imported: [],
      customKeyStore: undefined,
      guard: undefined,
      warnings: [],
    })
  })

  test('of a key in use: by whom, how often, what points at it', async () => {
    const { id, arn } = await createKey(kms, { Policy: POLICY })
    const sealed = succeeded(await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('x') }))
    const { CiphertextBlob } = sealed
    for (let call = 0; call < 3; call++) await kms.kms('Decrypt', { CiphertextBlob })
    await kms.kms('Decrypt', { CiphertextBlob, EncryptionContext: { wrong: 'one' } })
    passHours(1)
    const last = await stranger.kms('Encrypt', { KeyId: arn, Plaintext: blob('x') })
    succeeded(last)
    for (const AliasName of ['alias/one', 'alias/two']) {
      succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId: id }))
    }
    const grant = { KeyId: id, GranteePrincipal: ROOT, Operations: ['Decrypt'], Name: 'g' }
    const { GrantId } = succeeded(await kms.kms('CreateGrant', grant))
    passHours(3)
    const impact = await impactOf('alias/two', OWNER)
    const frame = node.sink.frames.find(
      ({ records }) => records[0]?.['requestID'] === last.requestId,
    )
    const owners = frame?.records[1] ?? assert.fail()
    assert.deepEqual(impact.lastUse, {
      time: new Date(node.clock.now() - 3 * HOUR_MS).toISOString(),
      operation: 'Encrypt',
      eventId: textOf(owners, 'eventID'),
      requestId: last.requestId,
      principal: OTHER,
      sourceAddress: '127.0.0.1',
    })
    assert.deepEqual(
      impact.uses.by.map(({ principal, operation, count }) => [principal, operation, count]),
      [
        [ROOT, 'Decrypt', 3],
        [OTHER, 'Encrypt', 1],
        [ROOT, 'Encrypt', 1],
      ],
    )
    assert.equal(impact.uses.total, 5)
    assert.deepEqual(impact.aliases, ['alias/one', 'alias/two'])
    assert.deepEqual(impact.grants, {
      total: 1,
      some: [{ grantId: GrantId, name: 'g', grantee: ROOT, operations: ['Decrypt'] }],
    })
    assert.deepEqual(impact.warnings, [
      `used 3 h ago by account ${OTHER} (Encrypt); 5 uses by 2 principals in the last 90 days`,
      '2 aliases and 1 grant point here',
    ])
  })

  test('uses beyond 90 days are the last use alone', async () => {
    const { id } = await createKey(kms)
    succeeded(await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('x') }))
    node.clock.advance({ days: 91 })
    const impact = await impactOf(id)
    assert.equal(impact.uses.total, 0)
    assert.deepEqual(impact.warnings, [
      `used 91 days ago by ${ROOT} (Encrypt); not once in the last 90 days`,
    ])
  })

  test('a use that only the store remembers is told without its caller', async () => {
    const { id } = await createKey(kms)
    const used = await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('x') })
    await noteUses(id)
    const parts = { records: node.records, search: naiveSearch(() => []), clock: node.clock }
    const { lastUse, warnings } = await keyImpact(parts, { key: id })
    assert.equal(lastUse?.requestId, used.requestId)
    assert.deepEqual([lastUse.operation, lastUse.principal], ['Encrypt', undefined])
    assert.match(warnings[0] ?? '', /^used just now \(Encrypt\); not once/)
  })

  test('a guard says until when it refuses', async () => {
    const { id } = await createKey(kms)
    succeeded(await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('x') }))
    const until = new Date(node.clock.now() + 30 * 24 * HOUR_MS).toISOString()
    await setDeletionGuard(node, { accountId: OWNER, days: 30 })
    const guarded = await impactOf(id)
    assert.deepEqual(guarded.guard, { days: 30, refusesUntil: until })
    assert.match(
      guarded.warnings.join('\n'),
      new RegExp(`refuses ScheduleKeyDeletion until ${until}`),
    )
    node.clock.advance({ days: 30 })
    assert.deepEqual((await impactOf(id)).guard, { days: 30 })
  })

  test('a family is told with the use of each member', async () => {
    const { id, arn } = await createKey(kms, { MultiRegion: true })
    succeeded(await kms.kms('ReplicateKey', { KeyId: id, ReplicaRegion: 'eu-west-1' }))
    const there = new WireClient(node.endpoint, OWNER, 'eu-west-1')
    succeeded(await there.kms('Encrypt', { KeyId: id, Plaintext: blob('x') }))
    there.close()
    await assert.rejects(impactOf(id), OperatorError)
    const impact = await impactOf(arn)
    assert.equal(impact.lastUse, undefined)
    assert.deepEqual(
      impact.related.map(({ role, lastUse }) => [role, lastUse?.operation]),
      [
        ['primary', undefined],
        ['replica', 'Encrypt'],
      ],
    )
    assert.match(impact.warnings[0] ?? '', /^the primary of 1 replica: /)
    const replica = await impactOf(arn.replace('eu-central-1', 'eu-west-1'))
    assert.match(replica.warnings.at(-1) ?? '', /^a replica: /)
  })

  test('imported material, public keys and a deletion under way are told', async () => {
    const { id } = await createKey(kms, { Origin: 'EXTERNAL' })
    assert.match((await impactOf(id)).warnings.join(), /^$/)
    const { publicKey, token, algorithm } = await importParameters(kms, id)
    succeeded(
      await kms.kms('ImportKeyMaterial', {
        KeyId: id,
        ImportToken: token,
        EncryptedKeyMaterial: blob(wrapMaterial(publicKey, algorithm, Buffer.alloc(32, 7))),
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      }),
    )
    const imported = await impactOf(id)
    assert.deepEqual(
      imported.imported.map(({ state, isPresent }) => [state, isPresent]),
      [['CURRENT', true]],
    )
    assert.match(imported.warnings.join(), /material was imported/)
    const { id: rsa } = await createKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: rsa, PendingWindowInDays: 7 }))
    const { warnings, deletionDate } = await impactOf(rsa)
    assert.match(warnings[0] ?? '', new RegExp(`^deleted for good on ${deletionDate}`))
    assert.match(warnings[1] ?? '', /public key/)
  })

  test('names that mean no key are refused', async () => {
    await assert.rejects(impactOf('alias/none', OWNER), /there is no such key/)
    await assert.rejects(impactOf('?'), /names no key/)
  })

  /** Notes in the store what the log has of a key. */
  async function noteUses(keyId: string): Promise<void> {
    const texts = node.sink.texts.filter((text) => text.includes(keyId))
    const journal = {
      sequence: () => texts.length,
      readMark: () => Promise.resolve(0),
      writeMark: () => Promise.resolve(),
      async *framesBehind() {
        yield* texts
      },
    }
    await new KeyUsage({ records: node.records, clock: node.clock, journal }).rebuild()
  }
})

test('a moment is told by how long it is ago', () => {
  const now = instant(100 * 24 * HOUR_MS)
  for (const [ms, text] of [
    [0, 'just now'],
    [-5, 'just now'],
    [59_999, 'just now'],
    [60_000, '1 min ago'],
    [HOUR_MS, '1 h ago'],
    [47 * HOUR_MS, '47 h ago'],
    [48 * HOUR_MS, '2 days ago'],
  ] as const) {
    assert.equal(agoText(instant(now - ms), now), text)
  }
})
