import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import * as sdk from '@aws-sdk/client-kms'
import {
  type Finished,
  readCredentials,
  runStrongroom,
  ServerProcess,
  temporaryFolder,
} from '../support/server-process.ts'

const Plaintext = Buffer.from('behind three of five shares')
const POLL_MS = 20

describe('a store whose root key is in shares', () => {
  const data = join(temporaryFolder(), 'data')
  const files = temporaryFolder()
  let shares: string[] = []
  let ciphertext: Uint8Array | undefined

  /** The file of a share, by its number. */
  const fileOf = (number: number): string => join(files, `share-${number}`)
  const unseal = (number: number): Promise<Finished> =>
    runStrongroom(['unseal', '--data', data, '--share-file', fileOf(number)])

  /** Starts the node and waits until it says that it is sealed. */
  async function startSealed(): Promise<{ node: ServerProcess; endpoint: string }> {
    const node = new ServerProcess({ dataFolder: data })
    for (;;) {
      const line = /\{[^\n]*"sealed: [^\n]*\}/.exec(node.stderr)?.[0]
      if (line !== undefined) return { node, endpoint: JSON.parse(line).endpoint }
      assert.equal(node.hasExited, false, node.stderr)
      await delay(POLL_MS)
    }
  }

  const clientOf = (endpoint: string): sdk.KMSClient =>
    new sdk.KMSClient({
      endpoint,
      region: 'us-east-1',
      credentials: readCredentials(join(data, 'root-credentials')),
      maxAttempts: 1,
    })

  before(async () => {
    const flags = ['--seal', 'shares', '--shares', '5', '--threshold', '3', '--json']
    const made = await runStrongroom(['init', '--data', data, ...flags])
    assert.equal(made.exitCode, 0, made.stderr)
    const [first = ''] = made.stdout.split('\n')
    shares = JSON.parse(first).shares
    assert.equal(shares.length, 5)
    for (const [at, share] of shares.entries()) writeFileSync(fileOf(at + 1), `${share}\n`)
  })

  test('is served when enough shares were given, and says until then that it is sealed', async () => {
    const { node, endpoint } = await startSealed()
    await using _ = node
    const ready = await fetch(`${endpoint}/-/ready`)
    assert.equal(ready.status, 503)
    assert.deepEqual(await ready.json(), { status: 'sealed', given: 0, threshold: 3 })
    assert.equal((await fetch(`${endpoint}/-/health`)).status, 200)
    await assert.rejects(clientOf(endpoint).send(new sdk.ListKeysCommand({})), {
      name: 'ServiceUnavailableException',
    })
    const status = await runStrongroom(['status', '--data', data])
    assert.match(status.stderr, /the node is sealed: 0 of 3 shares have been given/)
    assert.equal((await unseal(4)).stdout, '1 of 3 shares have been given.\n')
    const twice = await unseal(4)
    assert.equal(twice.exitCode, 1)
    assert.match(twice.stdout, /^Not taken: this share has been given already/)
    assert.equal((await unseal(1)).stdout, '2 of 3 shares have been given.\n')
    assert.equal((await unseal(5)).stdout, 'The node is unsealed.\n')
    await node.ready()
    assert.equal(node.endpoint, endpoint)
    const kms = clientOf(endpoint)
    const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId ?? ''
    ciphertext = (await kms.send(new sdk.EncryptCommand({ KeyId, Plaintext }))).CiphertextBlob
    const again = await unseal(2)
    assert.match(again.stderr, /the node is not sealed/)
    const rotated = await runStrongroom(['rotate-root-key', '--data', data])
    assert.match(rotated.stderr, /stop the node/i)
  })

  test('opens in no other way, and a killed node is sealed again', async () => {
    const { node, endpoint } = await startSealed()
    await unseal(1)
    await unseal(2)
    await node.kill9()
    const next = await startSealed()
    await using _ = next.node
    const ready = await fetch(`${next.endpoint}/-/ready`)
    assert.deepEqual(await ready.json(), { status: 'sealed', given: 0, threshold: 3 })
    assert.notEqual(endpoint, '')
    const garbled = join(files, 'garbled')
    writeFileSync(garbled, `${shares[0]?.slice(0, -1)}~`)
    const refused = await runStrongroom(['unseal', '--data', data, '--share-file', garbled])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stdout, /^Not taken: that is no share of a root key/)
    for (const number of [3, 2, 5]) await unseal(number)
    await next.node.ready()
    const kms = clientOf(next.node.endpoint)
    const opened = await kms.send(new sdk.DecryptCommand({ CiphertextBlob: ciphertext }))
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext)
  })

  test('is backed up and rehearsed with shares, and gets new ones when the root key is rotated', async () => {
    const given = (...numbers: number[]) => numbers.flatMap((n) => ['--share-file', fileOf(n)])
    const backup = join(files, 'backup.srb')
    const made = await runStrongroom(['backup', backup, '--data', data, ...given(1, 2, 3)])
    assert.equal(made.exitCode, 0, made.stderr)
    const drilled = await runStrongroom(['drill', backup, '--data', data, ...given(2, 4, 5)])
    assert.match(drilled.stdout, /1 proved that they work/)
    const few = await runStrongroom(['drill', backup, '--data', data, ...given(2, 4)])
    assert.equal(few.exitCode, 2)
    assert.match(few.stderr, /share/)
    const rotate = ['rotate-root-key', '--data', data, '--json']
    const rotated = await runStrongroom([...rotate, ...given(1, 3, 5)])
    assert.equal(rotated.exitCode, 0, rotated.stderr)
    const [first = ''] = rotated.stdout.split('\n')
    const renewed: string[] = JSON.parse(first).shares
    assert.equal(renewed.length, 5)
    const old = await runStrongroom(['status', '--data', data, ...given(1, 2, 3)])
    assert.match(old.stderr, /the share is none of this root key/)
    for (const [at, share] of renewed.entries()) writeFileSync(fileOf(at + 1), share)
    const status = await runStrongroom(['status', '--data', data, ...given(1, 2, 3)])
    assert.equal(status.exitCode, 0, status.stderr)
  })
})
