import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { describe, test } from 'node:test'
import { WEBHOOK_SECRET, WebhookReceiver } from '../../../test/support/webhook-receiver.ts'
import { DependencyError } from '../../core/errors.ts'
import { instant } from '../../core/ids.ts'
import { createRandom } from '../../crypto/random.ts'
import { createAuthority, issueServerCertificate } from '../../server/tls/tls-authority.ts'
import type { BridgeEvent } from './bridge-event.ts'
import { SinkGone } from './event-sink.ts'
import { parseWebhookSecrets } from './webhook-secrets.ts'
import { WebhookSink } from './webhook-sink.ts'

const EVENT: BridgeEvent = {
  id: '00000000-0000-8000-8000-000000000000',
  detailType: 'KMS CMK Rotation',
  orderKey: 'a key',
  position: '0000000000000001-0',
  text: '{"version":"0","detail":{"key-id":"ä"}}',
}
const NEVER = new AbortController().signal

const sinkTo = (url: string, timeoutMs = 5000): WebhookSink =>
  new WebhookSink({
    name: 'webhook',
    url: new URL(url),
    secrets: parseWebhookSecrets(WEBHOOK_SECRET) ?? [],
    machine: { now: () => instant(Date.now()) },
    timeoutMs,
  })

const failing = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DependencyError)
  assert.match(error.message, message)
  return true
}

describe('a webhook', () => {
  test('is given the event as JSON, signed', async () => {
    await using receiver = await new WebhookReceiver().listen()
    const sink = sinkTo(receiver.url)
    await sink.deliver([EVENT], NEVER)
    await sink.close()
    assert.deepEqual(receiver.accepted, [{ id: EVENT.id, body: EVENT.text, signed: true }])
  })

  for (const status of [400, 404, 429, 500, 503]) {
    test(`has not accepted with ${status}`, async () => {
      await using receiver = await new WebhookReceiver().listen()
      receiver.answer = () => status
      const sink = sinkTo(receiver.url)
      await assert.rejects(sink.deliver([EVENT], NEVER), failing(RegExp(`answered ${status}`)))
      await sink.close()
    })
  }

  test('is not followed where it points elsewhere', async () => {
    await using elsewhere = await new WebhookReceiver().listen()
    await using receiver = await new WebhookReceiver().listen()
    receiver.answer = () => ({ status: 307, headers: { location: elsewhere.url } })
    const sink = sinkTo(receiver.url)
    await assert.rejects(sink.deliver([EVENT], NEVER), failing(/answered 307/))
    await sink.close()
    assert.deepEqual(elsewhere.received, [])
  })

  test('wants no more with 410', async () => {
    await using receiver = await new WebhookReceiver().listen()
    receiver.answer = () => 410
    const sink = sinkTo(receiver.url)
    await assert.rejects(sink.deliver([EVENT], NEVER), SinkGone)
    await sink.close()
  })

  test('has its time to answer, and no more', async () => {
    await using receiver = await new WebhookReceiver().listen()
    receiver.answer = () => new Promise(() => undefined)
    const sink = sinkTo(receiver.url, 50)
    await assert.rejects(sink.deliver([EVENT], NEVER), failing(/did not answer in time/))
    await sink.close()
  })

  test('that is not there is told by its system error alone', async () => {
    const receiver = await new WebhookReceiver().listen()
    const { url } = receiver
    await receiver.close()
    const sink = sinkTo(url)
    await assert.rejects(sink.deliver([EVENT], NEVER), failing(/^no connection: ECONNREFUSED$/))
    await sink.close()
  })

  test('whose certificate nobody vouches for is not trusted', async () => {
    const now = instant(Date.now())
    const random = createRandom()
    const authority = await createAuthority({ now, random })
    const own = await issueServerCertificate(authority, { now, random, hosts: [] })
    const key = Buffer.from(own.privateKeyPem.expose())
    const server = createServer({ cert: own.certificatePem, key }, (_request, response) => {
      response.writeHead(204).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const sink = sinkTo(`https://127.0.0.1:${address.port}/`)
    await assert.rejects(
      sink.deliver([EVENT], NEVER),
      failing(/^no connection: (UNABLE|SELF_SIGNED|DEPTH)/),
    )
    await sink.close()
    server.close()
  })
})
