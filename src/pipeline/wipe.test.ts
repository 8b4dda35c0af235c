import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../core/secret.ts'
import { wipe } from './wipe.ts'

test('every secret is zeroed, however deep it lies; bytes that are none stay', () => {
  const drawn = [0, 1, 2, 3].map(() => new Uint8Array(4).fill(9))
  const [top, nested, listed, inMap] = drawn.map((bytes) => new Secret(bytes))
  const ciphertext = new Uint8Array(4).fill(5)
  wipe({
    top,
    more: { nested, list: [listed, 'text', null, undefined, 5] },
    map: Object.assign(Object.create(null), { a: inMap }),
    ciphertext,
  })
  assert.ok(drawn.every((bytes) => bytes.every((byte) => byte === 0)))
  assert.ok(ciphertext.every((byte) => byte === 5))
})

test('nothing to wipe is nothing to fail on', () => {
  for (const holder of [undefined, null, 'text', 5, [], {}, new Uint8Array(2)]) wipe(holder)
})
