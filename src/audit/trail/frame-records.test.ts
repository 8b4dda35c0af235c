import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { IntegrityError } from '../../core/errors.ts'
import { recordsOf } from './frame-records.ts'

const RECORD = {
  eventTime: '2026-01-31T10:59:59Z',
  awsRegion: 'eu-central-1',
  recipientAccountId: '111122223333',
}
const frameOf = (records: string): string =>
  `{"kind":"call","internal":{"time":1,"records":[{"no":1}]},"records":[${records}]}`

describe('recordsOf', () => {
  test('takes texts over byte for byte, also where parsing would not', () => {
    const odd = `{"userAgent":"a\\u0041\\"}\\\\","requestParameters":{"2":"b","1":"a","__proto__":{},"n":1.0},"eventTime":"2026-01-31T10:59:59Z","awsRegion":"eu-central-1","recipientAccountId":"111122223333"}`
    const [record, ...others] = recordsOf(frameOf(odd))
    assert.deepEqual(others, [])
    assert.deepEqual(record, {
      text: odd,
      accountId: '111122223333',
      region: 'eu-central-1',
      eventTime: '2026-01-31T10:59:59Z',
    })
  })

  test('names in nested values are not taken for the record’s', () => {
    const nested = JSON.stringify({
      requestParameters: { recipientAccountId: 'no', awsRegion: ['no'], eventTime: 'no' },
      ...RECORD,
      recipientAccountId: 'services',
    })
    assert.equal(recordsOf(frameOf(nested))[0]?.accountId, 'services')
  })

  test('gives both records of a call for two accounts', () => {
    const own = JSON.stringify(RECORD)
    const owner = JSON.stringify({ ...RECORD, recipientAccountId: '444455556666' })
    assert.deepEqual(
      recordsOf(frameOf(`${own},${owner}`)).map(({ text, accountId }) => [text, accountId]),
      [
        [own, '111122223333'],
        [owner, '444455556666'],
      ],
    )
  })

  test('gives nothing for a frame without records', () => {
    assert.deepEqual(recordsOf('{"kind":"operator","internal":{"time":1},"records":[]}'), [])
    assert.deepEqual(recordsOf('{"kind":"x","records":[],"internal":{}}'), [])
  })

  test('cuts any JSON where it stands', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 }), (all) => {
        const texts = all.map((more) => JSON.stringify({ more, ...RECORD }))
        assert.deepEqual(
          recordsOf(frameOf(texts.join(','))).map(({ text, region }) => [text, region]),
          texts.map((text) => [text, RECORD.awsRegion]),
        )
      }),
    )
  })

  test('refuses what no frame is', () => {
    for (const text of [
      '',
      '[]',
      '{"records":1}',
      '{"records":[1]}',
      '{"a',
      '{"records":[{"a":"',
    ]) {
      assert.throws(() => recordsOf(text), IntegrityError, text)
    }
  })
})
