import assert from 'node:assert/strict'
import { argon2Sync, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { instant } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Custody, CustodyParts } from '../../src/crypto/custody.ts'
import { openCustody } from '../../src/crypto/custody.ts'
import type { KeyFileDisk } from '../../src/crypto/key-file-disk.ts'
import { localDisk } from '../../src/crypto/key-file-disk.ts'
import { keyfileSeal } from '../../src/crypto/seal-keyfile.ts'
import { passphraseSeal } from '../../src/crypto/seal-passphrase.ts'
import { seededRandom } from '../support/seeded-random.ts'

// The vectors are opened twice: by the program, and by the lines below, which follow
// docs/formats/custody.md and share nothing with it.

interface WrappedKey {
  readonly id: string
  readonly status: string
  readonly wrapped: string
}
interface Setting {
  readonly seal: {
    readonly kind: string
    readonly rootKeyId: string
    readonly argon2: { memoryKiB: number; passes: number; parallelism: number; salt: string }
    readonly wrapped: string
  }
  readonly auditKeys: readonly WrappedKey[]
  readonly domainKeys: readonly WrappedKey[]
}
interface Row {
  readonly table: string
  readonly key: readonly string[]
  readonly version: number
  readonly body: string
  /** Hex, or null. */
  readonly wrapped: string | null
  readonly plaintext: string | null
  readonly mac: string
}
interface Vector {
  readonly name: string
  /** The text of the key file, or null. */
  readonly keyFile: string | null
  readonly passphrase: string | null
  readonly setting: string
  readonly auditMacKey: string
  readonly rows: readonly Row[]
}

const file = new URL('../../docs/formats/vectors/custody-v1.json', import.meta.url)
// The repository's own file; a wrong shape fails the tests below.
const { vectors }: { readonly vectors: readonly Vector[] } = JSON.parse(readFileSync(file, 'utf8'))

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const u32 = (value: number): Buffer => hex(value.toString(16).padStart(8, '0'))
const list = (...fields: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat([
    u32(fields.length),
    ...fields.flatMap((field) => [u32(Buffer.byteLength(field)), Buffer.from(field)]),
  ])
const derive = (key: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, '', `strongroom ${use}`, 32))

function unwrap(key: Buffer, keyId: string, place: readonly string[], wrapped: Buffer): Buffer {
  const header = wrapped.subarray(0, 25)
  assert.equal(header.toString('hex', 0, 9), `01${keyId}`)
  const output = createHmac('sha512', key)
    .update(
      Buffer.concat([u32(1), Buffer.from('strongroom wrapped v1'), hex('00'), header, u32(352)]),
    )
    .digest()
  const decipher = createDecipheriv('aes-256-gcm', output.subarray(0, 32), output.subarray(32, 44))
  decipher.setAAD(Buffer.concat([header, list(...place)]))
  decipher.setAuthTag(wrapped.subarray(-16))
  return Buffer.concat([decipher.update(wrapped.subarray(25, -16)), decipher.final()])
}

function specRootKey(vector: Vector, { seal }: Setting): Buffer {
  if (vector.keyFile !== null) {
    const match = new RegExp(`^root-key ${seal.rootKeyId} (current|new) (.{64})$`, 'm').exec(
      vector.keyFile,
    )
    const [lines = '', checksum] = vector.keyFile.split('checksum ')
    assert.equal(checksum, `${createHash('sha256').update(lines).digest('hex')}\n`)
    return hex(match?.[2] ?? '')
  }
  const { memoryKiB, passes, parallelism, salt } = seal.argon2
  const nonce = Buffer.from(salt, 'base64')
  const key = argon2Sync('argon2id', {
    message: vector.passphrase ?? '',
    nonce,
    memory: memoryKiB,
    passes,
    parallelism,
    tagLength: 32,
  })
  const costs = [memoryKiB, passes, parallelism].map(String)
  const place = ['root key', seal.rootKeyId, ...costs, nonce.toString('hex')]
  return unwrap(key, seal.rootKeyId, place, Buffer.from(seal.wrapped, 'base64'))
}

