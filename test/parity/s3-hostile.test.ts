import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ACCOUNT } from '../support/iam-account.ts'
import { BUCKET, TrailAccount } from '../support/trail-account.ts'
import { wireRequest } from '../support/wire-request.ts'

const KEY = `AWSLogs/${ACCOUNT}/a.json.gz`

/** What stands in targets, as pieces: the rest is put together from them. */
const piece = fc.constantFrom(
  '/',
  '//',
  BUCKET,
  'strongroom-audit-999999999999',
  'AWSLogs',
  ACCOUNT,
  'a.json.gz',
  '..',
  '.',
  '%2e%2e',
  '%2F',
  '%00',
  '%',
  '%zz',
  '%ff',
  '%C3%A4',
  '+',
  '?',
  '&',
  '=',
  'list-type=2',
  'prefix=',
  'delimiter=%2F',
  'max-keys=',
  '-1',
  '2',
  'location',
  'marker=',
  'continuation-token=',
  'versionId=',
  'acl',
  '__proto__=1',
  'encoding-type=url',
  'x'.repeat(2000),
)
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)
const headers = fc.subarray([
  ['Range', 'bytes=0-1'],
  ['Range', 'bytes=99999999999999999999-'],
  ['If-Match', '"'],
  ['If-Modified-Since', 'never'],
  ['x-amz-expected-bucket-owner', '1'],
])

/** Signed by nobody in particular: the account takes any secret. */
function requestOf(method: string, of: string, more: readonly (readonly string[])[]) {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const amz = more.flatMap(([name = '']) => (name.startsWith('x-amz-') ? [`;${name}`] : []))
  const signed = `host;x-amz-date${amz.join('')}`
  const scope = `${ACCOUNT}/${date.slice(0, 8)}/eu-central-1/s3/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${signed}, Signature=${'0'.repeat(64)}`
  const fixed = ['Host', 'localhost', 'X-Amz-Date', date, 'Authorization', authorization]
  return wireRequest({ method, target: of, headers: [...fixed, ...more.flat()] })
}

test('whatever is asked of S3 is answered, never by a failure of ours', async () => {
  await using account = await TrailAccount.start()
  const body = await account.put(KEY, '{"Records":[]}')
  const { handler, log } = account.node
  const found = await handler(requestOf('GET', `/${BUCKET}/${KEY}`, []))
  assert.deepEqual([found.status, found.body], [200, body])
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'),
      target,
      headers,
      async (method, of, more) => {
        const { status } = await handler(requestOf(method, of, more))
        assert.ok(
          status === 501 || (status >= 200 && status < 500),
          `${status} for ${method} ${of}`,
        )
        // The trail has one object, and nothing else is ever given for one.
        if (method === 'GET' && status === 206) assert.ok(decodeURIComponent(of).includes(KEY))
        if (!['GET', 'HEAD'].includes(method)) assert.ok(status >= 400, `${status}`)
      },
    ),
    { numRuns: 1000 },
  )
  const still = await handler(requestOf('GET', `/${BUCKET}/${KEY}`, []))
  assert.deepEqual([still.status, still.body], [200, body])
  assert.deepEqual(log.lines, [])
})
