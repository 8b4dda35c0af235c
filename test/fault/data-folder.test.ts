import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import type { InitializedFolder, StartOptions } from '../../src/cli/program.ts'
import { Secret } from '../../src/core/secret.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { AuditTrail } from '../../src/pipeline/audit-trail.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { startDev } from '../../src/server/dev/dev.ts'
import { initFolder } from '../../src/server/init-folder.ts'
import { openNodeAudit } from '../../src/server/node/node-audit.ts'
import { lockWorkers } from '../../src/server/node/node-locks.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { auditCat, auditVerify } from '../../src/server/operator/audit-commands.ts'
import { openOperator } from '../../src/server/operator/operator-access.ts'
import { startServer } from '../../src/server/start-server.ts'
import { temporaryFolder } from '../support/server-process.ts'

const SEGMENT = 'segment-0000000000000001.log'
/** The first batch begins behind the segment's header. */
const FIRST_BATCH = 512

const optionsFor = (dataFolder: string, others: Partial<StartOptions> = {}): StartOptions => ({
  dataFolder,
  store: undefined,
  keyfile: undefined,
  seal: undefined,
  passphraseFile: undefined,
  readPassphrase: () => Promise.resolve(new Secret(new Uint8Array(1))),
  port: 0,
  host: '127.0.0.1',
  region: 'us-east-1',
  tls: false,
  tlsHosts: [],
  allowPlainHttp: false,
  auditDurability: 'sync',
  acceptAuditDamage: false,
  logLevel: 'silent',
  ...others,
})

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const parts = { clock: machineClock, random: createRandom(), log: quiet }

/** A folder whose log has the frames of some operators' commands. */
async function folderWithLog(): Promise<string> {
  const folder = temporaryFolder()
  await initFolder(optionsFor(folder))
  const { operator, close } = await openOperator(optionsFor(folder))
  for (let i = 0; i < 3; i++) await operator.createAccount({})
  await close()
  return folder
}

function damage(file: string, offset: number): void {
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.from('damage'), 0, 6, offset)
}

describe('a first start', () => {
  test('that finds its port taken has told the credentials, and the next one starts', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    t.after(() => taken.close())
    await once(taken, 'listening')
    const address = taken.address()
    assert.ok(typeof address === 'object' && address !== null)
    const folder = join(temporaryFolder(), 'data')
    const told: InitializedFolder[] = []
    const tell = (made: InitializedFolder): void => void told.push(made)
    const options = optionsFor(folder, { port: address.port })
    await assert.rejects(startServer(options, tell), /is in use by another program/)
    assert.equal(told.length, 1)
    const text = readFileSync(join(folder, 'root-credentials'), 'utf8')
    assert.ok(text.includes(told[0]?.secretAccessKey ?? 'none'))
    const server = await startServer(optionsFor(folder), tell)
    await server.stop()
    assert.equal(told.length, 1)
  })

  test('that cannot write its key file leaves nothing behind', async () => {
    const parent = temporaryFolder()
    const keyfile = join(parent, 'not mounted', 'root.key')
    const fresh = join(parent, 'fresh')
    const empty = join(parent, 'empty')
    const used = join(parent, 'used')
    for (const folder of [empty, used]) mkdirSync(folder)
    writeFileSync(join(used, 'note'), 'mine')
    for (const folder of [fresh, empty, used]) {
      await assert.rejects(
        startServer(optionsFor(folder, { keyfile })),
        /cannot write the key file/,
      )
    }
    assert.equal(existsSync(fresh), false)
    assert.deepEqual(readdirSync(empty), [])
    assert.deepEqual(readdirSync(used), ['note'])
    await initFolder(optionsFor(used))
  })

  test('makes nothing when the operator’s own certificate cannot be used', async () => {
    const folder = join(temporaryFolder(), 'data')
    const options = optionsFor(folder, {
      tls: true,
      tlsCert: '/nonexistent',
      tlsKey: '/nonexistent',
    })
    await assert.rejects(startServer(options), /the certificate file \/nonexistent does not exist/)
    assert.equal(existsSync(folder), false)
  })

  test('makes no store beside a log that has lost its own', async () => {
    const folder = await folderWithLog()
    for (const file of readdirSync(folder)) {
      if (file !== 'audit') rmSync(join(folder, file), { recursive: true })
    }
    const refusal = { name: 'OperatorError', message: /an audit log in .* but no store at/ }
    await assert.rejects(startServer(optionsFor(folder)), refusal)
    assert.deepEqual(readdirSync(folder), ['audit'])
  })

  test('that fails over an existing store leaves it alone', async () => {
    const folder = temporaryFolder()
    await initFolder(optionsFor(folder))
    rmSync(join(folder, 'root.key'))
    const before = readdirSync(folder)
    await assert.rejects(startServer(optionsFor(folder)), /the key file .* is missing/)
    assert.deepEqual(readdirSync(folder), before)
  })

  test('refuses a name that is a file', async () => {
    const file = join(temporaryFolder(), 'data')
    writeFileSync(file, '')
    const refusal = { name: 'OperatorError', message: `${file} is not a folder` }
    await assert.rejects(startServer(optionsFor(file)), refusal)
    await assert.rejects(openOperator(optionsFor(file)), refusal)
  })

  test('warns of a key file that others may read, once', async () => {
    const folder = temporaryFolder()
    await initFolder(optionsFor(folder))
    chmodSync(join(folder, 'root.key'), 0o644)
    const warnings: string[] = []
    const log = { ...quiet, warn: (_: object, message: string) => void warnings.push(message) }
    const state = await openNodeState(optionsFor(folder), { ...parts, log }, 'existing')
    await state.close()
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /has mode 0644/)
  })
})

