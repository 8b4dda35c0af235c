import assert from 'node:assert/strict'
import { createHash, hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  type Finished,
  runProgram,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const MIB = 2 ** 20
const CHUNK_BYTES = 65_536
const SEALED_CHUNK_BYTES = CHUNK_BYTES + 16
const REGION = 'eu-central-1'
const CONTEXT = ['--context', 'app:tenant=blue', '--context', 'app:purpose=backup']

/** A server that outlives its processes, a key in it, and the files of one suite. */
class Workbench {
  readonly #dataFolder = temporaryFolder()
  readonly folder = temporaryFolder()
  #server: ServerProcess | undefined
  #keys: string[] = []

  get keyArn(): string {
    return this.#keys[0] ?? ''
  }

  get otherKeyArn(): string {
    return this.#keys[1] ?? ''
  }

  async open(): Promise<void> {
    const server = await this.#start()
    const kms = new KMSClient({
      endpoint: server.endpoint,
      region: REGION,
      credentials: server.credentials,
    })
    for (const Description of ['files', 'others']) {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description }))
      this.#keys.push(KeyMetadata?.Arn ?? '')
    }
    kms.destroy()
  }

  async restart(): Promise<void> {
    await this.#server?.stop()
    await this.#start()
  }

  async close(): Promise<void> {
    await this.#server?.kill9()
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Random bytes: a file with this name and its SHA-256. */
  async makeFile(name: string, sizeBytes: number): Promise<string> {
    const bytes = randomBytes(sizeBytes)
    await writeFile(this.path(name), bytes)
    return hash('sha256', bytes)
  }

  /** Runs an example as a person would: everything about KMS comes from the environment. */
  run(example: string, ...args: string[]): Promise<Finished> {
    const server = this.#server
    assert.ok(server)
    const program = fileURLToPath(new URL(`../../examples/${example}.ts`, import.meta.url))
    const paths = args.map((arg) => (arg.startsWith('file:') ? this.path(arg.slice(5)) : arg))
    return runProgram(process.execPath, [program, ...paths], {
      env: {
        AWS_ENDPOINT_URL: server.endpoint,
        AWS_REGION: REGION,
        AWS_SHARED_CREDENTIALS_FILE: server.credentialsFile,
      },
    })
  }

  async succeeds(example: string, ...args: string[]): Promise<void> {
    const { exitCode, stderr } = await this.run(example, ...args)
    assert.equal(exitCode, 0, stderr)
  }

  /** Exit code 1, a sentence that says why, and not a byte left behind. */
  async refuses(reason: RegExp, example: string, ...args: string[]): Promise<void> {
    const files = await readdir(this.folder)
    const { exitCode, stderr } = await this.run(example, ...args)
    assert.equal(exitCode, 1, stderr)
    assert.match(stderr, reason)
    assert.doesNotMatch(stderr, /^\s+at /m, 'a sentence, no stack')
    assert.deepEqual(await readdir(this.folder), files, 'no output, not even in part')
  }

  async #start(): Promise<ServerProcess> {
    const options = { dataFolder: this.#dataFolder, flags: ['--region', REGION] }
    this.#server = await startServer(options)
    return this.#server
  }
}

async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path)) digest.update(chunk)
  return digest.digest('hex')
}

/** Copies a file with one bit flipped; a negative position counts from the end. */
async function flipBit(source: string, target: string, at: number): Promise<void> {
  const bytes = await readFile(source)
  const position = at < 0 ? bytes.length + at : at
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position)
  await writeFile(target, bytes)
}

