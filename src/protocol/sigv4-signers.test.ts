import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { Sha256 } from '../../test/support/signer-hash.ts'
import { wireRequest } from '../../test/support/wire-request.ts'
import { Secret } from '../core/secret.ts'
import { SignatureParser, verifySignature } from './sigv4.ts'
import { SigningKeys } from './sigv4-keys.ts'

const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 40,
})
const segment = fc.oneof(
  fc.constantFrom('', '.', '..'),
  fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => encodeURIComponent(text)),
)
const shapes = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
  query: fc.dictionary(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((name) => `q${name}`),
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.array(fc.string({ unit: 'grapheme', maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    ),
    { maxKeys: 4 },
  ),
  headers: fc.dictionary(fc.stringMatching(/^(my|x-amz-meta|content)-[a-z0-9]{1,8}$/), printable, {
    maxKeys: 5,
  }),
  body: fc.uint8Array({ maxLength: 200 }),
  token: fc.option(fc.base64String({ minLength: 4, maxLength: 60 }), { nil: undefined }),
  region: fc.constantFrom('us-east-1', 'eu-central-1', 'cn-north-1'),
  service: fc.constantFrom('kms', 'sts', 'ssm'),
  at: fc.date({
    min: new Date('2000-01-01T00:00:00Z'),
    max: new Date('2099-12-31T00:00:00Z'),
    noInvalidDate: true,
  }),
})
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const parser = new SignatureParser()

const encodeWire = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

const signerOf = (shape: Shape): SignatureV4 =>
  new SignatureV4({
    service: shape.service,
    region: shape.region,
    sha256: Sha256,
    credentials: {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: SECRET,
      ...(shape.token === undefined ? {} : { sessionToken: shape.token }),
    },
  })

const unsignedRequest = (shape: Shape) => ({
  method: shape.method,
  protocol: 'http:',
  hostname: 'localhost',
  path: shape.path,
  query: shape.query,
  headers: { host: 'localhost:7600', ...shape.headers },
  body: shape.body,
})

/** What travels: one header field for each, the query in percent-encoding. */
function onTheWire(
  shape: Shape,
  signed: { headers: Record<string, string>; query?: Record<string, unknown> | undefined },
) {
  const parameters = Object.entries(signed.query ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeWire(name)}=${encodeWire(String(one))}`),
  )
  return wireRequest({
    method: shape.method,
    target: parameters.length > 0 ? `${shape.path}?${parameters.join('&')}` : shape.path,
    headers: Object.entries(signed.headers).flat(),
    body: shape.body,
  })
}

function verifies(shape: Shape, request: ReturnType<typeof wireRequest>, secret = SECRET): boolean {
  const rules = { now: shape.at.getTime(), service: shape.service }
  const signature = parser.parse(request, rules)
  assert.equal(signature.sessionToken, shape.token)
  assert.equal(signature.accessKeyId, 'AKIDEXAMPLE')
  assert.equal(signature.region, shape.region)
  const keys = new SigningKeys(() => new Secret(new Uint8Array(Buffer.from(secret))))
  return verifySignature(signature, keys.get(signature))
}

test("requests of any shape that AWS's signer signs in headers verify, and no other secret does", async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const options = { signingDate: shape.at }
      const signed = await signerOf(shape).sign(unsignedRequest(shape), options)
      const request = onTheWire(shape, signed)
      assert.equal(verifies(shape, request), true)
      assert.equal(verifies(shape, request, `${SECRET}x`), false)
    }),
    { numRuns: 200 },
  )
})

test("requests of any shape that AWS's signer presigns verify", async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const options = { signingDate: shape.at, expiresIn: 60 }
      const signed = await signerOf(shape).presign(unsignedRequest(shape), options)
      const request = onTheWire(shape, signed)
      assert.equal(verifies(shape, request), true)
      assert.equal(verifies(shape, request, `${SECRET}x`), false)
    }),
    { numRuns: 200 },
  )
})
