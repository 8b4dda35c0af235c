import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { encryptToRecipient } from '../../src/crypto/attestation/enveloped-data.ts'
import { createRandom } from '../../src/crypto/random.ts'

const found = spawnSync('openssl', ['version'], { encoding: 'utf8' })
const skip = found.status === 0 ? false : 'openssl is not on the PATH'

describe('openssl, unmodified', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-cms-'))
  const random = createRandom()
  after(() => rmSync(folder, { recursive: true }))

  test('opens what was encrypted to a recipient', () => {
    const keyFile = join(folder, 'key.pem')
    const messageFile = join(folder, 'message.cms')
    for (const modulusLength of [2048, 3072]) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
      const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))
      writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
      for (const length of [1, 16, 32, 4096]) {
        const plaintext = random.bytes(length)
        const secret = new Secret(Uint8Array.from(plaintext))
        writeFileSync(messageFile, encryptToRecipient({ publicKey, spki }, secret, random))
        const flags = '-decrypt -binary -inform DER'.split(' ')
        const files = ['-in', messageFile, '-inkey', keyFile]
        const opened = spawnSync('openssl', ['cms', ...flags, ...files])
        assert.equal(opened.status, 0, opened.stderr.toString())
        assert.deepEqual(opened.stdout, Buffer.from(plaintext))
      }
    }
  })
})