describe('examples/envelope-encrypt.ts', () => {
  const bench = new Workbench()
  const example = 'envelope-encrypt'
  before(() => bench.open())
  after(() => bench.close())

  for (const sizeBytes of [0, 1, CHUNK_BYTES, MIB + 7, 64 * MIB]) {
    test(`a file of ${sizeBytes} bytes comes back as it was`, async () => {
      const [plain, sealed, opened] = [`${sizeBytes}`, `${sizeBytes}.sealed`, `${sizeBytes}.opened`]
      const digest = await bench.makeFile(plain, sizeBytes)
      const files = (a: string, b: string): string[] => [`file:${a}`, `file:${b}`]
      const key = ['--key', bench.keyArn]
      await bench.succeeds(example, 'encrypt', ...key, ...CONTEXT, ...files(plain, sealed))
      await bench.succeeds(example, 'decrypt', ...CONTEXT, ...files(sealed, opened))
      assert.equal(await sha256Of(bench.path(opened)), digest)
      assert.notEqual(await sha256Of(bench.path(sealed)), digest)
      assert.equal((await stat(bench.path(opened))).mode & 0o777, 0o600)
    })
  }

  describe('of a file of three chunks', () => {
    let headerBytes = 0
    before(async () => {
      await bench.makeFile('three', 3 * CHUNK_BYTES)
      const files = ['file:three', 'file:three.sealed']
      await bench.succeeds(example, 'encrypt', '-k', bench.keyArn, ...CONTEXT, ...files)
      headerBytes = (await stat(bench.path('three.sealed'))).size - 3 * SEALED_CHUNK_BYTES
    })
    const decrypt = ['decrypt', ...CONTEXT]

    test('the header names the data key, encrypted', async () => {
      const sealed = await readFile(bench.path('three.sealed'))
      assert.equal(sealed.toString('latin1', 0, 8), 'ENVELOP1')
      assert.equal(sealed.readUInt16BE(8), headerBytes - 10)
      assert.match(sealed.toString('base64', 10, headerBytes), /^AQIC/)
    })

    test('another encryption context is refused', async () => {
      const files = ['file:three.sealed', 'file:never']
      const wrong = [[], CONTEXT.slice(2), [...CONTEXT, '-c', 'more=1'], ['-c', 'app:tenant=red']]
      for (const context of wrong)
        await bench.refuses(/encryption context/, example, 'decrypt', ...context, ...files)
    })

    test('another key than the expected one is refused', async () => {
      const files = ['file:three.sealed', 'file:never']
      const key = ['--key', bench.otherKeyArn]
      await bench.refuses(/IncorrectKeyException/, example, ...decrypt, ...key, ...files)
    })

    test('a flipped bit anywhere is refused', async () => {
      const places: [number, RegExp][] = [
        [0, /not encrypted with this program/],
        [9, /header|data key/],
        // The key id: KMS does not tell an unknown key from one of somebody else.
        [10 + 5, /data key|AccessDeniedException/],
        [headerBytes - 1, /data key/],
        [headerBytes, /changed or cut off/],
        [headerBytes + SEALED_CHUNK_BYTES - 1, /changed or cut off/],
        [-1, /changed or cut off/],
      ]
      for (const [at, reason] of places) {
        await flipBit(bench.path('three.sealed'), bench.path('flipped'), at)
        await bench.refuses(reason, example, ...decrypt, 'file:flipped', 'file:never')
      }
    })

    test('a file that was cut off is refused, between two chunks as well', async () => {
      const kept = [5, headerBytes - 1, headerBytes, headerBytes + 8]
      const chunks = [1, 2].map((count) => headerBytes + count * SEALED_CHUNK_BYTES)
      for (const sizeBytes of [...kept, ...chunks, headerBytes + 3 * SEALED_CHUNK_BYTES - 1]) {
        await writeFile(bench.path('cut'), await readFile(bench.path('three.sealed')))
        await truncate(bench.path('cut'), sizeBytes)
        const reason = /cut off|header|not encrypted with this program/
        await bench.refuses(reason, example, ...decrypt, 'file:cut', 'file:never')
      }
    })

    test('chunks that were swapped, repeated or added are refused', async () => {
      const sealed = await readFile(bench.path('three.sealed'))
      const header = sealed.subarray(0, headerBytes)
      const [a, b, c] = [0, 1, 2].map((number) => {
        const start = headerBytes + number * SEALED_CHUNK_BYTES
        return sealed.subarray(start, start + SEALED_CHUNK_BYTES)
      })
      assert.ok(a && b && c)
      for (const chunks of [[b, a, c], [a, a, c], [a, b, b, c], [a, b, c, c], [c]]) {
        await writeFile(bench.path('mixed'), Buffer.concat([header, ...chunks]))
        await bench.refuses(/changed/, example, ...decrypt, 'file:mixed', 'file:never')
      }
    })

    test('it decrypts after the server was restarted', async () => {
      await bench.restart()
      await bench.succeeds(example, ...decrypt, 'file:three.sealed', 'file:three.restarted')
      assert.equal(
        await sha256Of(bench.path('three.restarted')),
        await sha256Of(bench.path('three')),
      )
    })
  })

  test('what KMS refuses, and a file that is not there, is said in one sentence', async () => {
    await bench.makeFile('small', 10)
    const unknown = ['--key', 'alias/unknown', 'file:small', 'file:never']
    await bench.refuses(/NotFoundException/, example, 'encrypt', ...unknown)
    const absent = ['--key', bench.keyArn, 'file:absent', 'file:never']
    await bench.refuses(/ENOENT/, example, 'encrypt', ...absent)
  })

  test('a wrong command line is answered with the usage and exit code 2', async () => {
    const wrong = [
      [],
      ['seal', 'a', 'b'],
      ['encrypt', 'a', 'b'],
      ['decrypt', 'a'],
      ['decrypt', '-x'],
    ]
    for (const args of [...wrong, ['decrypt', '-c', 'novalue', 'a', 'b']]) {
      const { exitCode, stderr } = await bench.run(example, ...args)
      assert.equal(exitCode, 2, stderr)
      assert.match(stderr, /^error: .*\n\nUsage: /)
    }
    const help = await bench.run(example, '--help')
    assert.equal(help.exitCode, 0)
    assert.match(help.stdout, /^Usage: /)
  })
})

