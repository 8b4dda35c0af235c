import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { removeDeletionGuard, setDeletionGuard } from '../../src/server/operator/deletion-guards.ts'
import { OTHER, OWNER, TO_ACCOUNT, TwoAccounts } from '../support/two-accounts.ts'
import { blob, refused, succeeded, textOf, type WireAnswer } from '../support/wire-client.ts'

const DAYS = 30
const REGION = 'eu-central-1'

describe('the deletion guard of an account', () => {
  let accounts: TwoAccounts

  before(async () => {
    accounts = await TwoAccounts.start()
    const { node } = accounts
    await setDeletionGuard(node, { accountId: OWNER, days: DAYS })
  })

  after(() => accounts.close())

  const root = (operation: string, input: object) => accounts.as('root').kms(operation, input)
  const newKey = async (more: object = {}): Promise<{ KeyId: string; Arn: string }> => {
    const answer = await root('CreateKey', more)
    const { KeyMetadata } = answer.json as { KeyMetadata: { KeyId: string; Arn: string } }
    return KeyMetadata
  }
  const schedule = (KeyId: string): Promise<WireAnswer> => root('ScheduleKeyDeletion', { KeyId })

  test('lets a key go that was never used', async () => {
    const { KeyId } = await newKey()
    succeeded(await root('DescribeKey', { KeyId }))
    assert.equal((await schedule(KeyId)).status, 200)
  })

  test('keeps one that was used within its days, to the millisecond', async () => {
    const { KeyId, Arn } = await newKey()
    succeeded(await root('Encrypt', { KeyId, Plaintext: blob('x') }))
    const used = `${new Date(accounts.node.clock.now()).toISOString().slice(0, 19)}Z`
    const message = `${Arn} was last used at ${used}. The deletion guard of account ${OWNER} refuses to schedule the deletion of a key that was used within ${DAYS} days.`
    refused(await schedule(KeyId), 'KMSInvalidStateException', message)
    accounts.node.clock.advance({ days: DAYS, ms: -1 })
    refused(await schedule(KeyId), 'KMSInvalidStateException', message)
    // What failed is no use.
    refused(
      await root('Decrypt', { KeyId, CiphertextBlob: blob('junk') }),
      'InvalidCiphertextException',
      undefined,
    )
    accounts.node.clock.advance({ ms: 1 })
    assert.equal((await schedule(KeyId)).status, 200)
  })

  test('is on the record of the refusal, and changes nothing', async () => {
    const { KeyId, Arn } = await newKey()
    succeeded(await root('Encrypt', { KeyId, Plaintext: blob('x') }))
    const answer = await schedule(KeyId)
    const record = accounts.node.sink.record(answer.requestId)
    assert.equal(record['errorCode'], 'KMSInvalidStateException')
    assert.match(textOf(record, 'errorMessage'), /deletion guard/)
    assert.deepEqual(record['resources'], [{ accountId: OWNER, type: 'AWS::KMS::Key', ARN: Arn }])
    assert.equal(record['responseElements'], null)
    succeeded(await root('Encrypt', { KeyId, Plaintext: blob('x') }))
  })

  test('holds for uses by other accounts, and stays in its account', async () => {
    const open = { Effect: 'Allow', Principal: { AWS: OTHER }, Action: 'kms:*', Resource: '*' }
    await accounts.putPolicy(TO_ACCOUNT, open)
    succeeded(await accounts.encrypt('other root'))
    refused(await schedule(accounts.keyId), 'KMSInvalidStateException', /deletion guard/)
    const made = await accounts.as('other root').kms('CreateKey', {})
    const { KeyMetadata } = made.json as { KeyMetadata: { KeyId: string } }
    const { KeyId } = KeyMetadata
    succeeded(await accounts.as('other root').kms('Encrypt', { KeyId, Plaintext: blob('x') }))
    succeeded(await accounts.as('other root').kms('ScheduleKeyDeletion', { KeyId }))
  })

  test('comes behind the authorization and the state', async () => {
    const { KeyId, Arn } = await newKey()
    succeeded(await root('Encrypt', { KeyId, Plaintext: blob('x') }))
    refused(
      await accounts.as('alice').kms('ScheduleKeyDeletion', { KeyId }),
      'AccessDeniedException',
      /ScheduleKeyDeletion/,
    )
    const unknown = `arn:aws:kms:${REGION}:${OWNER}:key/00000000-0000-4000-8000-000000000000`
    refused(await schedule(unknown), 'NotFoundException', `Key '${unknown}' does not exist`)
    await removeDeletionGuard(accounts.node, OWNER)
    succeeded(await schedule(KeyId))
    await setDeletionGuard(accounts.node, { accountId: OWNER, days: DAYS })
    refused(await schedule(KeyId), 'KMSInvalidStateException', `${Arn} is pending deletion.`)
  })

  test('lets a key in use be disabled', async () => {
    const { KeyId } = await newKey()
    succeeded(await root('Encrypt', { KeyId, Plaintext: blob('x') }))
    assert.equal((await root('DisableKey', { KeyId })).status, 200)
    refused(await schedule(KeyId), 'KMSInvalidStateException', /deletion guard/)
  })

  test('asks each key of a family for itself', async () => {
    const { KeyId } = await newKey({ MultiRegion: true })
    succeeded(await root('ReplicateKey', { KeyId, ReplicaRegion: 'eu-west-1' }))
    assert.equal((await schedule(KeyId)).status, 200)
    const used = await newKey({ MultiRegion: true })
    succeeded(await root('ReplicateKey', { KeyId: used.KeyId, ReplicaRegion: 'eu-west-1' }))
    succeeded(await root('Encrypt', { KeyId: used.KeyId, Plaintext: blob('x') }))
    refused(await schedule(used.KeyId), 'KMSInvalidStateException', /deletion guard/)
  })
})
