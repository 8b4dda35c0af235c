import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { compilePolicy } from '../../src/authz/compiled-policy.ts'
import { type PolicyKind, policyProblem } from '../../src/authz/policy-syntax.ts'
import { compileWildcard } from '../../src/authz/wildcard.ts'
import { parseArn } from '../../src/core/arn.ts'
import { OperatorError, ServiceError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { parseCiphertext } from '../../src/crypto/ciphertext.ts'
import { parseSetting } from '../../src/crypto/custody-setting.ts'
import { decodeKeyFile } from '../../src/crypto/key-file.ts'
import { readCbor } from '../../src/protocol/cbor-read.ts'
import { parseJsonText } from '../../src/protocol/json-text.ts'
import { peekQueryAction, readQueryCall } from '../../src/protocol/query.ts'
import { credentialScopeOf, readSignature } from '../../src/protocol/sigv4-parse.ts'
import { HeaderNames } from '../../src/server/http/http-headers.ts'
import { findHeadEnd, LeanHead, mayBecomeLean } from '../../src/server/http/lean-head.ts'
import { IAM_MODEL } from '../../src/services/iam/model.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { SeededChoice } from '../fault/kill-nine-model.ts'
import { CoverageGuide } from '../support/coverage-guide.ts'
import { FuzzFailure, type FuzzTarget, fuzz } from '../support/guided-fuzzer.ts'
import { openDoor } from '../support/hidden-door.ts'
import { wireRequest } from '../support/wire-request.ts'

/** For each target. Minutes: `STRONGROOM_FUZZ_SECONDS=600 node --test --test-timeout=0 test/extra/guided-fuzzing.test.ts`. */
const SECONDS = Number(process.env['STRONGROOM_FUZZ_SECONDS'] ?? 2)
const SEED = Number(process.env['STRONGROOM_FUZZ_SEED'] ?? randomInt(2 ** 31))
const SOURCES = new URL('../../src/', import.meta.url).href

/** Runs a parser that may refuse, in the words that it has for that. @returns undefined where it did */
function refusing<T>(
  kind: typeof ServiceError | typeof OperatorError,
  parse: () => T,
): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof kind) return undefined
    throw error
  }
}

const head = new LeanHead(new HeaderNames(), { headersMax: 100, bodyBytesMax: 1_048_576 })

/** Headers of a text, a line each, as a transport hands them over. */
const headersOf = (text: string): string[] =>
  text.split('\n').flatMap((line) => {
    const at = line.indexOf(':')
    return at <= 0 ? [] : [line.slice(0, at), line.slice(at + 1).trim()]
  })

/** Members of the published vectors of a format. */
function vectorsOf(format: string, member: string): readonly string[] {
  const file = new URL(`../../docs/formats/vectors/${format}.json`, import.meta.url)
  const { vectors, valid }: { vectors?: object[]; valid?: object[] } = JSON.parse(
    readFileSync(file, 'utf8'),
  )
  return [...(vectors ?? []), ...(valid ?? [])]
    .map((vector) => new Map(Object.entries(vector)).get(member))
    .filter((text) => typeof text === 'string')
}

const STAMP = '20260102T030405Z'
const POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'One',
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam::111122223333:root', '111122223333'] },
      Action: ['kms:Enc*', 'kms:Decrypt'],
      Resource: 'arn:aws:kms:*:111122223333:key/*',
      Condition: {
        StringLike: { 'aws:username': ['a*', '${aws:username}'] },
        IpAddress: { 'aws:SourceIp': '10.0.0.0/8' },
      },
    },
  ],
})

