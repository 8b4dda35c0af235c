import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { ServiceError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { SignatureParser, verifySignature } from '../../src/protocol/sigv4.ts'
import { SigningKeys } from '../../src/protocol/sigv4-keys.ts'
import { wireRequest } from '../support/wire-request.ts'

interface Case {
  readonly name: string
  readonly form: 'header' | 'query'
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: string
  readonly pathStyle?: 's3'
}

interface Suite {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly service: string
  readonly signedAt: string
  readonly cases: readonly Case[]
}

// The file beside this test is ours and is read by nothing else.
const suite = JSON.parse(
  readFileSync(new URL('sigv4/suite.json', import.meta.url), 'utf8'),
) as Suite
const now = Date.parse(suite.signedAt)

const parser = new SignatureParser()

/** `verified`, `differs`, or the code and text of the refusal. */
function outcome(vector: Case, secret = suite.secretAccessKey): string {
  const keys = new SigningKeys(() => new Secret(new Uint8Array(Buffer.from(secret))))
  try {
    const signature = parser.parse(wireRequest(vector), {
      now,
      service: suite.service,
      pathStyle: vector.pathStyle ?? 'normalized',
    })
    return verifySignature(signature, keys.get(signature)) ? 'verified' : 'differs'
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return `${error.code}: ${error.publicMessage}`
  }
}

const DIFFERS = 'differs'
const NOT_SIGNED =
  'InvalidSignatureException: There were headers present in the request which were not signed'

/** The case with the text of its signature, wherever it stands, replaced. */
function rewrite(vector: Case, change: (text: string) => string): Case {
  return {
    ...vector,
    target: vector.form === 'query' ? change(vector.target) : vector.target,
    headers: vector.headers.map((text, at) =>
      vector.headers[at - 1]?.toLowerCase() === 'authorization' ? change(text) : text,
    ),
  }
}

const withHeader = (vector: Case, name: string, change: (value: string) => string): Case => ({
  ...vector,
  headers: vector.headers.map((text, at) =>
    at % 2 === 1 && vector.headers[at - 1]?.toLowerCase() === name ? change(text) : text,
  ),
})

/** Every way to tamper with a case, and what it must come to. */
const MUTATIONS: readonly {
  readonly name: string
  readonly mutate: (vector: Case) => Case
  /** The start of the outcome. */
  readonly outcome: string
}[] = [
  {
    name: 'another signature',
    mutate: (vector) =>
      rewrite(vector, (text) =>
        text.replace(
          /(Signature=)([0-9a-f])/,
          (_, name, digit) => name + (digit === '0' ? '1' : '0'),
        ),
      ),
    outcome: DIFFERS,
  },
  {
    name: 'a shorter signature',
    mutate: (vector) => rewrite(vector, (text) => text.replace(/(Signature=[0-9a-f]{63})./, '$1')),
    outcome: DIFFERS,
  },
  {
    name: 'the signature in upper case',
    mutate: (vector) =>
      rewrite(vector, (text) =>
        text.replace(
          /Signature=([0-9a-f]{64})/,
          (_, hex: string) => `Signature=${hex.toUpperCase()}`,
        ),
      ),
    outcome: DIFFERS,
  },
  {
    name: 'another host',
    mutate: (vector) => withHeader(vector, 'host', (value) => `${value}.evil`),
    outcome: DIFFERS,
  },
  {
    name: 'another method',
    mutate: (vector) => ({ ...vector, method: 'PUT' }),
    outcome: DIFFERS,
  },
  {
    name: 'another path',
    mutate: (vector) => ({ ...vector, target: vector.target.replace('/', '/x/') }),
    outcome: DIFFERS,
  },
  {
    name: 'a further query parameter',
    mutate: (vector) => ({
      ...vector,
      target: `${vector.target}${vector.target.includes('?') ? '&' : '?'}extra=1`,
    }),
    outcome: DIFFERS,
  },
  {
    name: 'host not in the list of signed headers',
    mutate: (vector) => rewrite(vector, (text) => text.replace(/host(?=;|%3B|,|&)/, 'ghost')),
    outcome: "InvalidSignatureException: 'Host' must be a 'SignedHeader'",
  },
  {
    name: 'a signed header that was not sent',
    mutate: (vector) =>
      rewrite(vector, (text) =>
        text.replace('SignedHeaders=', `$&absent${vector.form === 'query' ? '%3B' : ';'}`),
      ),
    outcome: 'InvalidSignatureException: The request signature we calculated',
  },
  {
    name: 'an x-amz header that is not signed',
    mutate: (vector) => ({ ...vector, headers: [...vector.headers, 'X-Amz-Meta', 'x'] }),
    outcome: `${NOT_SIGNED}: 'x-amz-meta'`,
  },
  {
    name: 'a second host',
    mutate: (vector) => ({ ...vector, headers: [...vector.headers, 'Host', 'evil'] }),
    outcome: "InvalidSignatureException: The header 'host' must be sent only once.",
  },
  {
    name: 'a time a second later',
    mutate: (vector) => {
      const later = (text: string): string => text.replace('20150830T123600Z', '20150830T123601Z')
      return withHeader({ ...vector, target: later(vector.target) }, 'x-amz-date', later)
    },
    outcome: DIFFERS,
  },
  {
    name: 'a scope of another day',
    mutate: (vector) => rewrite(vector, (text) => text.replace(/20150830(\/|%2F)/, '20150831$1')),
    outcome:
      "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != '20150830', from '20150830T123600Z'.",
  },
  {
    name: 'a scope of another Region',
    mutate: (vector) => rewrite(vector, (text) => text.replace('us-east-1', 'eu-central-1')),
    outcome: DIFFERS,
  },
  {
    name: 'a scope of no Region',
    mutate: (vector) => rewrite(vector, (text) => text.replace('us-east-1', 'constructor')),
    outcome:
      "InvalidSignatureException: Credential should be scoped to a valid region, not 'constructor'.",
  },
  {
    name: 'a scope of another service',
    mutate: (vector) => rewrite(vector, (text) => text.replace(/service(\/|%2F)/, 'other$1')),
    outcome:
      "InvalidSignatureException: Credential should be scoped to correct service: 'service'.",
  },
  {
    name: 'a scope with another terminator',
    mutate: (vector) => rewrite(vector, (text) => text.replace('aws4_request', 'aws5_request')),
    outcome:
      "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
  },
]

test('the suite has both forms', () => {
  const count = (form: string): number =>
    suite.cases.filter((vector) => vector.form === form).length
  assert.deepEqual([count('header'), count('query')], [35, 29])
})

for (const vector of suite.cases) {
  describe(`${vector.name} (${vector.form})`, () => {
    test('verifies', () => {
      assert.equal(outcome(vector), 'verified')
    })

    for (const mutation of MUTATIONS) {
      test(`${mutation.name} is refused`, () => {
        const mutated = mutation.mutate(vector)
        assert.notDeepEqual(mutated, vector)
        assert.equal(outcome(mutated).slice(0, mutation.outcome.length), mutation.outcome)
      })
    }

    test('another body is refused', () => {
      const declares = vector.headers.some((text) => text.toLowerCase() === 'x-amz-content-sha256')
      assert.equal(
        outcome({ ...vector, body: `${vector.body}x` }),
        declares
          ? "InvalidSignatureException: The provided 'x-amz-content-sha256' header does not match what was computed."
          : DIFFERS,
      )
    })

    test('another secret verifies nothing', () => {
      assert.equal(outcome(vector, `${suite.secretAccessKey.slice(0, -1)}Z`), DIFFERS)
    })

    if (vector.headers.includes('My-Header1')) {
      test('another value of a signed header is refused', () => {
        assert.equal(outcome(withHeader(vector, 'my-header1', (value) => `${value}!`)), DIFFERS)
      })

      test('a header dropped from the signed list is refused', () => {
        const dropped = rewrite(vector, (text) => text.replace(/(;|%3B)my-header1/, ''))
        assert.equal(outcome(dropped), DIFFERS)
      })
    }
  })
}

test('a presigned request with an unsigned X-Amz-Date header is refused', () => {
  const vector = suite.cases.find(({ form }) => form === 'query')
  assert.ok(vector)
  const asPublished = { ...vector, headers: [...vector.headers, 'X-Amz-Date', '20150830T123600Z'] }
  assert.equal(outcome(asPublished), `${NOT_SIGNED}: 'x-amz-date'`)
})
