import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '../core/errors.ts'
import { instant } from '../core/ids.ts'
import type { StructureShape } from '../core/model.ts'
import { readCbor } from './cbor-read.ts'
import { writeCborStructure, writeCborTexts } from './cbor-write.ts'

const read = (hex: string): unknown => readCbor(Buffer.from(hex, 'hex'))

const refused = (hex: string): void =>
  assert.throws(
    () => read(hex),
    (error) => error instanceof ServiceError && error.code === 'SerializationException',
    hex,
  )

/** Maps of the reader have no prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('reading', () => {
  test('gives the values of the examples of RFC 8949, appendix A', () => {
    const examples: readonly (readonly [string, unknown])[] = [
      ['00', 0],
      ['17', 23],
      ['1818', 24],
      ['1903e8', 1000],
      ['1a000f4240', 1_000_000],
      ['1b000000e8d4a51000', 1_000_000_000_000],
      ['20', -1],
      ['3903e7', -1000],
      ['f93c00', 1],
      ['f93e00', 1.5],
      ['fa47c35000', 100_000],
      ['fb3ff199999999999a', 1.1],
      ['f97c00', Number.POSITIVE_INFINITY],
      ['f4', false],
      ['f5', true],
      ['f6', null],
      ['f7', null],
      ['c11a514b67b0', 1_363_896_240],
      ['c1fb41d452d9ec200000', 1_363_896_240.5],
      ['60', ''],
      ['62c3bc', 'ü'],
      ['7f657374726561646d696e67ff', 'streaming'],
      ['80', []],
      ['83010203', [1, 2, 3]],
      ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ]
    for (const [hex, value] of examples) assert.deepEqual(read(hex), value, hex)
    assert.deepEqual(plain(read('a26161016162820203')), { a: 1, b: [2, 3] })
    assert.deepEqual(plain(read('bf61610161629f0203ffff')), { a: 1, b: [2, 3] })
    assert.deepEqual(read('4401020304'), Buffer.of(1, 2, 3, 4))
  })

  test('refuses what is cut off, too long, too deep, or more than one item', () => {
    for (const hex of [
      '',
      '18',
      '62c3',
      '830102',
      'a16161',
      '9f01',
      '0000',
      `${'81'.repeat(40)}00`,
      '9b7fffffffffffffff',
      '1bffffffffffffffff',
    ]) {
      refused(hex)
    }
  })

  test('refuses unknown tags and simple values, keys that are no text, and keys that stand twice', () => {
    for (const hex of ['c074', 'd82076', 'f0', 'f818', 'a10102', 'a2616101616102', 'ff', '1c']) {
      refused(hex)
    }
    // `__proto__`, and text that is no UTF-8.
    refused('a1695f5f70726f746f5f5f01')
    refused('62c328')
    refused('7f4101ff')
  })

  test('reads or refuses any bytes, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          readCbor(bytes)
        } catch (error) {
          assert.ok(error instanceof ServiceError)
        }
      }),
    )
  })
})

const SHAPE: StructureShape = {
  type: 'structure',
  name: 'All',
  required: ['text'],
  members: new Map<
    string,
    StructureShape['members'] extends ReadonlyMap<string, infer S> ? S : never
  >([
    ['text', { type: 'string' }],
    ['bytes', { type: 'blob' }],
    ['count', { type: 'integer' }],
    ['share', { type: 'double' }],
    ['is', { type: 'boolean' }],
    ['when', { type: 'timestamp' }],
    ['list', { type: 'list', member: { type: 'integer' } }],
    ['map', { type: 'map', key: { type: 'string' }, value: { type: 'string' } }],
  ]),
}

describe('writing', () => {
  test('is read again as it was, times as seconds', () => {
    const value = {
      text: 'ü',
      count: -70_000,
      share: 0.1,
      is: true,
      when: instant(1500),
      list: [0, 24, 256, 65_536, 4_294_967_296],
      map: { a: 'b' },
    }
    assert.deepEqual(plain(readCbor(writeCborStructure(SHAPE, value))), { ...value, when: 1.5 })
    const { bytes } = Object(readCbor(writeCborStructure(SHAPE, { text: '', bytes: Buffer.of(7) })))
    assert.deepEqual(bytes, Buffer.of(7))
    assert.deepEqual(plain(readCbor(writeCborTexts({ a: 'b' }))), { a: 'b' })
  })

  test('is shortest in its numbers', () => {
    const hex = (count: number): string =>
      writeCborStructure(SHAPE, { text: '', count }).toString('hex').split('65636f756e74')[1] ?? ''
    assert.deepEqual([23, 24, 256, 65_536, -1].map(hex), [
      '17',
      '1818',
      '190100',
      '1a00010000',
      '20',
    ])
  })

  test('fails for a value of another kind, and for a missing member', () => {
    for (const value of [
      {},
      { text: 1 },
      { text: '', count: 0.5 },
      { text: '', when: 'now' },
      { text: '', list: 'x' },
    ]) {
      assert.throws(() => writeCborStructure(SHAPE, value))
    }
  })
})
