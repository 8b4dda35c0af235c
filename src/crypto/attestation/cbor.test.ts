import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import fc from 'fast-check'
import { encodeCbor, MapItem } from '../../../test/support/attestation-document.ts'
import { parseCbor } from './cbor.ts'

const read = (hex: string): unknown => parseCbor(new Uint8Array(Buffer.from(hex, 'hex')))

describe('CBOR', () => {
  test('the examples of RFC 8949 that documents can hold are read', () => {
    for (const [hex, value] of [
      ['00', 0],
      ['17', 23],
      ['1818', 24],
      ['1903e8', 1000],
      ['1a000f4240', 1_000_000],
      ['1b000000e8d4a51000', 1_000_000_000_000],
      ['20', -1],
      ['3863', -100],
      ['3903e7', -1000],
      ['60', ''],
      ['6449455446', 'IETF'],
      ['62c3bc', 'ü'],
      ['64f0908591', '\u{10151}'],
      ['80', []],
      ['83010203', [1, 2, 3]],
      ['8301820203820405', [1, [2, 3], [4, 5]]],
      ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
      [
        'a201020304',
        new Map([
          [1, 2],
          [3, 4],
        ]),
      ],
      [
        'bf61610161629f0203ffff',
        new Map<string, unknown>([
          ['a', 1],
          ['b', [2, 3]],
        ]),
      ],
      ['f6', null],
    ] as const) {
      assert.deepEqual(read(hex), value, hex)
    }
    assert.deepEqual(read('4401020304'), new Uint8Array([1, 2, 3, 4]))
  })

  test('numbers and lengths have one form, the shortest', () => {
    for (const hex of ['1817', '190018', '1900ff', '1a0000ffff', '1b00000000ffffffff', '580101']) {
      assert.equal(read(hex), undefined, hex)
    }
    assert.equal(read('b8010102'), undefined)
    assert.equal(read('780161'), undefined)
  })

  test('a map has no key twice, and none but integers and text', () => {
    for (const hex of ['a201020103', 'bf616101616102ff', 'a1f601', 'a1410101', 'a18001']) {
      assert.equal(read(hex), undefined, hex)
    }
  })

  test('names of the language are keys like others', () => {
    const value = read('a1695f5f70726f746f5f5f01')
    assert.deepEqual(value, new Map([['__proto__', 1]]))
  })

  test('what documents have no use for is refused', () => {
    for (const [what, hex] of Object.entries({
      'a tag': 'c001',
      'the tag of COSE_Sign1': 'd280',
      false: 'f4',
      true: 'f5',
      undefined: 'f7',
      'a float': 'f93c00',
      'a double': 'fb3ff199999999999a',
      'a simple value': 'f818',
      'a text in pieces': '7f657374726561646d696e67ff',
      'bytes in pieces': '5f42010243030405ff',
      'a lone break': 'ff',
      'a break in an array of known length': '8201ff',
      'a reserved length': '1c',
      'an integer above 2^53': '1b0020000000000000',
      'an integer of eight bytes': '1bffffffffffffffff',
      'text that is no UTF-8': '62c328',
    })) {
      assert.equal(read(hex), undefined, what)
    }
  })

  test('nothing may be missing and nothing may follow', () => {
    const document = encodeCbor(
      new MapItem([
        ['a', [1, 2, 300]],
        [7, Buffer.from('bytes')],
        ['c', new MapItem([[1, null]], true)],
      ]),
    )
    assert.ok(parseCbor(document))
    for (let length = 0; length < document.length; length++) {
      assert.equal(parseCbor(document.subarray(0, length)), undefined, `${length} bytes`)
    }
    assert.equal(parseCbor(Buffer.concat([document, Buffer.of(0)])), undefined)
  })

  test('depth and number of items are bounded, and lengths allocate nothing', () => {
    assert.equal(read(`${'81'.repeat(100_000)}01`), undefined)
    assert.equal(read('9f'.repeat(100_000)), undefined)
    assert.deepEqual(read('81818101'), [[[1]]])
    assert.equal(read('8181818101'), undefined)
    assert.equal(read('9affffffff'), undefined)
    assert.equal(read('baffffffff'), undefined)
    assert.equal(read('5affffffff'), undefined)
    assert.equal(read('5b001fffffffffffff'), undefined)
    assert.ok(read(`98ff${'00'.repeat(255)}`))
    assert.equal(read(`990100${'00'.repeat(256)}`), undefined)
  })

  test('any bytes give a value or none, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        parseCbor(bytes)
      }),
    )
  })
})
