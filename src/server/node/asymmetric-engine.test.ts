import assert from 'node:assert/strict'
import { hash, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { DependencyError } from '../../core/errors.ts'
import type { AsymmetricSpec } from '../../crypto/asymmetric/key-algorithms.ts'
import {
  generateKeyPairOf,
  type OpenKeyPair,
  openKeyPair,
} from '../../crypto/asymmetric/key-pair.ts'
import { sign } from '../../crypto/asymmetric/signing.ts'
import { createAsymmetricEngine } from './asymmetric-engine.ts'

const MESSAGE = Buffer.from('signed over its digest')

describe('the engine of a platform that gives no access to its OpenSSL', () => {
  const engine = createAsymmetricEngine(() => undefined)

  const keyOf = async (spec: AsymmetricSpec): Promise<OpenKeyPair> => {
    using material = (await generateKeyPairOf(spec, engine.gate)).material
    return openKeyPair(spec, material)
  }

  test('signs digests with the libraries that stand in for it', async () => {
    assert.equal(engine.readyMade.name, 'noble')
    const key = await keyOf('ECC_SECG_P256K1')
    const signature = await sign(engine, key, {
      algorithm: 'ECDSA_SHA_256',
      messageType: 'DIGEST',
      message: hash('sha256', MESSAGE, 'buffer'),
    })
    assert.ok(verify('sha256', MESSAGE, key.publicKey, signature))
    assert.ok(!verify('sha256', Buffer.from('another'), key.publicKey, signature))
  })

  test('has no SM2, and says so to the operator', async () => {
    const key = await keyOf('SM2')
    const input = { algorithm: 'SM2DSA', messageType: 'RAW', message: MESSAGE } as const
    await assert.rejects(sign(engine, key, input), DependencyError)
    await assert.rejects(engine.readyMade.sm2Encrypt(key.publicKey, MESSAGE), DependencyError)
  })

  test('is closed with nothing left behind', async () => {
    await engine.close()
  })
})

test('a platform with its OpenSSL uses that', async () => {
  const engine = createAsymmetricEngine()
  assert.equal(engine.readyMade.name, 'openssl')
  assert.equal(engine.readyMade, engine.readyMade)
  await engine.close()
})
