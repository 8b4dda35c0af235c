import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseWebhookSecrets, webhookHeaders } from './webhook-secrets.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe('signatures of webhooks', () => {
  test('are those of the Standard Webhooks libraries', () => {
    // Source: standard-webhooks/standard-webhooks, libraries, the test of `sign`.
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1_614_265_330,
      body: '{"test": 2432232314}',
    }
    assert.deepEqual(webhookHeaders(message, parseWebhookSecrets(`${SECRET}\n`) ?? []), {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('come once for each secret', () => {
    const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const secrets = parseWebhookSecrets(`${SECRET}\r\n${other}\n`) ?? []
    const headers = webhookHeaders({ id: 'a', timestamp: 1, body: '' }, secrets)
    assert.match(headers['webhook-signature'] ?? '', /^v1,[\w+/]{43}= v1,[\w+/]{43}=$/)
  })

  for (const [what, text] of [
    ['nothing', '\n'],
    ['no prefix', Buffer.alloc(32).toString('base64')],
    ['what is no base64', 'whsec_####'],
    ['a short secret', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['a long secret', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['a good and a bad line', `${SECRET}\nsecret`],
    ['too many', `${SECRET}\n`.repeat(5)],
  ] as const) {
    test(`a file with ${what} is refused`, () => {
      assert.equal(parseWebhookSecrets(text), undefined)
    })
  }
})
