import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { BACKING_KEYS } from '../../src/core/tables.ts'
import { decryptWith, importMaterial, materialIdOf } from '../support/key-import.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const NEVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
const NEW = { ...NEVER, ImportType: 'NEW_KEY_MATERIAL' }
const EXISTING = { ...NEVER, ImportType: 'EXISTING_KEY_MATERIAL' }

describe('the life of imported material', () => {
  let node: MemoryNode
  let kms: WireClient
  let id: string
  let arn: string
  let first: Buffer

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  beforeEach(async () => {
    ;({ id, arn } = await createKey(kms, { Origin: 'EXTERNAL' }))
    first = randomBytes(32)
    succeeded(await importMaterial(kms, id, first))
  })

  const bring = (material: Uint8Array, members: JsonObject) =>
    importMaterial(kms, id, material, { members })
  const inSeconds = (seconds: number): JsonObject => ({
    ValidTo: node.clock.now() / 1000 + seconds,
  })
  const metadata = async () =>
    membersOf(succeeded(await kms.kms('DescribeKey', { KeyId: id })), 'KeyMetadata')
  const state = async () => (await metadata())['KeyState']
  const encrypt = async () =>
    textOf(
      succeeded(await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('kept') })),
      'CiphertextBlob',
    )
  const decrypt = (CiphertextBlob: string) => kms.kms('Decrypt', { CiphertextBlob })
  const listed = async () => {
    const input = { KeyId: id, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }
    return listOf(succeeded(await kms.kms('ListKeyRotations', input)), 'Rotations')
  }
  const shown = async () =>
    (await listed()).map((entry) => [
      entry['KeyMaterialId'],
      entry['KeyMaterialState'],
      entry['ImportState'],
    ])
  const rowOf = async (material: Uint8Array) =>
    node.records.find(BACKING_KEYS, [REGION, id, materialIdOf(id, material)])
  const expiryEvents = (): readonly JsonObject[] =>
    node.sink.frames
      .flatMap(({ records }) => records)
      .filter(
        ({ eventName, resources }) =>
          eventName === 'DeleteExpiredKeyMaterial' && JSON.stringify(resources).includes(id),
      )

  describe('deleted', () => {
    test('leaves the store and the key unusable, until the same comes back', async () => {
      const ciphertext = await encrypt()
      const reply = succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: id }))
      const materialId = materialIdOf(id, first)
      assert.deepEqual(reply, { KeyId: arn, KeyMaterialId: materialId })
      assert.equal((await rowOf(first))?.secret, null)
      const described = await metadata()
      assert.equal(described['KeyState'], 'PendingImport')
      assert.equal(described['ExpirationModel'], undefined)
      assert.equal(described['CurrentKeyMaterialId'], materialId)
      refused(await decrypt(ciphertext), 'KMSInvalidStateException', `${arn} is pending import.`)
      succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: id }))
      refused(await bring(randomBytes(32), NEVER), 'IncorrectKeyMaterialException')
      refused(
        await bring(first, { ...NEVER, KeyMaterialId: '0'.repeat(64) }),
        'IncorrectKeyMaterialException',
      )
      refused(await bring(first, NEW), 'IncorrectKeyMaterialException')
      succeeded(await bring(first, { ...EXISTING, KeyMaterialId: materialId }))
      assert.equal(await state(), 'Enabled')
      assert.equal(succeeded(await decrypt(ciphertext))['Plaintext'], blob('kept'))
    })

    test('of a key that never had any is nothing', async () => {
      const empty = await createKey(kms, { Origin: 'EXTERNAL' })
      const reply = succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: empty.id }))
      assert.deepEqual(reply, { KeyId: empty.arn })
      refused(
        await kms.kms('DeleteImportedKeyMaterial', { KeyId: id, KeyMaterialId: 'a'.repeat(64) }),
        'NotFoundException',
        `Key material (id: ${'a'.repeat(64)}) is not associated with KMS key ${arn}.`,
      )
      refused(
        await importMaterial(kms, empty.id, first, { members: EXISTING }),
        'IncorrectKeyMaterialException',
      )
    })

    test('while the key waits for its own deletion changes what cancelling leads to', async () => {
      succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
      succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: id }))
      assert.equal(await state(), 'PendingDeletion')
      succeeded(await kms.kms('CancelKeyDeletion', { KeyId: id }))
      assert.equal(await state(), 'PendingImport')
      succeeded(await bring(first, NEVER))
      assert.equal(await state(), 'Enabled')
      succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
      succeeded(await kms.kms('CancelKeyDeletion', { KeyId: id }))
      assert.equal(await state(), 'Disabled')
    })

    test('and imported again while it is here leaves a disabled key disabled', async () => {
      succeeded(await kms.kms('DisableKey', { KeyId: id }))
      succeeded(await bring(first, inSeconds(60)))
      assert.equal(await state(), 'Disabled')
    })
  })

  describe('expires', () => {
    test('at its instant for every call, then from the store, recorded once', async () => {
      succeeded(await bring(first, inSeconds(60)))
      const described = await metadata()
      assert.equal(described['ExpirationModel'], 'KEY_MATERIAL_EXPIRES')
      assert.equal(described['ValidTo'], node.clock.now() / 1000 + 60)
      const ciphertext = await encrypt()
      node.clock.advance({ ms: 59_999 })
      await node.runTimedWork()
      succeeded(await decrypt(ciphertext))
      node.clock.advance({ ms: 1 })
      const pending = `${arn} is pending import.`
      refused(await decrypt(ciphertext), 'KMSInvalidStateException', pending)
      refused(
        await kms.kms('RotateKeyOnDemand', { KeyId: id }),
        'KMSInvalidStateException',
        pending,
      )
      assert.equal(await state(), 'PendingImport')
      assert.equal((await metadata())['ExpirationModel'], undefined)
      assert.deepEqual(await shown(), [[materialIdOf(id, first), 'CURRENT', 'PENDING_IMPORT']])
      assert.notEqual((await rowOf(first))?.secret, null)
      await node.runTimedWork()
      await node.runTimedWork()
      assert.equal((await rowOf(first))?.secret, null)
      const [event, ...more] = expiryEvents()
      assert.deepEqual(more, [])
      assert.equal(event?.['eventType'], 'AwsServiceEvent')
      assert.deepEqual(event['serviceEventDetails'], {
        keyId: id,
        keyMaterialId: materialIdOf(id, first),
      })
      succeeded(await bring(first, NEVER))
      assert.equal(succeeded(await decrypt(ciphertext))['Plaintext'], blob('kept'))
    })

    test('later, or never, when it is imported again in time', async () => {
      succeeded(await bring(first, inSeconds(60)))
      succeeded(await bring(first, inSeconds(120)))
      node.clock.advance({ ms: 60_000 })
      await node.runTimedWork()
      assert.equal(await state(), 'Enabled')
      succeeded(await bring(first, NEVER))
      node.clock.advance({ days: 400 })
      await node.runTimedWork()
      assert.equal(await state(), 'Enabled')
      assert.deepEqual(expiryEvents(), [])
    })

    test('while the key waits for its deletion, which it still does then', async () => {
      succeeded(await bring(first, inSeconds(60)))
      succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
      node.clock.advance({ ms: 60_000 })
      assert.equal(await state(), 'PendingDeletion')
      await node.runTimedWork()
      assert.equal(await state(), 'PendingDeletion')
      succeeded(await kms.kms('CancelKeyDeletion', { KeyId: id }))
      assert.equal(await state(), 'PendingImport')
    })
  })

  describe('of which there are several', () => {
    let second: Buffer
    beforeEach(() => {
      second = randomBytes(32)
    })

    test('waits for its rotation, and is what the key encrypts with then', async () => {
      const old = await encrypt()
      refused(
        await kms.kms('RotateKeyOnDemand', { KeyId: id }),
        'KMSInvalidStateException',
        `No available key material pending rotation for the key: ${arn}.`,
      )
      succeeded(await bring(second, { ...NEW, KeyMaterialDescription: 'of 2027' }))
      const [a, b] = [materialIdOf(id, first), materialIdOf(id, second)]
      assert.deepEqual(await shown(), [
        [a, 'CURRENT', 'IMPORTED'],
        [b, 'PENDING_ROTATION', 'IMPORTED'],
      ])
      assert.equal(decryptWith(first, await encrypt()), 'kept')
      succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
      assert.equal(decryptWith(second, await encrypt()), 'kept')
      assert.equal(succeeded(await decrypt(old))['KeyMaterialId'], a)
      const [earlier, current] = await listed()
      assert.deepEqual(earlier, {
        KeyId: arn,
        KeyMaterialId: a,
        KeyMaterialState: 'NON_CURRENT',
        ImportState: 'IMPORTED',
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      })
      assert.deepEqual(current, {
        KeyId: arn,
        KeyMaterialId: b,
        KeyMaterialDescription: 'of 2027',
        ImportState: 'IMPORTED',
        KeyMaterialState: 'CURRENT',
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
        RotationDate: node.clock.now() / 1000,
        RotationType: 'ON_DEMAND',
      })
      assert.equal((await metadata())['CurrentKeyMaterialId'], b)
    })

    test('allows one to wait at a time, which can be exchanged', async () => {
      const third = randomBytes(32)
      succeeded(await bring(second, NEW))
      refused(
        await bring(third, NEW),
        'KMSInvalidStateException',
        `New key material (id: ${materialIdOf(id, third)}) cannot be imported into KMS key ${arn}, because another key material (id: ${materialIdOf(id, second)}) is pending rotation.`,
      )
      succeeded(await bring(second, NEW))
      refused(await bring(first, NEW), 'IncorrectKeyMaterialException')
      const KeyMaterialId = materialIdOf(id, second)
      succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: id, KeyMaterialId }))
      assert.equal(await state(), 'Enabled')
      assert.equal(await rowOf(second), undefined)
      refused(await bring(second, EXISTING), 'IncorrectKeyMaterialException')
      succeeded(await bring(third, NEW))
      succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
      assert.equal(decryptWith(third, await encrypt()), 'kept')
    })

    test('needs all of them, the earlier ones too', async () => {
      succeeded(await bring(second, NEW))
      succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
      const ciphertext = await encrypt()
      const KeyMaterialId = materialIdOf(id, first)
      succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: id, KeyMaterialId }))
      refused(await decrypt(ciphertext), 'KMSInvalidStateException', /is pending import\.$/)
      succeeded(await kms.kms('DeleteImportedKeyMaterial', { KeyId: id }))
      succeeded(await bring(second, EXISTING))
      assert.equal(await state(), 'PendingImport')
      succeeded(await bring(first, EXISTING))
      assert.equal(await state(), 'Enabled')
      succeeded(await decrypt(ciphertext))
    })

    test('tells the end of what ends first, and what waits for its rotation does not count', async () => {
      succeeded(
        await bring(second, { ...NEW, ExpirationModel: 'KEY_MATERIAL_EXPIRES', ...inSeconds(60) }),
      )
      assert.equal((await metadata())['ExpirationModel'], 'KEY_MATERIAL_DOES_NOT_EXPIRE')
      succeeded(await kms.kms('RotateKeyOnDemand', { KeyId: id }))
      assert.equal((await metadata())['ValidTo'], node.clock.now() / 1000 + 60)
      succeeded(await bring(first, inSeconds(30)))
      assert.equal((await metadata())['ValidTo'], node.clock.now() / 1000 + 30)
      node.clock.advance({ ms: 30_000 })
      assert.equal(await state(), 'PendingImport')
      await node.runTimedWork()
      assert.equal(await state(), 'PendingImport')
      assert.equal((await metadata())['ValidTo'], node.clock.now() / 1000 + 30)
    })

    test('forgets what expires before its rotation', async () => {
      const ends = { ...NEW, ExpirationModel: 'KEY_MATERIAL_EXPIRES', ...inSeconds(60) }
      succeeded(await bring(second, ends))
      node.clock.advance({ ms: 60_000 })
      refused(
        await kms.kms('RotateKeyOnDemand', { KeyId: id }),
        'KMSInvalidStateException',
        /^No available/,
      )
      await node.runTimedWork()
      assert.equal(await state(), 'Enabled')
      assert.equal(await rowOf(second), undefined)
      assert.equal(expiryEvents().length, 1)
    })

    test('keeps a description until another is given', async () => {
      const described = async () => (await listed()).map((entry) => entry['KeyMaterialDescription'])
      succeeded(await bring(first, { ...EXISTING, KeyMaterialDescription: 'old' }))
      succeeded(await bring(first, EXISTING))
      assert.deepEqual(await described(), ['old'])
      succeeded(await bring(first, { ...EXISTING, KeyMaterialDescription: 'new' }))
      assert.deepEqual(await described(), ['new'])
    })
  })
})
