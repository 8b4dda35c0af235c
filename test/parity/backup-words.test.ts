import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as sdk from '@aws-sdk/client-kms'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema, urlWith } from '../support/postgres-stores.ts'
import {
  type Credentials,
  PROGRAM,
  runProgram,
  runStrongroom,
  ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

// The words of the README and of docs/operating/backup.md, typed as they stand there, with other places.

const REGION = 'eu-central-1'
const Plaintext = Buffer.from('what must come back')

/** The shell blocks below a heading of a page, as lines without comments. */
function wordsOf(path: string, heading: string): readonly string[] {
  const page = readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`))
  assert.ok(section, `${path} has ${heading}`)
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block)
  const lines = blocks.join('').split('\n')
  return lines.map((line) => line.replace(/\s+#.*$/, '')).filter((line) => line !== '')
}

/** A folder to type in, in which the places of the pages are others. */
class Desk {
  readonly folder = temporaryFolder()
  readonly #places: readonly (readonly [string, string])[]

  constructor(more: Readonly<Record<string, string>> = {}) {
    for (const name of ['backup', 'usb', 'bin']) mkdirSync(join(this.folder, name))
    const launcher = `#!/bin/sh\nexec '${PROGRAM}' "$@"\n`
    writeFileSync(join(this.folder, 'bin', 'strongroom'), launcher, { mode: 0o755 })
    this.#places = Object.entries({
      ...more,
      '/var/lib/strongroom': this.path('strongroom'),
      '/backup/': this.path('backup/'),
      '/media/': `${this.folder}/`,
    })
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Runs a line to its end, or starts the server that it starts. */
  async type(line: string): Promise<ServerProcess | undefined> {
    const typed = this.#places.reduce((text, [there, here]) => text.replaceAll(there, here), line)
    const [, flags] = /^(?:strongroom start|npm start --) (.*)$/.exec(typed) ?? []
    if (flags !== undefined) {
      const words = flags
        .replaceAll("'", '')
        .replace(/--port \d+/, '')
        .trim()
        .split(/\s+/)
      const inPlace = words.map((word) =>
        /^(?:restored|strongroom-data)/.test(word) ? this.path(word) : word,
      )
      // The last --data counts.
      return startServer({ dataFolder: this.path('none'), flags: inPlace })
    }
    const command = `cd '${this.folder}' && PATH='${this.path('bin')}':"$PATH" && ${typed}`
    const { exitCode, stdout, stderr } = await runProgram('/bin/sh', ['-c', command])
    assert.equal(exitCode, 0, `${typed}\n${stdout}${stderr}`)
    if (/ drill /.test(typed))
      assert.match(stdout, /^ {2}[1-9]\d* proved that they work\n[^]*^ {2}0 failed$/m)
    return undefined
  }
}

const clientOf = (endpoint: string, credentials: Credentials): sdk.KMSClient =>
  new sdk.KMSClient({ endpoint, region: REGION, credentials, maxAttempts: 1 })

interface Made {
  readonly keyId: string
  readonly ciphertext: Uint8Array
}

/** Keys of some kinds, and what one of them has encrypted. */
async function makeKeys(kms: sdk.KMSClient): Promise<Made> {
  const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
  const keyId = KeyMetadata?.KeyId ?? ''
  await kms.send(new sdk.CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }))
  await kms.send(new sdk.CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }))
  const encrypt = new sdk.EncryptCommand({ KeyId: keyId, Plaintext })
  const { CiphertextBlob } = await kms.send(encrypt)
  return { keyId, ciphertext: Uint8Array.from(CiphertextBlob ?? []) }
}

async function assertDecrypts(kms: sdk.KMSClient, { keyId, ciphertext }: Made): Promise<void> {
  const opened = await kms.send(new sdk.DecryptCommand({ CiphertextBlob: ciphertext }))
  assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext)
  assert.match(opened.KeyId ?? '', new RegExp(`${keyId}$`))
}

test('the words of the README back up, rehearse and restore', async () => {
  const desk = new Desk()
  await using server = await startServer({ dataFolder: desk.path('strongroom-data') })
  const made = await makeKeys(clientOf(server.endpoint, server.credentials))
  const words = wordsOf('README.md', 'Back it up, and try it out')
  assert.deepEqual(
    words.map((line) => line.split(' ')[1]),
    ['backup', 'drill', 'restore', 'start'],
  )
  let restored: ServerProcess | undefined
  for (const line of words) restored = await desk.type(line)
  await using other = restored
  assert.ok(other)
  // Both serve: the restored one in a folder of its own.
  await assertDecrypts(clientOf(other.endpoint, server.credentials), made)
})