describe('a lost node-id', () => {
  test('is taken from the log', async () => {
    const folder = await folderWithLog()
    const file = join(folder, 'node-id')
    const id = readFileSync(file, 'utf8')
    for (const lose of [() => rmSync(file), () => writeFileSync(file, '')]) {
      lose()
      const verdict = await auditVerify(optionsFor(folder))
      assert.deepEqual([verdict.intact, verdict.notes], [true, []])
      const server = await startServer(optionsFor(folder))
      await server.stop()
      assert.equal(readFileSync(file, 'utf8'), id)
    }
  })

  test('is not made up beside a log that does not say whose it is', async () => {
    const folder = await folderWithLog()
    rmSync(join(folder, 'node-id'))
    damage(join(folder, 'audit', SEGMENT), 100)
    const options = optionsFor(folder, { acceptAuditDamage: true })
    await assert.rejects(startServer(options), {
      name: 'OperatorError',
      message: /node-id is missing, and no segment in .* says whose log it is/,
      hint: /backup/,
    })
    assert.equal(existsSync(join(folder, 'node-id')), false)
  })
})

describe('a log that is verified', () => {
  test('without its store or with another key file says what it could not check, and why', async () => {
    const folder = await folderWithLog()
    const other = temporaryFolder()
    await initFolder(optionsFor(other))
    const verify = async () => {
      const { intact, macsChecked, notes = [] } = await auditVerify(optionsFor(folder))
      return [intact, macsChecked, notes[0]?.split(',')[0] ?? '', notes.length]
    }
    assert.deepEqual(await verify(), [true, true, '', 0])
    const key = join(folder, 'root.key')
    copyFileSync(join(other, 'root.key'), key)
    const [, , why] = await verify()
    assert.match(String(why), /^the store was not opened \(the key file .* is of another store/)
    rmSync(key)
    assert.deepEqual(await verify(), [true, false, 'the root key is not at hand', 2])
    const store = join(folder, 'strongroom.db')
    writeFileSync(store, 'x'.repeat(8192))
    assert.match(
      String((await verify())[2]),
      /^the store was not opened \(.* is not a Strongroom store/,
    )
    rmSync(store)
    assert.deepEqual(await verify(), [true, false, `there is no store at ${store}`, 2])
  })

  test('has to be there', async () => {
    const options = optionsFor(temporaryFolder())
    const refusal = { name: 'OperatorError', message: /^there is no audit log in/, hint: /--data/ }
    await assert.rejects(auditVerify(options), refusal)
    const reader = { write: async () => undefined, damaged: async () => undefined }
    await assert.rejects(auditCat({ ...options, frames: false }, reader), refusal)
  })
})

describe('a damaged log', () => {
  test('keeps nobody from looking at the node, and anything from being changed', async () => {
    const folder = await folderWithLog()
    damage(join(folder, 'audit', SEGMENT), FIRST_BATCH + 200)
    const { operator, close } = await openOperator(optionsFor(folder))
    const { audit, accounts } = await operator.status()
    assert.match(audit.damage ?? '', /./)
    assert.deepEqual([audit.segments, accounts], [1, 4])
    assert.equal((await operator.listAccounts()).length, 4)
    const refusal = {
      name: 'OperatorError',
      message: /^the audit log is damaged/,
      hint: /start once with --accept-audit-damage/,
    }
    const [first] = await operator.listAccounts()
    const accountId = first?.accountId ?? ''
    await assert.rejects(operator.createAccount({}), refusal)
    await assert.rejects(operator.rotateCredentials({ accountId }), refusal)
    await assert.rejects(operator.rotateDomainKey(), refusal)
    await assert.rejects(operator.rotateRootKey(), refusal)
    assert.deepEqual((await operator.listAccounts())[0], first)
    assert.equal((await operator.status()).accounts, 4)
    await close()
  })

  test('is read on behind the damage, with its place named', async () => {
    const folder = await folderWithLog()
    damage(join(folder, 'audit', SEGMENT), FIRST_BATCH + 200)
    const lines: string[] = []
    const damages: string[] = []
    const reader = {
      write: async (line: string) => void lines.push(line),
      damaged: async (place: string) => void damages.push(place),
    }
    await auditCat({ ...optionsFor(folder), frames: true }, reader)
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { sequence: number; kind: string }).sequence),
      [2, 3],
    )
    assert.match(lines[0] ?? '', /"kind":"operator","internal":\{.*"action":"account create"/)
    assert.equal(damages.length, 1)
    assert.match(damages[0] ?? '', /^segment-0+1\.log, byte 512: /)
  })

  test('is whole in the eyes of status when it is', async () => {
    const folder = await folderWithLog()
    const { operator, close } = await openOperator(optionsFor(folder))
    const { audit } = await operator.status()
    await close()
    assert.deepEqual(audit, {
      folder: join(folder, 'audit'),
      durable: true,
      segments: 1,
      lastSequence: 3,
    })
  })

  test('shows to status also when all of it is gone', async () => {
    const folder = await folderWithLog()
    rmSync(join(folder, 'audit'), { recursive: true })
    const { operator, close } = await openOperator(optionsFor(folder))
    assert.equal((await operator.status()).audit.damage, 'all segments are missing')
    await close()
  })
})

