import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { mayHoldSecrets, wipe } from './wipe.ts'

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

test('a shape may hold secrets where something in it is sensitive, however deep', () => {
  const structure = (members: Readonly<Record<string, Shape>>): StructureShape => ({
    type: 'structure',
    name: 'Sample',
    required: [],
    members: new Map(Object.entries(members)),
  })
  const text: Shape = { type: 'string' }
  const secret: Shape = { type: 'blob', sensitive: true }
  const list = (member: Shape): Shape => ({ type: 'list', member })
  const map = (value: Shape): Shape => ({ type: 'map', key: text, value })
  assert.equal(mayHoldSecrets(structure({ text, list: list(structure({ text })) })), false)
  assert.equal(mayHoldSecrets(structure({ blob: { type: 'blob' }, map: map(text) })), false)
  assert.equal(mayHoldSecrets(structure({ text, secret })), true)
  assert.equal(mayHoldSecrets(structure({ list: list(structure({ map: map(secret) })) })), true)
  const members = new Map<string, Shape>([['text', text]])
  const itself: StructureShape = { ...structure({}), members }
  members.set('itself', itself)
  assert.equal(mayHoldSecrets(itself), false)
})
