import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const clientOf = ({ endpoint, credentials }: ServerProcess): sdk.KMSClient =>
  new sdk.KMSClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })

const Plaintext = Buffer.from('what a backup must bring back')

describe('a backup', () => {
  let server: ServerProcess
  let kms: sdk.KMSClient
  let folder: string
  let backup: string
  let keyId = ''
  let ciphertext: Uint8Array | undefined

  before(async () => {
    server = await startServer()
    kms = clientOf(server)
    folder = temporaryFolder()
    backup = join(folder, 'store.srb')
    const made = await kms.send(new sdk.CreateKeyCommand({}))
    keyId = made.KeyMetadata?.KeyId ?? ''
    const encrypted = await kms.send(new sdk.EncryptCommand({ KeyId: keyId, Plaintext }))
    ciphertext = encrypted.CiphertextBlob
    await kms.send(new sdk.RotateKeyOnDemandCommand({ KeyId: keyId }))
    await kms.send(new sdk.CreateAliasCommand({ AliasName: 'alias/kept', TargetKeyId: keyId }))
    for (const [KeySpec, KeyUsage] of [
      ['HMAC_256', 'GENERATE_VERIFY_MAC'],
      ['ECC_NIST_P256', 'SIGN_VERIFY'],
      ['ECC_NIST_P384', 'KEY_AGREEMENT'],
      ['RSA_2048', 'ENCRYPT_DECRYPT'],
      ['ML_KEM_768', 'ENCAPSULATE_DECAPSULATE'],
    ] as const) {
      await kms.send(new sdk.CreateKeyCommand({ KeySpec, KeyUsage }))
    }
    await kms.send(new sdk.CreateKeyCommand({ Origin: 'EXTERNAL' }))
  })
  after(() => server.stop())

  const run = (...args: string[]) => runStrongroom(args)
  const keyfileOf = (): string => join(server.dataFolder, 'root.key')

  test('is made while the node serves, and holds what was committed before it', async () => {
    const stop = new AbortController()
    const others = (async () => {
      while (!stop.signal.aborted) await kms.send(new sdk.CreateKeyCommand({}))
    })()
    const done = await run('backup', backup, '--data', server.dataFolder, '--json')
    stop.abort()
    await others
    assert.equal(done.exitCode, 0, done.stderr)
    const summary = JSON.parse(done.stdout)
    assert.equal(summary.path, backup)
    assert.ok(summary.rows > 10 && summary.canaries >= 2)
    assert.equal(readFileSync(backup).length, summary.sizeBytes)
    assert.deepEqual(readdirSync(folder), ['store.srb'])
    const refused = await run('backup', backup, '--data', server.dataFolder)
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /exists already/)
    assert.equal(readFileSync(backup).length, summary.sizeBytes)
  })

  test('writes to no file that is there already, nor through a link', async () => {
    const other = join(folder, 'other')
    const file = join(folder, 'linked.srb')
    writeFileSync(other, 'of somebody else')
    symlinkSync(other, `${file}.partial`)
    const refused = await run('backup', file, '--data', server.dataFolder)
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /linked\.srb\.partial exists already/)
    assert.equal(readFileSync(other, 'utf8'), 'of somebody else')
    assert.deepEqual(readdirSync(folder).sort(), ['linked.srb.partial', 'other', 'store.srb'])
    for (const name of [other, `${file}.partial`]) rmSync(name)
  })

  test('shows nothing of what it holds', () => {
    const text = readFileSync(backup, 'latin1')
    for (const secret of ['alias/kept', keyId, 'kms:*']) assert.ok(!text.includes(secret), secret)
  })

  test('is put back with its key file, and ciphertexts of before open', async () => {
    const restored = join(folder, 'restored')
    const done = await run('restore', backup, '--data', restored, '--keyfile', keyfileOf())
    assert.equal(done.exitCode, 0, done.stderr)
    assert.match(done.stdout, /^Restored \d+ records and \d+ keys of /)
    assert.deepEqual(readdirSync(restored).sort(), ['lock', 'strongroom.db'])
    copyFileSync(server.credentialsFile, join(restored, 'root-credentials'))
    await using other = await startServer({
      dataFolder: restored,
      flags: ['--keyfile', keyfileOf()],
    })
    const later = clientOf(other)
    const opened = await later.send(new sdk.DecryptCommand({ CiphertextBlob: ciphertext }))
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext)
    const described = await later.send(new sdk.DescribeKeyCommand({ KeyId: 'alias/kept' }))
    assert.equal(described.KeyMetadata?.KeyId, keyId)
    const again = await run('restore', backup, '--data', restored, '--keyfile', keyfileOf())
    assert.equal(again.exitCode, 1)
    assert.match(again.stderr, /there is a store at/)
  })

  test('is not put back where another store has left its log, which SQLite would write into it', async () => {
    const damaged = join(folder, 'damaged')
    mkdirSync(damaged)
    const log = join(damaged, 'strongroom.db-wal')
    writeFileSync(log, 'of the store that was moved away')
    const restore = ['restore', backup, '--data', damaged, '--keyfile', keyfileOf()]
    const refused = await run(...restore)
    assert.equal(refused.exitCode, 1)
    assert.match(
      refused.stderr,
      /strongroom\.db-wal has the last changes of a store that was there/,
    )
    assert.deepEqual(readdirSync(damaged), ['strongroom.db-wal'])
    rmSync(log)
    const done = await run(...restore)
    assert.equal(done.exitCode, 0, done.stderr)
  })

  test('proves in a drill that every key works', async () => {
    const scratch = temporaryFolder()
    const drill = ['drill', backup, '--data', folder, '--scratch', scratch]
    const done = await run(...drill, '--keyfile', keyfileOf(), '--json')
    assert.equal(done.exitCode, 0, done.stdout + done.stderr)
    const report = JSON.parse(done.stdout)
    assert.equal(report.failed, 0)
    assert.equal(report.withoutMaterial, 1)
    assert.equal(report.proved, report.keys - 1)
    assert.ok(report.keys >= 7)
    assert.match(report.absences[0].why, /imported material is not in the store/)
    assert.deepEqual(readdirSync(scratch), [])
  })

  test('does not open with the key file of another store', async () => {
    await using stranger = await startServer()
    const target = join(folder, 'stranger')
    const keyfile = join(stranger.dataFolder, 'root.key')
    for (const command of ['restore', 'drill']) {
      const done = await run(command, backup, '--data', target, '--keyfile', keyfile)
      assert.equal(done.exitCode, 1)
      assert.match(done.stderr, /key file/)
      assert.equal(existsSync(target), false)
    }
  })

  test('is refused where a byte was altered, and nothing is left of the attempt', async () => {
    const bytes = readFileSync(backup)
    const altered = join(folder, 'altered.srb')
    const target = join(folder, 'from-altered')
    const places = [0, 8, 12, 40, Math.floor(bytes.length / 2), bytes.length - 17, bytes.length - 1]
    for (const place of places) {
      const copy = Buffer.from(bytes)
      copy[place] = (copy[place] ?? 0) ^ 1
      writeFileSync(altered, copy)
      const done = await run('restore', altered, '--data', target, '--keyfile', keyfileOf())
      assert.equal(done.exitCode, 1, `byte ${place}`)
      assert.match(done.stderr, /damaged|no backup|altered|custody|sealed/, `byte ${place}`)
      const left = existsSync(target) ? readdirSync(target) : []
      assert.deepEqual(
        left.filter((name) => name.startsWith('strongroom.db')),
        [],
        `byte ${place}`,
      )
    }
    for (const length of [0, 5, 30, bytes.length - 1, bytes.length - 20]) {
      writeFileSync(altered, bytes.subarray(0, length))
      const done = await run('restore', altered, '--data', target, '--keyfile', keyfileOf())
      assert.equal(done.exitCode, 1, `cut to ${length}`)
    }
    writeFileSync(altered, Buffer.concat([bytes, Buffer.from('x')]))
    const longer = await run('restore', altered, '--data', target, '--keyfile', keyfileOf())
    assert.match(longer.stderr, /damaged/)
  })

  test('of a stopped node is the same', async () => {
    await using one = await startServer({ dataFolder: join(folder, 'stopped') })
    await clientOf(one).send(new sdk.CreateKeyCommand({}))
    await one.stop()
    const file = join(folder, 'stopped.srb')
    const made = await run('backup', file, '--data', one.dataFolder)
    assert.equal(made.exitCode, 0, made.stderr)
    const drilled = await run('drill', file, '--data', one.dataFolder)
    assert.equal(drilled.exitCode, 0, drilled.stdout + drilled.stderr)
    assert.match(drilled.stdout, /1 proved that they work/)
  })
})