test('a store older than its log gives out no outbox id that the log has seen', async () => {
  const folder = temporaryFolder()
  const options = optionsFor(folder)
  await initFolder(options)
  /** Commits changes; `record: false` is the crash between commit and log. */
  const change = async (names: readonly string[], record: boolean): Promise<void> => {
    const state = await openNodeState(options, parts, 'existing')
    const audit = await openNodeAudit(state, options, parts)
    const trail = new AuditTrail(audit.log, state.rows)
    await audit.recoverOutbox()
    for (const name of names) {
      const frame = `{"kind":"call","internal":{"name":"${name}"},"records":[]}`
      const id = await state.rows.transaction((tx) => tx.addOutbox(frame))
      if (record) await trail.recordCommitted(id, frame)
    }
    await audit.saveHead()
    await audit.log.close()
    await state.close()
  }
  const store = join(folder, 'strongroom.db')
  await change(['one'], true)
  copyFileSync(store, `${store}.backup`)
  await change(['two', 'three'], true)
  copyFileSync(`${store}.backup`, store)
  await change(['four'], false)
  await change([], true)
  const texts: string[] = []
  for await (const { text } of readFrames(join(folder, 'audit'))) texts.push(text)
  assert.deepEqual(
    texts.map((text) => /"outbox":(\d+),"name":"(\w+)"/.exec(text)?.slice(1).join(' ')),
    ['1 one', '2 two', '3 three', '4 four'],
  )
})

test('the store of another node cannot be served beside it, nor by it meanwhile', async () => {
  const [one, two] = [temporaryFolder(), temporaryFolder()]
  const store = join(one, 'strongroom.db')
  const borrowed = optionsFor(two, { store, keyfile: join(one, 'root.key') })
  const inUse = { message: new RegExp(`is using ${one}$`) }
  const owner = await startServer(optionsFor(one))
  await assert.rejects(startServer(borrowed), inUse)
  assert.throws(() => lockWorkers(two, store), inUse)
  assert.ok(!existsSync(join(two, 'workers')))
  await owner.stop()
  const other = await startServer(borrowed)
  await assert.rejects(startServer(optionsFor(one)), inUse)
  await other.stop()
  const workers = lockWorkers(two, store)
  await assert.rejects(startServer(optionsFor(one)), inUse)
  workers.release()
  await (await startServer(optionsFor(one))).stop()
})

test('commands reach a node whose folder has a long name', async () => {
  const folder = join(temporaryFolder(), 'long'.repeat(20), 'name'.repeat(20))
  const server = await startServer(optionsFor(folder))
  try {
    const { operator, close } = await openOperator(optionsFor(folder))
    const { running, endpoint } = await operator.status()
    assert.deepEqual([running, endpoint], [true, server.endpoint])
    await close()
  } finally {
    await server.stop()
  }
})

test('strongroom dev serves other machines only when it is told to', async () => {
  const options = {
    port: 0,
    host: '0.0.0.0',
    account: '000000000000',
    region: 'us-east-1',
    allowPlainHttp: false,
    logLevel: 'silent',
  } as const
  await assert.rejects(startDev(options), {
    name: 'OperatorError',
    message: /is refused on 0\.0\.0\.0: it takes any credentials/,
    hint: /--allow-plain-http/,
  })
  const server = await startDev({ ...options, allowPlainHttp: true })
  await server.stop()
})
