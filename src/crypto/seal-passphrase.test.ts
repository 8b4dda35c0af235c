import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import { seededRandom } from '../../test/support/seeded-random.ts'
import { instant } from '../core/ids.ts'
import { Secret } from '../core/secret.ts'
import type { CustodyParts } from './custody.ts'
import { createCustody, openCustody } from './custody.ts'
import { passphraseSeal } from './seal-passphrase.ts'

const random = seededRandom('passphrase')
const asked: Secret[] = []
const parts = (): CustodyParts => ({
  seal: passphraseSeal({
    random,
    readPassphrase: () => {
      const passphrase = new Secret(new TextEncoder().encode('correct horse'))
      asked.push(passphrase)
      return Promise.resolve(passphrase)
    },
  }),
  random,
  clock: { now: () => instant(0) },
})

describe('the passphrase seal', () => {
  test('it takes the costs of RFC 9106 unless told otherwise, and wipes what it was given', async () => {
    asked.length = 0
    const custody = await createCustody(parts())
    assert.match(
      custody.settingText,
      /"argon2":\{"memoryKiB":65536,"passes":3,"parallelism":4,"salt":"[^"]{24}"\}/,
    )
    assert.ok(await openCustody(custody.settingText, parts()))
    assert.equal(asked.length, 2)
    for (const passphrase of asked) assert.ok(passphrase.expose().every((byte) => byte === 0))
  })

  test('a rotation does not ask again and leaves nothing that the old root key opens', async () => {
    asked.length = 0
    const custody = await createCustody(parts())
    const before = custody.settingText
    await custody.rotateRootKey({ commit: () => Promise.resolve() })
    assert.equal(asked.length, 1)
    const wrapped = (text: string): string[] => text.match(/"wrapped":"[^"]+"/g) ?? []
    assert.equal(wrapped(before).length, 3)
    for (const one of wrapped(before)) assert.ok(!custody.settingText.includes(one))
    assert.ok(await openCustody(custody.settingText, parts()))
  })

  test('a passphrase that cannot be read rejects with the reason', async () => {
    const seal = passphraseSeal({
      random,
      readPassphrase: () => Promise.reject(new Error('no tty')),
    })
    await assert.rejects(createCustody({ ...parts(), seal }), /no tty/)
  })

  test('two stores of one passphrase share neither salt nor root key', async () => {
    const first = await createCustody(parts())
    const second = await createCustody(parts())
    const salt = (text: string): string | undefined => /"salt":"([^"]+)"/.exec(text)?.[1]
    assert.ok(salt(first.settingText))
    assert.notEqual(salt(first.settingText), salt(second.settingText))
    assert.notEqual(first.rootKeyId, second.rootKeyId)
  })

  // Source: RFC 9106, section 5.3, the test vector of Argon2id.
  test('Node’s Argon2id gives the known answer', () => {
    const tag = argon2Sync('argon2id', {
      message: new Uint8Array(32).fill(1),
      nonce: new Uint8Array(16).fill(2),
      secret: new Uint8Array(8).fill(3),
      associatedData: new Uint8Array(12).fill(4),
      memory: 32,
      passes: 3,
      parallelism: 4,
      tagLength: 32,
    })
    assert.equal(
      tag.toString('hex'),
      '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659',
    )
  })
})
