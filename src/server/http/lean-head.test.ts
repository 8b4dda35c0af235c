import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HeaderNames } from './http-headers.ts'
import { findHeadEnd, LeanHead, mayBecomeLean } from './lean-head.ts'

const newHead = () => new LeanHead(new HeaderNames(), { headersMax: 4, bodyBytesMax: 1000 })
/** Reads a head that stands between other bytes, as one of pipelined requests does. */
const readBy = (head: LeanHead, text: string): boolean => {
  const bytes = Buffer.from(`before${text}after`, 'latin1')
  return head.read(bytes, 6, bytes.length - 5)
}
const reads = (text: string): boolean => readBy(newHead(), text)

describe('the head of a lean request', () => {
  test('is taken apart', () => {
    const head = newHead()
    const text =
      'POST /a?b=%20 HTTP/1.1\r\nhost: h\r\nContent-Length:\t12 \r\nX-A:1\r\nx-a: \x80 2\r\n\r\n'
    assert.ok(readBy(head, text))
    assert.equal(head.method, 'POST')
    assert.equal(head.target, '/a?b=%20')
    assert.equal(head.contentLength, 12)
    assert.ok(head.keepAlive)
    const raw = ['host', 'h', 'Content-Length', '12', 'X-A', '1', 'x-a', '\x80 2']
    assert.deepEqual(head.rawHeaders, raw)
    assert.equal(head.headers['x-a'], '1, \x80 2')
    assert.equal(head.headers['constructor'], undefined)
    assert.equal(head.headers['__proto__'], undefined)
  })

  test('leaves nothing of the request before it', () => {
    const head = newHead()
    assert.ok(
      readBy(
        head,
        'POST / HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 3\r\nConnection: close\r\n\r\n',
      ),
    )
    assert.equal(head.keepAlive, false)
    assert.ok(readBy(head, 'GET /b HTTP/1.1\r\nHost: b\r\n\r\n'))
    assert.equal(head.contentLength, 0)
    assert.ok(head.keepAlive)
    assert.deepEqual(head.rawHeaders, ['Host', 'b'])
    assert.deepEqual({ ...head.headers }, { host: 'b' })
  })

  test('is read by its own names, whatever names the head before it had', () => {
    const head = newHead()
    const names = fc.array(fc.constantFrom('X', 'X-A', 'x-a', 'X-Ab', 'Y'), { maxLength: 3 })
    fc.assert(
      fc.property(names, (sent) => {
        const lines = sent.map((name, index) => `${name}: ${index}\r\n`).join('')
        assert.ok(readBy(head, `GET / HTTP/1.1\r\n${lines}Host: a\r\n\r\n`))
        const expected = sent.flatMap((name, index) => [name, String(index)])
        assert.deepEqual(head.rawHeaders, [...expected, 'Host', 'a'])
      }),
    )
  })

  test('is for node:http when a single thing is out of the ordinary', () => {
    const good = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n'
    assert.ok(reads(good))
    const changes: [string, string][] = [
      ['POST', 'PUT'],
      ['POST', 'post'],
      ['POST ', 'POST  '],
      [' / ', ' http://a/ '],
      [' / ', ' /\xe9 '],
      [' / ', ' * '],
      ['1.1', '1.0'],
      ['1.1\r\n', '1.1\n'],
      ['Host: a\r\n', ''],
      ['Host: a\r\n', 'Host: a\r\nHost: a\r\n'],
      ['Host: a', 'Host : a'],
      ['Host: a', 'Host: a\0'],
      ['Host: a', 'Host: a\x7f'],
      ['Host: a\r\n', 'Host: a\n'],
      ['Host: a\r\n', 'Host: a\r\n b\r\n'],
      ['Host: a\r\n', 'Host: a\r\n: b\r\n'],
      ['Host: a\r\n', 'Host: a\r\nX\r\n'],
      ['Host: a\r\n', 'Host: a\r\nX: 1\r\nX: 1\r\nX: 1\r\n'],
      ['Length: 1', 'Length: +1'],
      ['Length: 1', 'Length: 1,1'],
      ['Length: 1', 'Length: 0x1'],
      ['Length: 1', 'Length: '],
      ['Length: 1', 'Length: 1001'],
      ['Length: 1', 'Length: 99999999999999999999'],
      ['Content-Length: 1\r\n', 'Content-Length: 1\r\nContent-Length: 1\r\n'],
      ['Content-Length: 1', 'Transfer-Encoding: chunked'],
      ['Content-Length: 1', 'Expect: 100-continue'],
      ['Content-Length: 1', 'Connection: upgrade'],
      ['Content-Length: 1', 'Connection: keep-alive, close'],
    ]
    for (const [from, to] of changes) {
      const text = good.replace(from, to)
      assert.notEqual(text, good)
      assert.equal(reads(text), false, JSON.stringify(text))
    }
  })

  test('ends where the first empty line ends', () => {
    const bytes = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'a'), { maxLength: 30 })
    fc.assert(
      fc.property(bytes, fc.nat(5), (parts, start) => {
        const buffer = Buffer.from(parts.join(''), 'latin1')
        const found = buffer.indexOf('\r\n\r\n', start)
        assert.equal(findHeadEnd(buffer, start, 0), found < 0 ? -1 : found + 4)
      }),
    )
  })

  test('that is not all there is waited for only while it may become lean', () => {
    const may = (text: string) => mayBecomeLean(Buffer.from(text, 'latin1'), 0)
    for (const text of ['', 'P', 'POST ', 'GET', 'GET /', 'POST / HTTP/1.1\r\nHo', 'GET /\r\n\r']) {
      assert.ok(may(text), text)
    }
    for (const text of [
      'X',
      'GEX',
      'PUT /',
      'POST *',
      '\x16\x03',
      '\r\n',
      'GET / HTTP/1.1\nHost',
    ]) {
      assert.equal(may(text), false, text)
    }
  })
})
