import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Mishap, S3_CREDENTIALS, S3StandIn } from '../../../test/support/s3-stand-in.ts'
import { DependencyError } from '../../core/errors.ts'
import { instant, type Region } from '../../core/ids.ts'
import { S3Destination, type S3DestinationOptions } from './s3-destination.ts'

const NEVER = new AbortController().signal
const ACCOUNT = '111122223333'
const KEY = `AWSLogs/${ACCOUNT}/CloudTrail-Digest/eu-central-1/2026/03/01/x_20260301T110000Z.json.gz`
const DIGEST = {
  key: KEY,
  body: Buffer.from('a digest'),
  metadata: { signature: 'ab12', 'signature-algorithm': 'SHA256withRSA' },
  modifiedAt: instant(0),
}

const destinationAt = (store: S3StandIn, more: Partial<S3DestinationOptions> = {}): S3Destination =>
  new S3Destination({
    name: 's3',
    endpoint: new URL(store.url),
    // A Region of AWS's.
    region: 'eu-central-1' as Region,
    bucket: 'copies',
    prefix: 'strongroom/audit',
    credentials: () => S3_CREDENTIALS,
    machine: { now: () => instant(Date.parse('2026-03-01T12:00:00Z')) },
    timeoutMs: 2000,
    ...more,
  })

const failing = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DependencyError)
  assert.match(error.message, message)
  return true
}

describe('a store that speaks the protocol of S3', () => {
  test('has a digest with its signature, in its metadata and beside it', async () => {
    await using store = await new S3StandIn().listen()
    const destination = destinationAt(store)
    await destination.put(ACCOUNT, DIGEST, NEVER)
    await destination.put(ACCOUNT, DIGEST, NEVER)
    destination.close()
    const path = `/copies/strongroom/audit/strongroom-audit-${ACCOUNT}/${KEY}`
    assert.deepEqual(store.puts, [`${path}.sig`, path, `${path}.sig`, path])
    assert.deepEqual(store.objects.get(path), {
      body: DIGEST.body,
      metadata: {
        'x-amz-meta-signature': 'ab12',
        'x-amz-meta-signature-algorithm': 'SHA256withRSA',
      },
    })
    assert.equal(String(store.objects.get(`${path}.sig`)?.body), 'ab12\n')
  })

  test('has buckets of the names in the digests where no other was named', async () => {
    await using store = await new S3StandIn().listen()
    const destination = destinationAt(store, { bucket: undefined, prefix: '' })
    await destination.put(ACCOUNT, { ...DIGEST, metadata: {} }, NEVER)
    destination.close()
    assert.deepEqual(store.puts, [`/strongroom-audit-${ACCOUNT}/${KEY}`])
  })

  for (const [what, mishap, message] of [
    ['is busy', 503, /^it answered 503 SlowDown$/],
    ['points elsewhere', 301, /^it answered 301/],
    ['has stored something else', 'alters', /^what was put is not what is there$/],
    ['never answers', 'hangs', /^it did not answer in time$/],
  ] as const satisfies readonly (readonly [string, Mishap, RegExp])[]) {
    test(`that ${what} has not taken it`, async () => {
      await using store = await new S3StandIn().listen()
      store.mishap = (method) => (method === 'PUT' ? mishap : undefined)
      const destination = destinationAt(store, { timeoutMs: 200 })
      await assert.rejects(destination.put(ACCOUNT, DIGEST, NEVER), failing(message))
      destination.close()
    })
  }

  test('believes nobody with another secret; the next request has the new one', async () => {
    await using store = await new S3StandIn().listen()
    let credentials = { ...S3_CREDENTIALS, secretAccessKey: 'stale' }
    const destination = destinationAt(store, { credentials: () => credentials })
    const put = (): Promise<void> => destination.put(ACCOUNT, DIGEST, NEVER)
    await assert.rejects(put(), failing(/^it answered 403 SignatureDoesNotMatch$/))
    credentials = S3_CREDENTIALS
    await put()
    destination.close()
  })
})