function specCheckSetting(text: string, rootKey: Buffer): void {
  const [body = '', rest = ''] = text.split(',"mac":"')
  const mac = createHmac('sha256', derive(rootKey, 'root: authenticate setting')).update(body)
  assert.equal(rest.slice(0, 64), mac.digest('hex'))
  const [signed = '', checksum] = text.split(',"checksum":"')
  assert.equal(checksum, `${createHash('sha256').update(signed).digest('hex')}"}`)
}

function specCheckRow(row: Row, domainKeys: ReadonlyMap<string, Buffer>): void {
  const id = row.mac.slice(0, 16)
  const domainKey = domainKeys.get(id)
  assert.ok(domainKey !== undefined)
  const secret = row.wrapped === null ? ['0', ''] : ['1', hex(row.wrapped)]
  const mac = createHmac('sha256', derive(domainKey, 'domain: authenticate records')).update(
    list('strongroom record v1', row.table, String(row.version), row.body, ...secret, ...row.key),
  )
  assert.equal(row.mac, id + mac.digest('hex'))
  if (row.wrapped === null) return
  const key = derive(domainKey, 'domain: wrap secrets')
  const opened = unwrap(key, id, ['row', row.table, ...row.key], hex(row.wrapped))
  assert.equal(opened.toString('hex'), row.plaintext)
}

const partsOf = (vector: Vector): CustodyParts => {
  const random = seededRandom(vector.name)
  const clock = { now: () => instant(0) }
  const readPassphrase = (): Promise<Secret> =>
    Promise.resolve(new Secret(new TextEncoder().encode(vector.passphrase ?? '')))
  const { keyFile } = vector
  if (keyFile === null) return { seal: passphraseSeal({ readPassphrase, random }), random, clock }
  const read = (): ReturnType<KeyFileDisk['read']> =>
    Promise.resolve({ contents: new Secret(new TextEncoder().encode(keyFile)), mode: 0o600 })
  const disk: KeyFileDisk = { ...localDisk, read }
  return {
    seal: keyfileSeal({ path: 'root.key', random, onWarning: assert.fail, disk }),
    random,
    clock,
  }
}

function assertOpens(custody: Custody, row: Row): void {
  const secret = row.wrapped === null ? null : hex(row.wrapped)
  assert.ok(custody.checkMac(row, row.version, row.body, secret, hex(row.mac)))
  if (secret === null) return
  using opened = custody.unwrap(row, secret)
  assert.equal(Buffer.from(opened.expose()).toString('hex'), row.plaintext)
}

describe('vectors of custody v1', () => {
  test('there is one of each seal, with rows', () => {
    assert.ok(vectors.some((vector) => vector.keyFile !== null))
    assert.ok(vectors.some((vector) => vector.passphrase !== null))
    for (const vector of vectors) assert.ok(vector.rows.length >= 3)
  })
  for (const vector of vectors) {
    test(`${vector.name}: the specification opens it`, () => {
      const setting: Setting = JSON.parse(vector.setting)
      const rootKey = specRootKey(vector, setting)
      specCheckSetting(vector.setting, rootKey)
      const key = derive(rootKey, 'root: wrap keys')
      const openKey = (purpose: string, one: WrappedKey | undefined): Buffer =>
        unwrap(
          key,
          setting.seal.rootKeyId,
          [purpose, one?.id ?? ''],
          Buffer.from(one?.wrapped ?? '', 'base64'),
        )
      const auditKey = openKey('audit key', setting.auditKeys[0])
      assert.equal(
        derive(auditKey, 'audit: authenticate segments').toString('hex'),
        vector.auditMacKey,
      )
      const domainKeys = new Map(
        setting.domainKeys.map((one) => [one.id, openKey('domain key', one)] as const),
      )
      for (const row of vector.rows) specCheckRow(row, domainKeys)
    })
    test(`${vector.name}: the program opens it`, async () => {
      const custody = await openCustody(vector.setting, partsOf(vector))
      assert.equal(custody.auditMacKey().key.export().toString('hex'), vector.auditMacKey)
      for (const row of vector.rows) assertOpens(custody, row)
    })
  }
})
