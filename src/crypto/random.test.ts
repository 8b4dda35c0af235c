import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../test/support/seeded-random.ts'
import { createRandom } from './random.ts'

const draw = (seed: string): unknown[] => {
  const random = seededRandom(seed)
  return [random.uuid(), [...random.bytes(40)], [...random.secret(32).expose()], random.uuid()]
}

describe('random', () => {
  test('no two draws are alike over many refills of the pool', () => {
    const random = createRandom()
    const seen = new Set<string>()
    for (let i = 0; i < 5000; i++) seen.add(Buffer.from(random.bytes(16)).toString('hex'))
    assert.equal(seen.size, 5000)
  })

  test('every size is given in full and owned by the caller', () => {
    const random = createRandom()
    for (const size of [0, 1, 16, 255, 256, 257, 16_383, 20_000]) {
      const bytes = random.bytes(size)
      assert.equal(bytes.length, size)
      assert.equal(bytes.buffer.byteLength, size)
      if (size >= 16) assert.notDeepEqual(bytes, new Uint8Array(size))
    }
    using secret = random.secret(32)
    assert.notDeepEqual(secret.expose(), new Uint8Array(32))
    assert.equal(secret.expose().buffer.byteLength, 32)
  })

  test('a UUID is of version 4 and in lower case', () => {
    const random = createRandom()
    for (let i = 0; i < 100; i++) {
      assert.match(
        random.uuid(),
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      )
    }
  })

  test('the seeded one repeats itself for its seed only', () => {
    assert.deepEqual(draw('a'), draw('a'))
    assert.notDeepEqual(draw('a'), draw('b'))
    assert.notEqual(draw('a')[0], draw('a')[3])
  })
})
