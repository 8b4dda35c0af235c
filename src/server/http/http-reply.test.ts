import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HttpDate } from './http-date.ts'
import { ReplyHeads } from './http-reply.ts'

const headOf = (status: number, headers: readonly string[]) =>
  new ReplyHeads(new HttpDate()).head({ status, headers, body: '' }, 3, true)

describe('the head of a reply', () => {
  test('says status, headers, length, connection and date', () => {
    assert.match(
      headOf(200, ['X-A', 'b', 'X-C', 'd']),
      /^HTTP\/1\.1 200 OK\r\nX-A: b\r\nX-C: d\r\nContent-Length: 3\r\nConnection: keep-alive\r\nDate: [^\r]{29}\r\n\r\n$/,
    )
    assert.doesNotMatch(headOf(204, []), /Content-Length/)
  })

  test('follows an array of headers that has changed, and remembers one that cannot', () => {
    const heads = new ReplyHeads(new HttpDate())
    const headers = ['X-A', 'one']
    const head = () => heads.head({ status: 200, headers, body: '' }, 0, false)
    assert.match(head(), /X-A: one/)
    headers[1] = 'two'
    assert.match(head(), /X-A: two/)
    Object.freeze(headers)
    assert.match(head(), /X-A: two/)
    assert.match(head(), /X-A: two/)
  })

  test('cannot be split, framed otherwise or have a name that is none', () => {
    for (const headers of [
      ['X-A', 'a\r\nX-B: c'],
      ['X-A', 'a\n'],
      ['X-A', '\0'],
      ['X-A', '\u0100'],
      ['X-A'],
      ['X A', 'b'],
      ['', 'b'],
      ['X:', 'b'],
      ['content-length', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['DATE', 'b'],
      ['Connection', 'close'],
    ]) {
      assert.throws(() => headOf(200, headers), TypeError, JSON.stringify(headers))
    }
    for (const status of [99, 100, 600, 200.5, Number.NaN]) {
      assert.throws(() => headOf(status, []), TypeError)
    }
  })
})
