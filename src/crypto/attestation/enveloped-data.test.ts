import assert from 'node:assert/strict'
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto'
import test, { describe } from 'node:test'
import { berOutline, openEnvelopedData } from '../../../test/support/enveloped-data.ts'
import { hex, vectorFile } from '../../../test/support/vector-file.ts'
import { Secret } from '../../core/secret.ts'
import { createRandom } from '../random.ts'
import { encryptToRecipient } from './enveloped-data.ts'

const random = createRandom()
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const recipient = {
  publicKey,
  spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
}

const seal = (plaintext: Uint8Array): Uint8Array =>
  encryptToRecipient(recipient, new Secret(Uint8Array.from(plaintext)), random)

describe('what is encrypted to a recipient', () => {
  test('opens with its private key, whatever its length', () => {
    for (const length of [1, 15, 16, 17, 32, 1024, 4096]) {
      const plaintext = random.bytes(length)
      assert.deepEqual(openEnvelopedData(seal(plaintext), privateKey), Buffer.from(plaintext))
    }
  })

  test('has the form of an answer of AWS KMS, element by element', () => {
    const group = vectorFile('published/nitro').groups.find(({ name }) => name === 'enveloped-data')
    assert.ok(group)
    // The recorded answer carries a data key of 32 bytes.
    assert.deepEqual(berOutline(seal(random.bytes(32))), berOutline(hex(group, 'message')))
  })

  test('names its recipient by the hash of the public key', () => {
    const id = createHash('sha256').update(recipient.spki).digest('hex')
    assert.ok(
      Buffer.from(seal(Buffer.from('x')))
        .toString('hex')
        .includes(`8020${id}`),
    )
  })

  test('is another one every time, and fits into a reply', () => {
    const plaintext = new Uint8Array(4096)
    assert.notDeepEqual(seal(plaintext), seal(plaintext))
    const large = generateKeyPairSync('rsa', { modulusLength: 4096 }).publicKey
    const spki = new Uint8Array(large.export({ format: 'der', type: 'spki' }))
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const sealed = encryptToRecipient({ publicKey: key, spki }, new Secret(plaintext), random)
    // The service model's bound of CiphertextForRecipient.
    assert.ok(sealed.length <= 6144)
  })

  test('holds nothing of the plaintext in clear', () => {
    const plaintext = Buffer.from('a canary that must not be seen anywhere')
    assert.equal(Buffer.from(seal(plaintext)).includes(plaintext.subarray(0, 8)), false)
  })
})
