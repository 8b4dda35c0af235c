import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
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
const NEVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
const NEW = { ...NEVER, ImportType: 'NEW_KEY_MATERIAL' }
const EXISTING = { ...NEVER, ImportType: 'EXISTING_KEY_MATERIAL' }

describe('the material of a multi-Region key', () => {
  let node: MemoryNode
  let home: WireClient
  let east: WireClient
  let west: WireClient

  before(async () => {
    node = await startMemoryNode()
    home = new WireClient(node.endpoint, ACCOUNT)
    east = new WireClient(node.endpoint, ACCOUNT, 'us-east-1')
    west = new WireClient(node.endpoint, ACCOUNT, 'us-west-2')
  })

  after(async () => {
    for (const client of [home, east, west]) client.close()
    await node.close()
  })

  const replicate = async (KeyId: string, ReplicaRegion: string): Promise<void> => {
    succeeded(await home.kms('ReplicateKey', { KeyId, ReplicaRegion }))
  }
  const encrypt = async (kms: WireClient, KeyId: string) =>
    textOf(
      succeeded(await kms.kms('Encrypt', { KeyId, Plaintext: blob('kept') })),
      'CiphertextBlob',
    )
  const decrypt = async (kms: WireClient, CiphertextBlob: string) => {
    const reply = succeeded(await kms.kms('Decrypt', { CiphertextBlob }))
    assert.equal(reply['Plaintext'], blob('kept'))
    return reply['KeyMaterialId']
  }
  const shown = async (kms: WireClient, KeyId: string) => {
    const input = { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }
    const list = listOf(succeeded(await kms.kms('ListKeyRotations', input)), 'Rotations')
    return list.map((entry) => [
      entry['KeyMaterialId'],
      entry['KeyMaterialState'],
      entry['ImportState'],
    ])
  }
  const state = async (kms: WireClient, KeyId: string) =>
    membersOf(succeeded(await kms.kms('DescribeKey', { KeyId })), 'KeyMetadata')['KeyState']
  const bring = (kms: WireClient, id: string, material: Uint8Array, members: JsonObject = NEVER) =>
    importMaterial(kms, id, material, { members })

  test('rotates in every Region at once, to the same material', async () => {
    const { id } = await createKey(home, { MultiRegion: true })
    const first = await encrypt(home, id)
    succeeded(await home.kms('RotateKeyOnDemand', { KeyId: id }))
    await replicate(id, 'us-east-1')
    assert.deepEqual(await shown(east, id), await shown(home, id))
    const second = await encrypt(east, id)
    const frames = node.sink.texts.length
    succeeded(await home.kms('RotateKeyOnDemand', { KeyId: id }))
    const third = await encrypt(east, id)
    const openers = [
      await decrypt(home, first),
      await decrypt(home, second),
      await decrypt(home, third),
    ]
    assert.equal(new Set(openers).size, 3)
    for (const [at, ciphertext] of [first, second, third].entries()) {
      assert.equal(await decrypt(east, ciphertext), openers[at])
    }
    assert.deepEqual(await shown(east, id), await shown(home, id))
    const events = node.sink.frames.slice(frames).flatMap(({ records }) => records)
    for (const eventName of ['RotateKey', 'RotateKeyOnDemand', 'SynchronizeMultiRegionKey']) {
      const [only, ...more] = events.filter((event) => event['eventName'] === eventName)
      assert.equal(only?.['awsRegion'], 'eu-central-1')
      assert.deepEqual(more, [])
    }
  })

  test('rotates by itself as the primary is told, and is told by nobody else', async () => {
    const { id } = await createKey(home, { MultiRegion: true })
    await replicate(id, 'us-east-1')
    const status = async (kms: WireClient) => {
      const { KeyId: _, ...rest } = succeeded(await kms.kms('GetKeyRotationStatus', { KeyId: id }))
      return rest
    }
    succeeded(await home.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 }))
    assert.deepEqual(await status(east), await status(home))
    const arn = `arn:aws:kms:us-east-1:${ACCOUNT}:key/${id}`
    for (const operation of ['EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand']) {
      refused(
        await east.kms(operation, { KeyId: id }),
        'UnsupportedOperationException',
        `${arn} is not a multi-region primary key.`,
      )
    }
    const first = await encrypt(east, id)
    node.clock.advance({ days: 90 })
    await node.runTimedWork()
    const second = await encrypt(east, id)
    assert.notEqual(await decrypt(home, first), await decrypt(home, second))
    assert.equal((await shown(east, id)).length, 2)
    assert.deepEqual(await status(east), await status(home))
    await replicate(id, 'us-west-2')
    assert.deepEqual(await status(west), await status(home))
    assert.deepEqual(await shown(west, id), await shown(home, id))
    assert.equal(await decrypt(west, first), await decrypt(home, first))
  })

  test('rotates also where a replica is disabled, and not while the primary is', async () => {
    const { id } = await createKey(home, { MultiRegion: true })
    await replicate(id, 'us-east-1')
    succeeded(await home.kms('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 }))
    succeeded(await home.kms('DisableKey', { KeyId: id }))
    node.clock.advance({ days: 90 })
    await node.runTimedWork()
    assert.equal((await shown(east, id)).length, 1)
    succeeded(await east.kms('DisableKey', { KeyId: id }))
    succeeded(await home.kms('EnableKey', { KeyId: id }))
    succeeded(await east.kms('EnableKey', { KeyId: id }))
    assert.deepEqual(await shown(east, id), await shown(home, id))
    assert.equal((await shown(east, id)).length, 2)
    await decrypt(home, await encrypt(east, id))
  })

  test('is imported in each Region, the primary first', async () => {
    const { id } = await createKey(home, { MultiRegion: true, Origin: 'EXTERNAL' })
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const [a, b] = [materialIdOf(id, first), materialIdOf(id, second)]
    succeeded(await bring(home, id, first))
    await replicate(id, 'us-east-1')
    await replicate(id, 'us-west-2')
    for (const replica of [east, west]) {
      assert.equal(await state(replica, id), 'PendingImport')
      assert.deepEqual(await shown(replica, id), [[a, 'CURRENT', 'PENDING_IMPORT']])
      refused(await bring(replica, id, second), 'IncorrectKeyMaterialException')
      succeeded(await bring(replica, id, first))
      assert.equal(await state(replica, id), 'Enabled')
    }
    assert.equal(decryptWith(first, await encrypt(east, id)), 'kept')
    await decrypt(home, await encrypt(west, id))

    const arn = (region: string) => `arn:aws:kms:${region}:${ACCOUNT}:key/${id}`
    refused(
      await bring(east, id, second, NEW),
      'UnsupportedOperationException',
      `${arn('us-east-1')} is not a multi-region primary key.`,
    )
    refused(await bring(east, id, second, EXISTING), 'IncorrectKeyMaterialException')
    succeeded(await bring(home, id, second, NEW))
    const nothing = `No available key material pending rotation for the key: ${arn('eu-central-1')}.`
    const waiting = [a, 'CURRENT', 'IMPORTED']
    for (const replica of [east, west]) {
      assert.deepEqual(await shown(home, id), [
        waiting,
        [b, 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION', 'IMPORTED'],
      ])
      assert.deepEqual(await shown(replica, id), [
        waiting,
        [b, 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION', 'PENDING_IMPORT'],
      ])
      assert.equal(await state(replica, id), 'Enabled')
      const answer = await home.kms('RotateKeyOnDemand', { KeyId: id })
      refused(answer, 'KMSInvalidStateException', nothing)
      succeeded(await bring(replica, id, second, EXISTING))
    }
    assert.deepEqual(await shown(west, id), [waiting, [b, 'PENDING_ROTATION', 'IMPORTED']])
    succeeded(await home.kms('RotateKeyOnDemand', { KeyId: id }))
    for (const kms of [home, east, west]) {
      assert.deepEqual(await shown(kms, id), [
        [a, 'NON_CURRENT', 'IMPORTED'],
        [b, 'CURRENT', 'IMPORTED'],
      ])
      assert.equal(decryptWith(second, await encrypt(kms, id)), 'kept')
    }
  })

  test('goes from all Regions when the primary’s that waits for its rotation is deleted', async () => {
    const { id } = await createKey(home, { MultiRegion: true, Origin: 'EXTERNAL' })
    const [first, second] = [randomBytes(32), randomBytes(32)]
    succeeded(await bring(home, id, first))
    await replicate(id, 'us-east-1')
    succeeded(await bring(east, id, first))
    succeeded(await bring(home, id, second, NEW))
    succeeded(await bring(east, id, second, EXISTING))
    const KeyMaterialId = materialIdOf(id, second)
    succeeded(await east.kms('DeleteImportedKeyMaterial', { KeyId: id, KeyMaterialId }))
    const [, pending] = await shown(home, id)
    assert.deepEqual(pending?.slice(1), ['PENDING_MULTI_REGION_IMPORT_AND_ROTATION', 'IMPORTED'])
    succeeded(await bring(east, id, second, EXISTING))
    succeeded(await home.kms('DeleteImportedKeyMaterial', { KeyId: id, KeyMaterialId }))
    assert.equal((await shown(home, id)).length, 1)
    assert.equal((await shown(east, id)).length, 1)
    refused(await bring(east, id, second, EXISTING), 'IncorrectKeyMaterialException')
  })

  test('expires and is deleted in each Region for itself', async () => {
    const { id } = await createKey(home, { MultiRegion: true, Origin: 'EXTERNAL' })
    const first = randomBytes(32)
    succeeded(await bring(home, id, first))
    await replicate(id, 'us-east-1')
    succeeded(await bring(east, id, first, { ValidTo: node.clock.now() / 1000 + 60 }))
    node.clock.advance({ ms: 60_000 })
    await node.runTimedWork()
    assert.equal(await state(east, id), 'PendingImport')
    assert.equal(await state(home, id), 'Enabled')
    succeeded(await bring(east, id, first))
    succeeded(await home.kms('DeleteImportedKeyMaterial', { KeyId: id }))
    assert.equal(await state(home, id), 'PendingImport')
    assert.equal(await state(east, id), 'Enabled')
  })

  test('of an HMAC key is one in all Regions', async () => {
    const spec = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }
    const { id } = await createKey(home, { MultiRegion: true, Origin: 'EXTERNAL', ...spec })
    const material = randomBytes(32)
    succeeded(await bring(home, id, material))
    await replicate(id, 'us-east-1')
    refused(await bring(east, id, randomBytes(32)), 'IncorrectKeyMaterialException')
    succeeded(await bring(east, id, material))
    const input = { KeyId: id, Message: blob('message'), MacAlgorithm: 'HMAC_SHA_256' }
    const mac = createHmac('sha256', material).update('message').digest('base64')
    assert.equal(succeeded(await east.kms('GenerateMac', input))['Mac'], mac)
  })
})
