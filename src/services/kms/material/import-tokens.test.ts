import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { aKeyPlace } from '../../../../test/support/key-place.ts'
import { seededRandom } from '../../../../test/support/seeded-random.ts'
import { instant } from '../../../core/ids.ts'
import { Secret } from '../../../core/secret.ts'
import { ImportTokens } from './import-tokens.ts'

/** The longest wrapping key is one of RSA_4096, in PKCS#8. Unit: bytes. */
const LONGEST_WRAPPING_KEY = 2400
/** Source: AWS KMS API Reference, ImportKeyMaterial, ImportToken. */
const TOKEN_BYTES_MAX = 6144

const tokensOf = (key = Buffer.alloc(32, 7)) =>
  new ImportTokens(createSecretKey(key), seededRandom('import tokens'))

const aToken = (bytes: Uint8Array = Uint8Array.of(1, 2, 3)) => ({
  wrappingKeySpec: 'RSA_4096' as const,
  wrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256' as const,
  wrappingKey: new Secret(Uint8Array.from(bytes)),
  validTo: instant(1_800_000_000_123),
})

describe('an import token', () => {
  test('opens to what was sealed in it', () => {
    const tokens = tokensOf()
    const opened = tokens.open(aKeyPlace(), tokens.seal(aKeyPlace(), aToken()))
    assert.deepEqual(
      { ...opened, wrappingKey: Uint8Array.from(opened?.wrappingKey.expose() ?? []) },
      { ...aToken(), wrappingKey: Uint8Array.of(1, 2, 3) },
    )
  })

  test('opens on every node that has the key of the store', () => {
    const sealed = tokensOf().seal(aKeyPlace(), aToken())
    assert.ok(tokensOf().open(aKeyPlace(), sealed))
    assert.equal(tokensOf(Buffer.alloc(32, 8)).open(aKeyPlace(), sealed), undefined)
  })

  test('opens for no other key, Region or account', () => {
    const tokens = tokensOf()
    const sealed = tokens.seal(aKeyPlace(), aToken())
    for (const other of [
      aKeyPlace({ keyId: 'mrk-00000000000000000000000000000002' }),
      aKeyPlace({ region: 'us-east-1' }),
      aKeyPlace({ accountId: '444455556666' }),
    ]) {
      assert.equal(tokens.open(other, sealed), undefined)
    }
  })

  test('opens with no bit changed, nothing cut off and nothing added', () => {
    const tokens = tokensOf()
    const sealed = tokens.seal(aKeyPlace(), aToken())
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(tokens.open(aKeyPlace(), changed), undefined)
    }
    for (let size = 0; size < sealed.length; size++) {
      assert.equal(tokens.open(aKeyPlace(), sealed.subarray(0, size)), undefined)
    }
    assert.equal(tokens.open(aKeyPlace(), Buffer.concat([sealed, Buffer.of(0)])), undefined)
  })

  test('keeps within the size that AWS allows, and shows nothing of its key', () => {
    const wrappingKey = randomBytes(LONGEST_WRAPPING_KEY)
    const sealed = Buffer.from(tokensOf().seal(aKeyPlace(), aToken(wrappingKey)))
    assert.ok(sealed.length <= TOKEN_BYTES_MAX)
    for (let at = 0; at < wrappingKey.length; at += 16) {
      assert.equal(sealed.indexOf(wrappingKey.subarray(at, at + 16)), -1)
    }
  })
})
