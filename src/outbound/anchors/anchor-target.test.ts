import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  CreateKeyCommand,
  DisableKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { isCountersigned } from '../../../examples/verify-anchor.ts'
import { startMemoryNode } from '../../../test/support/memory-node.ts'
import { WebhookReceiver } from '../../../test/support/webhook-receiver.ts'
import { DependencyError } from '../../core/errors.ts'
import { instant, type Region } from '../../core/ids.ts'
import { fileTarget, webhookTarget } from './anchor-target.ts'
import { KmsTarget } from './kms-target.ts'

const NEVER = new AbortController().signal
const LINE = '{"time":"2026-03-01T10:00:00.000Z","signature":"ab"}'

const failing = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DependencyError)
  assert.match(error.message, message)
  return true
}

describe('places that anchors are kept at', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anchors-'))
  after(() => rmSync(folder, { recursive: true }))

  test('a file has one a line, and loses what a crash cut off', async () => {
    const path = join(folder, 'anchors.jsonl')
    writeFileSync(path, `${LINE}\n{"time":`)
    const target = fileTarget('file', path)
    await target.put(LINE, NEVER)
    await target.put(LINE, NEVER)
    await target.close()
    assert.equal(readFileSync(path, 'utf8'), `${LINE}\n${LINE}\n${LINE}\n`)
    const nowhere = fileTarget('file', join(folder, 'missing', 'file'))
    await assert.rejects(nowhere.put(LINE, NEVER), failing(/^the file cannot be written: ENOENT$/))
  })

  test('a webhook is told, and must say that it has heard', async () => {
    await using receiver = await new WebhookReceiver().listen()
    const target = webhookTarget('webhook', new URL(receiver.url))
    await target.put(LINE, NEVER)
    assert.equal(receiver.accepted[0]?.body, LINE)
    receiver.answer = () => 302
    await assert.rejects(target.put(LINE, NEVER), failing(/^it answered 302$/))
    await target.close()
  })

  test('another Strongroom signs, and has a record of it', async () => {
    const other = await startMemoryNode()
    const credentials = { accessKeyId: '111122223333', secretAccessKey: 'any' }
    const region = 'eu-central-1'
    const kms = new KMSClient({ endpoint: other.endpoint, region, credentials })
    const made = await kms.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    )
    const keyArn = made.KeyMetadata?.Arn ?? ''
    const path = join(folder, 'countersigned.jsonl')
    const target = new KmsTarget({
      name: 'strongroom',
      endpoint: new URL(other.endpoint),
      // A Region of AWS's.
      region: region as Region,
      keyArn,
      signingAlgorithm: 'ECDSA_SHA_256',
      credentials: () => credentials,
      machine: { now: () => instant(Date.now()) },
      kept: fileTarget('file', path),
    })
    await target.put(LINE, NEVER)
    const kept = readFileSync(path, 'utf8').trimEnd()
    const { PublicKey = new Uint8Array() } = await kms.send(
      new GetPublicKeyCommand({ KeyId: keyArn }),
    )
    const body = Buffer.from(PublicKey).toString('base64')
    const pem = `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`
    assert.ok(isCountersigned(kept, pem))
    assert.ok(!isCountersigned(kept.replace('10:00', '11:00'), pem))
    const requestId = /"requestId":"([^"]+)"/.exec(kept)?.[1] ?? ''
    assert.equal(other.sink.record(requestId)['eventName'], 'Sign')

    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    await assert.rejects(target.put(LINE, NEVER), failing(/^it answered 400 DisabledException$/))
    assert.equal(readFileSync(path, 'utf8').trimEnd(), kept)
    kms.destroy()
    await target.close()
    await other.close()
  })
})
