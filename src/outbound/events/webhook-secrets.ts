import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** Source: Standard Webhooks specification, "Signature scheme": `whsec_` and base64 of 24 to 64 bytes. */
const PREFIX = 'whsec_'
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64
/** While one secret takes the place of another, both sign. */
const SECRETS_MAX = 4

function parseSecret(line: string): KeyObject | undefined {
  const text = line.startsWith(PREFIX) ? line.slice(PREFIX.length) : ''
  if (!BASE64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  const isSized = bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX
  const key = isSized ? createSecretKey(bytes) : undefined
  bytes.fill(0)
  return key
}

/** The secrets of a file, one a line; undefined where it holds anything else, or none. */
export function parseWebhookSecrets(text: string): readonly KeyObject[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  const keys = lines.map(parseSecret)
  const isWhole = keys.length > 0 && keys.length <= SECRETS_MAX
  return isWhole && keys.every((key) => key !== undefined) ? keys : undefined
}

export interface WebhookMessage {
  /** The same whenever this message is sent again. */
  readonly id: string
  /** When it is sent. Unit: seconds since the Unix epoch. */
  readonly timestamp: number
  readonly body: string
}

/**
 * The headers that say who sent a message and when. Source: Standard Webhooks specification: HMAC-SHA256 over
 * `id.timestamp.body`, one signature for each secret.
 */
export function webhookHeaders(
  { id, timestamp, body }: WebhookMessage,
  secrets: readonly KeyObject[],
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`)
    return `v1,${mac.digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}
