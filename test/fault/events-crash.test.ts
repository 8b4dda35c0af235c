import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateKeyCommand, KMSClient, RotateKeyOnDemandCommand } from '@aws-sdk/client-kms'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import { type Received, WEBHOOK_SECRET, WebhookReceiver } from '../support/webhook-receiver.ts'

const WAIT_MS = 60_000

/** The members of an event that the test looks at. */
interface Told {
  readonly id: string
  readonly 'detail-type': string
  readonly resources: readonly string[]
  readonly detail: { readonly 'key-id': string }
}

const parse = (text: string): Told => JSON.parse(text) as Told
const isRotation = (told: Told): boolean => told['detail-type'] === 'KMS CMK Rotation'

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `in time: ${what}`)
    await delay(20)
  }
}

const clientOf = (server: ServerProcess): KMSClient =>
  new KMSClient({
    endpoint: server.endpoint,
    region: 'eu-central-1',
    credentials: server.credentials,
    maxAttempts: 1,
  })

async function makeKeys(kms: KMSClient, count: number): Promise<readonly string[]> {
  const keys: string[] = []
  for (let at = 0; at < count; at++) {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
    keys.push(KeyMetadata?.KeyId ?? '')
  }
  return keys
}

/** Ids of a key's rotations by when they first came. */
const firstIds = (received: readonly Received[], key: string): readonly string[] => [
  ...new Set(
    received
      .map(({ body }) => parse(body))
      .filter((told) => isRotation(told) && told.detail['key-id'] === key)
      .map(({ id }) => id),
  ),
]

describe('events', () => {
  test('reach a receiver that is lost, and again there, across kill -9, each key in its order', async () => {
    const dataFolder = temporaryFolder()
    const outside = temporaryFolder()
    const [secretFile, eventFile] = [join(outside, 'secret'), join(outside, 'events')]
    writeFileSync(secretFile, `${WEBHOOK_SECRET}\n`)
    await using receiver = await new WebhookReceiver().listen()
    const { port, url } = receiver
    const flags = ['--events-to', `webhook:${url}`, '--events-to', `file:${eventFile}`]
    const start = () =>
      startServer({
        dataFolder,
        flags: [...flags, '--events-secret-file', secretFile],
      })
    let [seen, rotations] = [0, 0]
    // Some of the first requests fail; later ones do not, so that the test does not wait for long.
    receiver.answer = () => {
      seen += 1
      return seen < 8 && seen % 3 === 0 ? 500 : 204
    }
    const server = await start()
    const kms = clientOf(server)
    const keys = await makeKeys(kms, 2)
    const rotateAll = async (client: KMSClient): Promise<void> => {
      for (const KeyId of keys) await client.send(new RotateKeyOnDemandCommand({ KeyId }))
      rotations += 1
    }
    for (let at = 0; at < 3; at++) await rotateAll(kms)
    await until('some are taken', () => receiver.accepted.length > 0)
    await receiver.close()
    await rotateAll(kms)
    kms.destroy()
    await server.kill9()

    await using second = await start()
    const again = clientOf(second)
    await rotateAll(again)
    again.destroy()
    await second.kill9()

    await receiver.listen(port)
    await using third = await start()
    await until('all have come', () =>
      keys.every((key) => firstIds(receiver.accepted, key).length === rotations),
    )
    assert.ok(receiver.received.every(({ signed }) => signed))
    const inFile = readFileSync(eventFile, 'utf8').trimEnd().split('\n').map(parse)
    for (const key of keys) {
      // The file has the order of the log.
      const inLog = inFile.filter((told) => isRotation(told) && told.detail['key-id'] === key)
      assert.deepEqual(firstIds(receiver.accepted, key), [...new Set(inLog.map(({ id }) => id))])
    }
    await assertStatus(dataFolder, receiver)
    await third.stop()
  })

  test('leave nothing behind where nobody wants them', async () => {
    await using server = await startServer()
    const kms = clientOf(server)
    const [KeyId] = await makeKeys(kms, 1)
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
    kms.destroy()
    const status = await runStrongroom(['events', 'status', '--json', '--data', server.dataFolder])
    assert.deepEqual(JSON.parse(status.stdout), [])
    await server.stop()
  })

  test('are not sent where they could be read, or unsigned', async () => {
    const folder = temporaryFolder()
    const refused = async (...flags: string[]): Promise<string> => {
      const run = await runStrongroom(['start', '--port', '0', '--data', folder, ...flags])
      assert.equal(run.exitCode, 1)
      return run.stderr
    }
    const plain = await refused('--events-to', 'webhook:http://192.0.2.1/hook')
    assert.match(plain, /in plain HTTP/)
    const unsigned = await refused('--events-to', 'webhook:https://192.0.2.1/hook')
    assert.match(unsigned, /there is no secret for it/)
    const twice = await refused('--events-to', 'stdout', '--events-to', 'stdout')
    assert.match(twice, /names the same sink twice/)
  })
})

async function assertStatus(dataFolder: string, receiver: WebhookReceiver): Promise<void> {
  const run = await runStrongroom(['events', 'status', '--json', '--data', dataFolder])
  const sinks = JSON.parse(run.stdout) as {
    readonly sink: string
    readonly deadLetters: number
    readonly state: string
  }[]
  assert.deepEqual(
    sinks.map(({ sink, deadLetters }) => [sink.split(':', 1)[0], deadLetters]),
    [
      ['file', 0],
      ['webhook', 0],
    ],
  )
  assert.equal(sinks[1]?.sink, `webhook:${receiver.url}`)
}
