import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  DecryptCommand,
  DescribeKeyCommand,
  GenerateMacCommand,
  type KMSClient,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { ACCOUNT, kmsClient, newKey, present } from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { materialOf } from '../support/stored-material.ts'
import { createKey, refused, WireClient } from '../support/wire-client.ts'

/** Source: AWS KMS Developer Guide, HMAC keys. Unit: bytes. */
const MACS = [
  ['HMAC_224', 'HMAC_SHA_224', 'sha224', 28],
  ['HMAC_256', 'HMAC_SHA_256', 'sha256', 32],
  ['HMAC_384', 'HMAC_SHA_384', 'sha384', 48],
  ['HMAC_512', 'HMAC_SHA_512', 'sha512', 64],
] as const

describe('MACs over the wire', () => {
  let node: MemoryNode
  let kms: KMSClient
  let wire: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = kmsClient(node.endpoint)
    wire = new WireClient(node.endpoint, ACCOUNT)
  })

  after(async () => {
    kms.destroy()
    wire.close()
    await node.close()
  })

  for (const [spec, algorithm, hash, macBytes] of MACS) {
    test(`${spec}: the whole HMAC that others compute with its material`, async () => {
      const KeyId = await newKey(kms, spec, 'GENERATE_VERIFY_MAC')
      using material = await materialOf(node, KeyId)
      assert.equal(material.sizeBytes, macBytes)
      for (const bytes of [1, 64, 4096]) {
        const Message = randomBytes(bytes)
        const input = { KeyId, Message, MacAlgorithm: algorithm }
        const made = await kms.send(new GenerateMacCommand(input))
        const own = createHmac(hash, material.expose()).update(Message).digest()
        assert.deepEqual(Buffer.from(present(made.Mac)), own)
        assert.deepEqual([made.KeyId, made.MacAlgorithm], [KeyId, algorithm])
        const again = await kms.send(new GenerateMacCommand(input))
        assert.deepEqual(again.Mac, made.Mac)
        const verified = await kms.send(new VerifyMacCommand({ ...input, Mac: own }))
        assert.deepEqual(
          [verified.KeyId, verified.MacAlgorithm, verified.MacValid],
          [KeyId, algorithm, true],
        )
      }
    })

    test(`${spec}: every other MAC is refused, none is called invalid in a reply`, async () => {
      const KeyId = await newKey(kms, spec, 'GENERATE_VERIFY_MAC')
      const other = await newKey(kms, spec, 'GENERATE_VERIFY_MAC')
      const input = { KeyId, Message: Buffer.from('kept'), MacAlgorithm: algorithm }
      const { Mac } = await kms.send(new GenerateMacCommand(input))
      const good = Buffer.from(present(Mac))
      const altered = Buffer.from(good)
      altered[0] = (altered[0] ?? 0) ^ 1
      const invalid = { name: 'KMSInvalidMacException' }
      for (const wrong of [
        altered,
        good.subarray(1),
        good.subarray(0, -1),
        Buffer.concat([good, Buffer.of(0)]),
        Buffer.of(0),
        randomBytes(6144),
      ]) {
        await assert.rejects(kms.send(new VerifyMacCommand({ ...input, Mac: wrong })), invalid)
      }
      const Message = Buffer.from('other')
      await assert.rejects(kms.send(new VerifyMacCommand({ ...input, Message, Mac })), invalid)
      await assert.rejects(kms.send(new VerifyMacCommand({ ...input, KeyId: other, Mac })), invalid)
    })

    test(`${spec}: has this algorithm and no other`, async () => {
      const { id, arn } = await createKey(wire, {
        KeySpec: spec,
        KeyUsage: 'GENERATE_VERIFY_MAC',
      })
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: arn }))
      assert.deepEqual(KeyMetadata?.MacAlgorithms, [algorithm])
      assert.equal(KeyMetadata.CurrentKeyMaterialId, undefined)
      for (const [, other] of MACS) {
        if (other === algorithm) continue
        const input = { KeyId: id, Message: 'eA==', MacAlgorithm: other, Mac: 'eA==' }
        const text = `Algorithm ${other} is incompatible with key spec ${spec}.`
        refused(await wire.kms('GenerateMac', input), 'InvalidKeyUsageException', text)
        refused(await wire.kms('VerifyMac', input), 'InvalidKeyUsageException', text)
      }
    })
  }

  test('a dry run of VerifyMac tells a wrong MAC, and of a right one that it would have succeeded', async () => {
    const KeyId = await newKey(kms, 'HMAC_256', 'GENERATE_VERIFY_MAC')
    const input = { KeyId, Message: Buffer.from('kept'), MacAlgorithm: 'HMAC_SHA_256' } as const
    const { Mac } = await kms.send(new GenerateMacCommand(input))
    await assert.rejects(kms.send(new VerifyMacCommand({ ...input, Mac, DryRun: true })), {
      name: 'DryRunOperationException',
    })
    const wrong = { ...input, Mac: Buffer.alloc(32), DryRun: true }
    await assert.rejects(kms.send(new VerifyMacCommand(wrong)), { name: 'KMSInvalidMacException' })
    await assert.rejects(kms.send(new GenerateMacCommand({ ...input, DryRun: true })), {
      name: 'DryRunOperationException',
    })
  })

  test('the key is named in all four ways', async () => {
    const { id, arn } = await createKey(wire, {
      KeySpec: 'HMAC_512',
      KeyUsage: 'GENERATE_VERIFY_MAC',
    })
    await wire.kms('CreateAlias', { AliasName: 'alias/mac', TargetKeyId: id })
    for (const KeyId of [id, arn, 'alias/mac', arn.replace(/key\/.*/, 'alias/mac')]) {
      const input = { KeyId, Message: Buffer.from('m'), MacAlgorithm: 'HMAC_SHA_512' } as const
      const { Mac } = await kms.send(new GenerateMacCommand(input))
      const verified = await kms.send(new VerifyMacCommand({ ...input, Mac }))
      assert.equal(verified.KeyId, arn)
    }
  })

  test('an HMAC key named for a symmetric ciphertext is the wrong key', async () => {
    const { id } = await createKey(wire, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    const symmetric = await createKey(wire)
    const sealed = await wire.kms('Encrypt', { KeyId: symmetric.id, Plaintext: 'eA==' })
    const { CiphertextBlob } = sealed.json
    const blob = Buffer.from(typeof CiphertextBlob === 'string' ? CiphertextBlob : '', 'base64')
    await assert.rejects(kms.send(new DecryptCommand({ KeyId: id, CiphertextBlob: blob })), {
      name: 'IncorrectKeyException',
    })
  })
})
