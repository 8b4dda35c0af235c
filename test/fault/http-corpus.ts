/**
 * Requests that attack parsers: smuggling by two lengths, white space, line ends, control bytes,
 * huge and signed numbers, odd targets and versions. Each is the whole input of one connection.
 * Written for Strongroom after the classes of attack in RFC 9112, 11, and RFC 9110, 17.
 */

const HOST = 'Host: localhost\r\n'
const post = (lines: string, body = '') => `POST / HTTP/1.1\r\n${HOST}${lines}\r\n${body}`
const get = (target: string, lines = '') => `GET ${target} HTTP/1.1\r\n${HOST}${lines}\r\n`
const NEXT = get('/next')

const LENGTH_VALUES = [
  ['5', '05', '+5', '-5', '5 ', ' 5', '5\t', '0x5', '5.0', '5e0', '5,5', '5, 5', '', ' ', '٥'],
  ['99999999999999999999', '4294967301', '9007199254740993', '1048577', '1 2', '5;a', '"5"'],
].flat()

const FRAMING = [
  ...LENGTH_VALUES.map((value) => `Content-Length: ${value}\r\n`),
  'Content-Length: 5\r\nContent-Length: 5\r\n',
  'Content-Length: 5\r\nContent-Length: 6\r\n',
  'Content-Length: 5\r\ncontent-length: 0\r\n',
  'Content-Length : 5\r\n',
  'Content-Length\t: 5\r\n',
  ' Content-Length: 5\r\n',
  'Content-Length\r\n: 5\r\n',
  'Content-Length:\r\n 5\r\n',
  'X: a\r\n Content-Length: 5\r\n',
  'X: a\r\n\tfolded\r\nContent-Length: 5\r\n',
  'X: a\nContent-Length: 5\r\n',
  'X: a\rContent-Length: 5\r\n',
  'X: a\r\r\nContent-Length: 5\r\n',
  'Content-Length: 5\n',
  'Content_Length: 5\r\n',
  'Content-Length\0: 5\r\n',
  'Content-Length: 5\0\r\n',
  'Content-Length: 5\x0b\r\n',
  '\xa0Content-Length: 5\r\n',
  ': 5\r\n',
  'NoColon\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
  'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\nContent-Length: 5\r\n',
  'Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'Transfer-Encoding: identity, chunked\r\n',
  'Transfer-Encoding: \r\nContent-Length: 5\r\n',
  'Transfer-Encoding : chunked\r\nContent-Length: 5\r\n',
  'Transfer-Encoding\x0b: chunked\r\nContent-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
  'Trailer: X\r\nContent-Length: 5\r\n',
]

const BODIES = ['hello', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\nhello', '']

const TARGETS = [
  ['/', '/a?b=c', '/%00', '/a#b', '//a', '/..', '*', 'a', '', ' ', '/a b', '/\t', '/\0', '/\x7f'],
  ['/\xe9', '/"', '/<>', '/{}', '/|', '/\\', '/^', '/`', '?', '/[]', 'localhost:80', '/\r', '/\n'],
  ['http://localhost/a', 'http://other/a', 'https://localhost', 'HTTP://LOCALHOST/', 'file:///a'],
].flat()

const FIRST_LINES = [
  ['GET  / HTTP/1.1', ' GET / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET /  HTTP/1.1', 'GET\t/ HTTP/1.1'],
  ['get / HTTP/1.1', 'GET / http/1.1', 'GET / HTTP/1.2', 'GET / HTTP/2.0', 'GET / HTTP/0.9'],
  ['GET / HTTP/01.1', 'GET / HTTP/1.10', 'GET / HTTP/1', 'GET /', 'GET', '', 'GET / HTTP/1.1\r'],
  ['PUT / HTTP/1.1', 'DELETE / HTTP/1.1', 'HEAD / HTTP/1.1', 'OPTIONS * HTTP/1.1', 'X / HTTP/1.1'],
  ['POSTX / HTTP/1.1', 'POS / HTTP/1.1', 'PRI * HTTP/2.0', 'GET / HTTP/1.0', 'GET / ICE/1.1'],
].flat()

const HEADERS = [
  ['Host: second\r\n', 'host:second\r\n', 'HOST: a,b\r\n', 'X:\r\n', 'X: \r\n', 'X:\t a \t\r\n'],
  ['X : a\r\n', 'X\0: a\r\n', 'X: \0\r\n', 'X: \x01\r\n', 'X: \x7f\r\n', 'X: \x80\xff\r\n'],
  ['X: a\tb\r\n', 'X(: a\r\n', 'X;: a\r\n', '\xe9: a\r\n', '"X": a\r\n', 'X: a: b\r\n', ': a\r\n'],
  ['__proto__: a\r\n', 'constructor: a\r\n', 'X-A: 1\r\nx-a: 2\r\nX-a: 3\r\n', 'X: a\nY: b\r\n'],
  ['Connection: close\r\n', 'Connection: CLOSE\r\n', 'Connection: keep-alive, close\r\n'],
  ['Connection: Keep-Alive\r\n', 'Connection: \r\n', 'Connection: upgrade\r\nUpgrade: h2c\r\n'],
  ['Connection: close\r\nConnection: keep-alive\r\n', 'Connection: host\r\n', 'Upgrade: a\r\n'],
  ['Proxy-Connection: close\r\n', 'Expect: 100-continue\r\n', 'Expect: other\r\n', 'TE: a\r\n'],
  ['X: a\r\n'.repeat(98), 'X: a\r\n'.repeat(99), 'X: a\r\n'.repeat(100), 'X: a\r\n'.repeat(2000)],
  [`X: ${'a'.repeat(30_000)}\r\n`, `X: ${'a'.repeat(40_000)}\r\n`, `${'a'.repeat(300)}: b\r\n`],
].flat()

/** Every request of the corpus, as latin1 text. */
export const CORPUS: readonly string[] = [
  ...FRAMING.flatMap((lines) => BODIES.map((body) => post(lines, body) + NEXT)),
  ...TARGETS.map((target) => get(target) + NEXT),
  ...FIRST_LINES.map((line) => `${line}\r\n${HOST}\r\n${NEXT}`),
  ...HEADERS.flatMap((lines) => [
    get('/', lines) + NEXT,
    post(`${lines}Content-Length: 2\r\n`, 'ab'),
  ]),
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost:\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'GET / HTTP/1.1\nHost: localhost\n\n',
  `\r\n${NEXT}`,
  `\n${NEXT}`,
  `\r\n\r\n\r\n${NEXT}`,
  `${post('Content-Length: 5\r\n', 'hello')}\r\n${NEXT}`,
  `${post('Content-Length: 5\r\n', 'hello')}x${NEXT}`,
  post('Content-Length: 5\r\n', 'hell'),
  get('/').slice(0, -2),
  get('/').slice(0, -1),
  NEXT.repeat(30),
  post('Content-Length: 3\r\n', 'abc').repeat(30),
  '',
  '\0',
  '\r\n\r\n',
  '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03',
  'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n\r\n',
]
