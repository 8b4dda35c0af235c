import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { instant } from '../../core/ids.ts'
import { Secret } from '../../core/secret.ts'
import type { TlsCredentials } from '../http/http-server.ts'
import { createAuthority, issueServerCertificate } from './tls-authority.ts'
import { fileFollower, ownFollower } from './tls-renewal.ts'

const random = {
  bytes: (size: number) => randomBytes(size),
  secret: (size: number) => new Secret(randomBytes(size)),
  uuid: () => '',
}
const clock = { now: () => instant(Date.now()) }

describe('the renewal of a certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-tls-'))
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const pairs: { cert: string; key: Buffer }[] = []
  const used: TlsCredentials[] = []
  const lines: string[] = []
  const note = (_fields: object, message: string): void => void lines.push(message)
  const parts = {
    clock,
    log: { info: note, warn: note, error: note },
    use: (credentials: TlsCredentials) => void used.push(credentials),
  }
  before(async () => {
    const authority = await createAuthority({ now: clock.now(), random })
    for (let at = 0; at < 2; at++) {
      const issued = await issueServerCertificate(authority, {
        now: clock.now(),
        random,
        hosts: ['localhost'],
      })
      pairs.push({ cert: issued.certificatePem, key: Buffer.from(issued.privateKeyPem.expose()) })
    }
  })
  after(() => rmSync(folder, { recursive: true }))

  test('of files waits until both fit each other, and tells once what is wrong', async () => {
    const [first, second] = pairs
    assert.ok(first && second)
    writeFileSync(files.certFile, first.cert)
    writeFileSync(files.keyFile, first.key)
    const look = fileFollower(files, parts)
    await look()
    assert.deepEqual([used.length, lines], [0, []])
    writeFileSync(files.certFile, `${second.cert}\n`)
    await look()
    await look()
    assert.equal(used.length, 0)
    assert.deepEqual(lines.splice(0), [
      'the TLS files were changed and cannot be used; the old ones go on',
    ])
    rmSync(files.keyFile)
    await look()
    assert.equal(lines.splice(0).length, 1)
    writeFileSync(files.keyFile, second.key)
    await look()
    await look()
    assert.deepEqual(
      used.splice(0).map(({ cert }) => String(cert)),
      [`${second.cert}\n`],
    )
    assert.deepEqual(lines.splice(0), ['the TLS certificate was read again'])
  })

  test('of the node itself uses a certificate that was issued anew, once', async () => {
    const [first, second] = pairs
    assert.ok(first && second)
    let issued: TlsCredentials = first
    const look = ownFollower(first, { ...parts, issue: async () => issued })
    await look()
    assert.equal(used.length, 0)
    issued = second
    await look()
    await look()
    assert.deepEqual(used, [second])
  })
})
