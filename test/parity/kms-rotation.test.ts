import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const DAY_S = 86_400

describe('rotation', () => {
  let node: MemoryNode
  let kms: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const nowS = (): number => node.clock.now() / 1000
  const status = async (KeyId: string) =>
    succeeded(await kms.kms('GetKeyRotationStatus', { KeyId }))
  const rotations = async (KeyId: string, more: object = {}) =>
    listOf(succeeded(await kms.kms('ListKeyRotations', { KeyId, ...more })), 'Rotations')
  const encrypt = async (KeyId: string) =>
    textOf(
      succeeded(await kms.kms('Encrypt', { KeyId, Plaintext: blob('kept') })),
      'CiphertextBlob',
    )
  /** The id of the material that opens a ciphertext. */
  const openedBy = async (CiphertextBlob: string): Promise<string> => {
    const reply = succeeded(await kms.kms('Decrypt', { CiphertextBlob }))
    assert.equal(reply['Plaintext'], blob('kept'))
    return textOf(reply, 'KeyMaterialId')
  }
  const eventsOf = (id: string): readonly JsonObject[] =>
    node.sink.frames
      .flatMap(({ records }) => records)
      .filter(
        ({ eventName, serviceEventDetails }) =>
          eventName === 'RotateKey' && JSON.stringify(serviceEventDetails).includes(id),
      )
  const passDays = async (days: number): Promise<void> => {
    node.clock.advance({ days })
    await node.runTimedWork()
  }

  describe('by itself', () => {
    test('is off until it is enabled, and then yearly', async () => {
      const { id, arn } = await createKey(kms)
      assert.deepEqual(await status(id), { KeyId: arn, KeyRotationEnabled: false })
      const answer = await kms.kms('EnableKeyRotation', { KeyId: id })
      assert.equal(answer.status, 200)
      assert.equal(answer.text, '')
      assert.deepEqual(await status(arn), {
        KeyId: arn,
        KeyRotationEnabled: true,
        RotationPeriodInDays: 365,
        NextRotationDate: nowS() + 365 * DAY_S,
      })
      const record = node.sink.record(answer.requestId)
      assert.deepEqual(record['requestParameters'], { keyId: id })
      assert.deepEqual(record['responseElements'], { keyId: arn })
      assert.equal((await kms.kms('DisableKeyRotation', { KeyId: id })).text, '')
      assert.deepEqual(await status(id), { KeyId: arn, KeyRotationEnabled: false })
      assert.equal((await kms.kms('DisableKeyRotation', { KeyId: id })).status, 200)
    })

    test('comes at its date, not before, and again one period later', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      const start = nowS()
      const first = await encrypt(id)
      node.clock.advance({ days: 90, ms: -1 })
      await node.runTimedWork()
      assert.deepEqual(await rotations(id), [])
      node.clock.advance({ ms: 1 })
      await node.runTimedWork()
      await node.runTimedWork()
      const second = await encrypt(id)
      assert.equal((await status(id))['NextRotationDate'], start + 180 * DAY_S)
      await passDays(90)
      const third = await encrypt(id)
      const materials = [await openedBy(first), await openedBy(second), await openedBy(third)]
      assert.equal(new Set(materials).size, 3)
      const dates = (await rotations(id)).map(({ RotationDate, RotationType, KeyMaterialId }) => [
        RotationDate,
        RotationType,
        KeyMaterialId,
      ])
      assert.deepEqual(dates, [
        [start + 90 * DAY_S, 'AUTOMATIC', materials[1]],
        [start + 180 * DAY_S, 'AUTOMATIC', materials[2]],
      ])
    })

    test('is recorded with the material before and after', async () => {
      const { id, arn } = await createKey(kms)
      const earlier = await openedBy(await encrypt(id))
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      await passDays(90)
      const [event, ...more] = eventsOf(id)
      assert.deepEqual(more, [])
      assert.equal(event?.['eventType'], 'AwsServiceEvent')
      assert.deepEqual(event['resources'], [
        { accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: arn },
      ])
      assert.deepEqual(event['serviceEventDetails'], {
        rotationType: 'AUTOMATIC',
        keyOrigin: 'AWS_KMS',
        previousKeyMaterialId: earlier,
        currentKeyMaterialId: await openedBy(await encrypt(id)),
        keyId: id,
      })
    })

    test('makes up once for several dates that were missed, and keeps its schedule', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 100 })
      const start = nowS()
      await passDays(350)
      assert.equal((await rotations(id)).length, 1)
      assert.equal((await status(id))['NextRotationDate'], start + 400 * DAY_S)
    })

    test('of hundreds of keys at once leaves none behind', async () => {
      const ids: string[] = []
      for (let at = 0; at < 205; at++) {
        const { id } = await createKey(kms)
        await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
        ids.push(id)
      }
      await passDays(90)
      for (const id of ids) assert.equal((await rotations(id)).length, 1)
    })

    test('starts anew with another period, and is left alone by the same', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 100 })
      const start = nowS()
      await passDays(10)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 100 })
      assert.equal((await status(id))['NextRotationDate'], start + 100 * DAY_S)
      await kms.kms('EnableKeyRotation', { KeyId: id })
      assert.equal((await status(id))['NextRotationDate'], start + 375 * DAY_S)
      refused(
        await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 89 }),
        'ValidationException',
        "1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90",
      )
    })

    test('waits while the key is disabled, and comes at once when it is enabled', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      const old = await encrypt(id)
      await kms.kms('DisableKey', { KeyId: id })
      await passDays(120)
      assert.deepEqual(await rotations(id), [])
      assert.equal((await status(id))['KeyRotationEnabled'], true)
      succeeded(await kms.kms('EnableKey', { KeyId: id }))
      const [only] = await rotations(id)
      assert.equal(only?.['RotationDate'], nowS())
      assert.equal(only['RotationType'], 'AUTOMATIC')
      assert.equal((await status(id))['NextRotationDate'], nowS() + 90 * DAY_S)
      assert.notEqual(await openedBy(old), await openedBy(await encrypt(id)))
      assert.equal(eventsOf(id).length, 1)
      succeeded(await kms.kms('EnableKey', { KeyId: id }))
      assert.equal((await rotations(id)).length, 1)
    })

    test('does not come early when a key is enabled before its date', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      const { NextRotationDate } = await status(id)
      await kms.kms('DisableKey', { KeyId: id })
      await passDays(30)
      succeeded(await kms.kms('EnableKey', { KeyId: id }))
      assert.deepEqual(await rotations(id), [])
      assert.equal((await status(id))['NextRotationDate'], NextRotationDate)
    })

    test('is off while the key waits for its deletion, and back when that is cancelled', async () => {
      const { id, arn } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      await passDays(80)
      await kms.kms('ScheduleKeyDeletion', { KeyId: id, PendingWindowInDays: 30 })
      assert.deepEqual(await status(id), { KeyId: arn, KeyRotationEnabled: false })
      await passDays(20)
      assert.deepEqual(await rotations(id), [])
      succeeded(await kms.kms('CancelKeyDeletion', { KeyId: id }))
      assert.equal((await status(id))['KeyRotationEnabled'], true)
      await passDays(1)
      assert.deepEqual(await rotations(id), [])
      succeeded(await kms.kms('EnableKey', { KeyId: id }))
      assert.equal((await rotations(id)).length, 1)
    })

    test('stands when the log cannot be written, and is recorded when it can again', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      node.clock.advance({ days: 90 })
      node.sink.isFailing = true
      await assert.rejects(node.runTimedWork())
      node.sink.isFailing = false
      assert.deepEqual(eventsOf(id), [])
      assert.equal((await rotations(id)).length, 1)
      assert.equal(eventsOf(id).length, 1)
    })
  })

  describe('on demand', () => {
    test('happens before the reply, beside the schedule', async () => {
      const { id, arn } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      const { NextRotationDate } = await status(id)
      const old = await encrypt(id)
      const answer = await kms.kms('RotateKeyOnDemand', { KeyId: id })
      assert.deepEqual(succeeded(answer), { KeyId: arn })
      const [only] = await rotations(id)
      assert.deepEqual(only, {
        KeyId: arn,
        KeyMaterialId: await openedBy(await encrypt(id)),
        KeyMaterialState: 'CURRENT',
        RotationDate: nowS(),
        RotationType: 'ON_DEMAND',
      })
      assert.notEqual(await openedBy(old), only['KeyMaterialId'])
      assert.equal((await status(id))['NextRotationDate'], NextRotationDate)
      assert.equal((await status(id))['OnDemandRotationStartDate'], undefined)
      const details = eventsOf(id).map(({ serviceEventDetails }) => serviceEventDetails)
      assert.deepEqual(details, [
        {
          rotationType: 'ON_DEMAND',
          keyOrigin: 'AWS_KMS',
          previousKeyMaterialId: await openedBy(old),
          currentKeyMaterialId: only['KeyMaterialId'],
          keyId: id,
        },
      ])
      const record = node.sink.record(answer.requestId)
      assert.deepEqual(record['responseElements'], { keyId: arn })
    })

    test('has a limit of 25 for the life of a key', async () => {
      const { id, arn } = await createKey(kms)
      for (let at = 0; at < 25; at++) succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
      refused(
        await kms.kms('RotateKeyOnDemand', { KeyId: id }),
        'LimitExceededException',
        `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${arn}`,
      )
      assert.equal((await rotations(id)).length, 25)
    })

    test('is refused from 20 minutes before an automatic rotation until that is done', async () => {
      const { id } = await createKey(kms)
      await kms.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 })
      node.clock.advance({ days: 90, ms: -20 * 60_000 })
      refused(await kms.kms('RotateKeyOnDemand', { KeyId: id }), 'ConflictException', /20 minutes/)
      node.clock.advance({ ms: 20 * 60_000 })
      refused(await kms.kms('RotateKeyOnDemand', { KeyId: id }), 'ConflictException', /20 minutes/)
      await node.runTimedWork()
      succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
    })

    test('of ten callers at once happens ten times, each with its own material', async () => {
      const { id } = await createKey(kms)
      const calls = Array.from({ length: 10 }, () => kms.kms('RotateKeyOnDemand', { KeyId: id }))
      for (const answer of await Promise.all(calls)) succeeded(answer)
      const listed = await rotations(id, { IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })
      const states = listed.map(({ KeyMaterialState }) => KeyMaterialState)
      assert.deepEqual(states, [...Array<string>(10).fill('NON_CURRENT'), 'CURRENT'])
      assert.equal(new Set(listed.map(({ KeyMaterialId }) => KeyMaterialId)).size, 11)
    })
  })

  describe('refuses', () => {
    const SETTINGS = ['EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand'] as const

    test('a disabled key before it looks at what kind of key it is', async () => {
      const { id, arn } = await createKey(kms, {
        KeySpec: 'ECC_NIST_P256',
        KeyUsage: 'SIGN_VERIFY',
      })
      for (const operation of SETTINGS) {
        refused(await kms.kms(operation, { KeyId: id }), 'UnsupportedOperationException')
      }
      refused(await kms.kms('ListKeyRotations', { KeyId: id }), 'UnsupportedOperationException')
      assert.deepEqual(await status(id), { KeyId: arn, KeyRotationEnabled: false })
      await kms.kms('DisableKey', { KeyId: id })
      for (const operation of SETTINGS) {
        refused(await kms.kms(operation, { KeyId: id }), 'DisabledException', `${arn} is disabled.`)
      }
    })

    test('keys that are to be deleted, HMAC keys, and imported keys where it goes by itself', async () => {
      const { id, arn } = await createKey(kms)
      await kms.kms('ScheduleKeyDeletion', { KeyId: id })
      const hmac = await createKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
      for (const operation of SETTINGS) {
        const pending = await kms.kms(operation, { KeyId: id })
        refused(pending, 'KMSInvalidStateException', `${arn} is pending deletion.`)
        refused(await kms.kms(operation, { KeyId: hmac.id }), 'UnsupportedOperationException')
      }
      const external = await createKey(kms, { Origin: 'EXTERNAL' })
      for (const operation of ['EnableKeyRotation', 'DisableKeyRotation']) {
        refused(
          await kms.kms(operation, { KeyId: external.id }),
          'UnsupportedOperationException',
          `${external.arn} origin is EXTERNAL which is not valid for this operation.`,
        )
      }
      refused(
        await kms.kms('RotateKeyOnDemand', { KeyId: external.id }),
        'KMSInvalidStateException',
        `${external.arn} is pending import.`,
      )
      assert.equal((await status(external.id))['KeyRotationEnabled'], false)
    })

    test('aliases and keys that do not exist', async () => {
      for (const operation of [...SETTINGS, 'GetKeyRotationStatus', 'ListKeyRotations']) {
        refused(
          await kms.kms(operation, { KeyId: 'alias/x' }),
          'NotFoundException',
          "Invalid keyId 'alias/x'",
        )
        const KeyId = '00000000-0000-4000-8000-000000000000'
        refused(await kms.kms(operation, { KeyId }), 'NotFoundException', /does not exist$/)
      }
    })
  })

  describe('listed', () => {
    test('page by page, oldest first, with the first material on request', async () => {
      const { id, arn } = await createKey(kms)
      const first = await openedBy(await encrypt(id))
      for (let at = 0; at < 5; at++) {
        node.clock.advance({ ms: 1000 })
        succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
      }
      assert.equal((await rotations(id)).length, 5)
      const input = { KeyId: id, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Limit: 4 }
      const page = succeeded(await kms.kms('ListKeyRotations', input))
      const [oldest, ...others] = listOf(page, 'Rotations')
      assert.deepEqual(oldest, {
        KeyId: arn,
        KeyMaterialId: first,
        KeyMaterialState: 'NON_CURRENT',
      })
      assert.equal(others.length, 3)
      assert.equal(page['Truncated'], true)
      const Marker = textOf(page, 'NextMarker')
      const rest = succeeded(await kms.kms('ListKeyRotations', { ...input, Marker }))
      assert.equal(rest['Truncated'], false)
      assert.equal(rest['NextMarker'], undefined)
      const all = [...others, ...listOf(rest, 'Rotations')].map(({ RotationDate }) => RotationDate)
      assert.deepEqual(
        all,
        [4, 3, 2, 1, 0].map((ago) => nowS() - ago),
      )
      refused(
        await kms.kms('ListKeyRotations', { KeyId: id, Marker }),
        'InvalidMarkerException',
        'Invalid marker',
      )
    })

    test('every generation opens what it encrypted', async () => {
      const { id } = await createKey(kms)
      const ciphertexts = [await encrypt(id)]
      for (let at = 0; at < 20; at++) {
        succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
        ciphertexts.push(await encrypt(id))
      }
      const listed = await rotations(id, { IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })
      const openers: string[] = []
      for (const ciphertext of ciphertexts) openers.push(await openedBy(ciphertext))
      assert.deepEqual(
        openers,
        listed.map(({ KeyMaterialId }) => KeyMaterialId),
      )
    })
  })
})