const TARGETS: Readonly<Record<string, FuzzTarget>> = {
  'lean HTTP heads': {
    seeds: [
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nX-Amz-Date: 1\r\nConnection: close\r\n\r\n',
      'GET /a?b=%20 HTTP/1.1\r\nhost: h:1\r\n\r\n',
    ],
    words: [
      '\r\n',
      'Host: ',
      'Content-Length: ',
      'Connection: keep-alive',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      ' HTTP/1.1',
      'HTTP/1.0',
    ],
    run(input) {
      const end = findHeadEnd(input, 0, 0)
      mayBecomeLean(input, 0)
      if (end < 0 || !head.read(input, 0, end)) return
      assert.match(head.method, /^(?:GET|POST)$/)
      assert.match(head.target, /^\/[!-~]*$/)
      assert.ok(Number.isSafeInteger(head.contentLength) && head.contentLength <= 1_048_576)
      for (const [at, text] of head.rawHeaders.entries())
        assert.match(text, at % 2 === 0 ? /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/ : /^[\t -~\x80-\xff]*$/)
      assert.equal(head.headers['transfer-encoding'], undefined)
      assert.equal(input.toString('latin1', 0, end).match(/^host[ \t]*:/gim)?.length, 1)
    },
  },
  'strict JSON': {
    seeds: ['{"a":[1,-0.5e3,true,null,"\\u00e9\\n"],"b":{"__proto__":1}}'],
    words: [
      '"a":',
      '\\ud800',
      '1e999',
      '-0',
      'false',
      '{}',
      '[]',
      '\u2028',
      '__proto__',
      'constructor',
    ],
    run(input) {
      const parsed = refusing(ServiceError, () => ({ value: parseJsonText(input) }))
      // Strict means that it takes less; what it takes means the same.
      if (parsed === undefined) return
      assert.equal(JSON.stringify(parsed.value), JSON.stringify(JSON.parse(input.toString('utf8'))))
    },
  },
  CBOR: {
    seeds: [
      Buffer.from('bf6161fb3ff80000000000006162c11a5f5e1000616383f5f6f7ff', 'hex'),
      Buffer.from('a2616118186162420102', 'hex'),
    ],
    run(input) {
      const read = refusing(ServiceError, () => ({ value: readCbor(input) }))
      if (read !== undefined) assert.doesNotThrow(() => structuredClone(read.value))
    },
  },
  'signatures in headers and targets': {
    seeds: [
      `/\nHost: h\nX-Amz-Date: ${STAMP}\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260102/eu-central-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
      `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLE%2F20260102%2Feu-central-1%2Fkms%2Faws4_request&X-Amz-Date=${STAMP}&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}\nHost: h`,
    ],
    words: [
      'AWS4-HMAC-SHA256',
      'Credential=',
      'SignedHeaders=',
      'Signature=',
      'X-Amz-Security-Token',
      'X-Amz-Content-Sha256: UNSIGNED-PAYLOAD',
      'aws4_request',
      ', ',
      ';',
      '%2F',
    ],
    run(input) {
      const text = input.toString('latin1')
      const [target = '', ...lines] = text.split('\n')
      const request = wireRequest({ target, headers: headersOf(lines.join('\n')) })
      credentialScopeOf(request)
      refusing(ServiceError, () => readSignature(request))
    },
  },
  'the Query protocol': {
    seeds: [
      'Action=CreateUser&Version=2010-05-08&UserName=a',
      'Action=TagUser&Version=2010-05-08&Tags.member.1.Key=a&Tags.member.1.Value=%C3%A9&Tags.member.2.Key=b',
    ],
    words: [
      'Action=',
      'Version=2010-05-08',
      '.member.1',
      '.member.9999999999',
      '%',
      '+',
      '&',
      '=',
      '.',
      '__proto__',
      '.entry.1.key',
    ],
    run(input) {
      const body = input.toString('latin1')
      const headers = ['Content-Type', 'application/x-www-form-urlencoded']
      for (const request of [
        wireRequest({ headers, body }),
        wireRequest({ method: 'GET', target: `/?${body}` }),
      ]) {
        peekQueryAction(request)
        refusing(ServiceError, () => readQueryCall(request, IAM_MODEL.query))
      }
    },
  },
  policies: {
    seeds: [POLICY],
    words: [
      '"Sid":',
      '"NotAction":',
      '"NotPrincipal":',
      '"NotResource":',
      '"Principal":"*"',
      '"Condition":{"Bool":{"aws:SecureTransport":"true"}}',
      'ForAllValues:StringEquals',
      'NumericLessThan',
      'DateGreaterThan',
      'ArnLike',
      'Null',
      '"Deny"',
      '${*}',
      '"2008-10-17"',
      'IfExists',
    ],
    run(input) {
      const text = input.toString('utf8')
      for (const kind of [
        'key',
        'identity',
        'session',
        'trust',
        'service-control',
      ] satisfies PolicyKind[]) {
        if (policyProblem(text, kind) === undefined) compilePolicy(text)
      }
    },
  },
  'wildcards of policies': {
    seeds: ['a*b?c\na1b2c', 'arn:aws:kms:*:*:key/*\narn:aws:kms:eu-central-1:111122223333:key/x'],
    words: ['*', '?', '**', '*?', '?*', ':', '/'],
    run(input) {
      const [pattern = '', text = ''] = input.toString('latin1').slice(0, 60).split('\n')
      parseArn(text)
      const escaped = pattern.replaceAll(/[.+^${}()|[\]\\/-]/g, '\\$&')
      const expected = new RegExp(`^${escaped.replaceAll(/\*+/g, '[^]*').replaceAll('?', '[^]')}$`)
      assert.equal(compileWildcard(pattern)(text), expected.test(text))
    },
  },
  ciphertexts: {
    seeds: vectorsOf('ciphertext-v1', 'ciphertext').map((hex) => Buffer.from(hex, 'hex')),
    run(input) {
      const parsed = parseCiphertext(input)
      if (parsed !== undefined) assert.equal(parsed.bytes, input)
    },
  },
  'URLs of stores': {
    seeds: [
      'postgres://user:p%40ss@db.example:5432/kms?sslmode=verify-full&schema=one&host=%2Frun',
    ],
    words: [
      'sslmode=disable',
      'sslrootcert=',
      'schema=',
      'host=',
      '%00',
      '%',
      '@',
      '[::1]',
      '://',
      'postgresql:',
    ],
    run(input) {
      refusing(OperatorError, () => parsePostgresUrl(input.toString('utf8')))
    },
  },
  'key files and the setting of the seal': {
    seeds: [...vectorsOf('custody-v1', 'keyFile'), ...vectorsOf('custody-v1', 'setting')],
    words: ['strongroom', '\n', 'checksum ', '"seal":', '"kind":"keyfile"'],
    run(input) {
      const text = input.toString('utf8')
      refusing(OperatorError, () => parseSetting(text))
      refusing(OperatorError, () => decodeKeyFile(new Secret(Uint8Array.from(input)), 'a file'))
    },
  },
}

const forSeconds = (seconds: number) => {
  const endMs = performance.now() + seconds * 1000
  return (): boolean => performance.now() > endMs
}

describe('inputs that look for ways into the code', () => {
  test('find a door that chance alone does not find', () => {
    const isHere = (url: string): boolean => url.endsWith('/hidden-door.ts')
    const door: FuzzTarget = { run: openDoor, seeds: ['none'] }
    // With the guide it takes some thirty thousand inputs, and now and then many more.
    const [most, twiceTheUsual] = [500_000, 60_000]
    using guide = new CoverageGuide(isHere)
    assert.throws(
      () => fuzz(door, guide, new SeededChoice(SEED), (inputs) => inputs > most),
      FuzzFailure,
    )
    using blind = new CoverageGuide(() => false)
    fuzz(door, blind, new SeededChoice(SEED), (inputs) => inputs > twiceTheUsual)
  })

  for (const [name, target] of Object.entries(TARGETS)) {
    test(`${name} are read or refused`, (t) => {
      t.diagnostic(`STRONGROOM_FUZZ_SEED=${SEED}`)
      using guide = new CoverageGuide((url) => url.startsWith(SOURCES))
      const report = fuzz(target, guide, new SeededChoice(SEED), forSeconds(SECONDS))
      t.diagnostic(
        `${report.inputs} inputs, ${report.kept} kept, ${report.characters} characters of the sources`,
      )
      assert.ok(report.inputs > 100)
    })
  }
})