describe('the words of docs/operating/backup.md', () => {
  const page = 'docs/operating/backup.md'

  test('for a store in the data folder', async () => {
    const desk = new Desk()
    const dataFolder = desk.path('strongroom')
    await using server = await startServer({ dataFolder })
    const made = await makeKeys(clientOf(server.endpoint, server.credentials))
    copyFileSync(join(dataFolder, 'root.key'), desk.path('usb/root.key'))
    const words = wordsOf(page, 'A store in the data folder')
    assert.equal(words.length, 4)
    let restored: ServerProcess | undefined
    for (const line of words) restored = await desk.type(line)
    await using other = restored
    assert.ok(other)
    await assertDecrypts(clientOf(other.endpoint, server.credentials), made)
  })

  test('for a store in PostgreSQL, while two nodes serve and the domain key is rotated', async () => {
    const database = await startPostgres()
    const schema = await openSchema(database, 'words')
    try {
      await schema.client.query('DROP SCHEMA IF EXISTS words_new CASCADE')
      const store = urlWith(database, { schema: 'words' })
      const next = urlWith(database, { schema: 'words_new' })
      const desk = new Desk({
        'postgres://strongroom_owner@new.example/kms': next,
        'postgres://strongroom@new.example/kms': next,
      })
      const flags = ['--store', store, '--keyfile', desk.path('usb/root.key')]
      await using first = await startServer({ dataFolder: desk.path('strongroom'), flags })
      await using second = await startServer({ dataFolder: desk.path('other'), flags })
      const { credentials } = first
      const kms = [
        clientOf(first.endpoint, credentials),
        clientOf(second.endpoint, credentials),
      ] as const
      const made = [await makeKeys(kms[0]), await makeKeys(kms[1])]
      const over = new AbortController()
      const load = kms.map(async (client) => {
        while (!over.signal.aborted) await client.send(new sdk.CreateKeyCommand({}))
      })
      const [backup = '', ...words] = wordsOf(page, 'A store in PostgreSQL')
      const [rotated] = await Promise.all([
        runStrongroom(['rotate-domain-key', '--data', second.dataFolder]),
        desk.type(backup),
      ])
      over.abort()
      await Promise.all(load)
      assert.equal(rotated.exitCode, 0, rotated.stderr)
      await first.stop()
      await second.stop()
      let restored: ServerProcess | undefined
      for (const line of words) restored = await desk.type(line)
      await using firstAgain = restored
      assert.ok(firstAgain)
      const others = ['--store', next, '--keyfile', desk.path('usb/root.key')]
      await using secondAgain = await startServer({ dataFolder: desk.path('other'), flags: others })
      for (const { endpoint } of [firstAgain, secondAgain]) {
        for (const each of made) await assertDecrypts(clientOf(endpoint, credentials), each)
      }
    } finally {
      await schema.close()
      await database.stop()
    }
  })

  test('for a root key in shares', async () => {
    const desk = new Desk()
    const data = ['--data', desk.path('strongroom')]
    const quorum = ['--seal', 'shares', '--shares', '5', '--threshold', '3', '--json']
    const init = await runStrongroom(['init', ...data, ...quorum])
    assert.equal(init.exitCode, 0, init.stderr)
    const [first = ''] = init.stdout.split('\n')
    const { shares }: { shares: string[] } = JSON.parse(first)
    for (const [at, keeper] of ['a', 'b', 'c'].entries()) {
      mkdirSync(desk.path(keeper))
      writeFileSync(desk.path(join(keeper, 'share')), shares[at + 1] ?? '')
    }
    await using server = new ServerProcess({ dataFolder: desk.path('strongroom') })
    await server.saysToOperator(/sealed: give shares/)
    for (const keeper of ['c', 'a', 'b']) {
      const file = desk.path(join(keeper, 'share'))
      const given = await runStrongroom(['unseal', ...data, '--share-file', file])
      assert.equal(given.exitCode, 0, given.stdout)
    }
    await server.ready()
    await makeKeys(clientOf(server.endpoint, server.credentials))
    const words = wordsOf(page, 'A root key in shares')
    assert.deepEqual(
      words.map((line) => line.split(' ')[1]),
      ['backup', 'drill', 'restore'],
    )
    for (const line of words) await desk.type(line)
  })
})