describe('examples/encryption-sdk.ts, with the AWS Encryption SDK', () => {
  const bench = new Workbench()
  const example = 'encryption-sdk'
  before(() => bench.open())
  after(() => bench.close())
  const encrypt = (): string[] => ['encrypt', '--key', bench.keyArn, ...CONTEXT]
  const decrypt = (): string[] => ['decrypt', '--key', bench.keyArn, ...CONTEXT]

  for (const sizeBytes of [0, 1, MIB + 7]) {
    test(`a file of ${sizeBytes} bytes comes back as it was`, async () => {
      const [plain, sealed, opened] = [`${sizeBytes}`, `${sizeBytes}.sealed`, `${sizeBytes}.opened`]
      const digest = await bench.makeFile(plain, sizeBytes)
      await bench.succeeds(example, ...encrypt(), `file:${plain}`, `file:${sealed}`)
      await bench.succeeds(example, ...decrypt(), `file:${sealed}`, `file:${opened}`)
      assert.equal(await sha256Of(bench.path(opened)), digest)
    })
  }

  describe('of an encrypted file', () => {
    before(async () => {
      await bench.makeFile('plain', 20_000)
      await bench.succeeds(example, ...encrypt(), 'file:plain', 'file:sealed')
    })

    test('another encryption context is refused', async () => {
      const files = ['file:sealed', 'file:never']
      const key = ['--key', bench.keyArn]
      const reason = /not encrypted with app:tenant=red/
      await bench.refuses(reason, example, 'decrypt', ...key, '-c', 'app:tenant=red', ...files)
    })

    test('another key than the one it was encrypted under is refused', async () => {
      const files = ['file:sealed', 'file:never']
      await bench.refuses(/error: ./, example, 'decrypt', '--key', bench.otherKeyArn, ...files)
    })

    test('a flipped bit is refused, in the body and in the stored context', async () => {
      const contextAt = (await readFile(bench.path('sealed'))).indexOf('blue')
      assert.ok(contextAt > 0)
      for (const at of [contextAt, 10_000, -1]) {
        await flipBit(bench.path('sealed'), bench.path('flipped'), at)
        const files = ['file:flipped', 'file:never']
        await bench.refuses(/error: ./, example, 'decrypt', '--key', bench.keyArn, ...files)
      }
    })

    test('a file that was cut off is refused', async () => {
      const size = (await stat(bench.path('sealed'))).size
      for (const sizeBytes of [0, 50, size >> 1, size - 1]) {
        await writeFile(bench.path('cut'), await readFile(bench.path('sealed')))
        await truncate(bench.path('cut'), sizeBytes)
        await bench.refuses(/error: ./, example, ...decrypt(), 'file:cut', 'file:never')
      }
    })

    test('it decrypts after the server was restarted, with any key of ours', async () => {
      await bench.restart()
      await bench.succeeds(example, 'decrypt', ...CONTEXT, 'file:sealed', 'file:restarted')
      const same = await Promise.all(
        ['restarted', 'plain'].map((name) => sha256Of(bench.path(name))),
      )
      assert.equal(same[0], same[1])
    })
  })
})
