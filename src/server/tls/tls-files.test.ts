import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DAY_MS, instant, plusMs } from '../../core/ids.ts'
import { Secret } from '../../core/secret.ts'
import { createAuthority, issueServerCertificate } from './tls-authority.ts'
import { readTlsFiles } from './tls-files.ts'

const now = instant(Date.UTC(2026, 10, 22))
const random = {
  bytes: (size: number) => randomBytes(size),
  secret: (size: number) => new Secret(randomBytes(size)),
  uuid: () => '',
}

describe("the operator's TLS files", () => {
  let folder: string
  let certFile: string
  let keyFile: string

  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, content)
    return file
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-'))
    const authority = await createAuthority({ now, random })
    const server = await issueServerCertificate(authority, { now, random, hosts: [] })
    certFile = await write('server.crt', server.certificatePem + authority.certificatePem)
    keyFile = await write('server.key', server.privateKeyPem.expose())
    await write('ca.key', authority.privateKeyPem.expose())
    const key = createPrivateKey(Buffer.from(server.privateKeyPem.expose()))
    await write(
      'locked.key',
      key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' }),
    )
    await write('damaged.crt', server.certificatePem.replace(/^MI.{20}/m, 'A'.repeat(22)))
    await write('empty', '')
  })

  after(() => rm(folder, { recursive: true }))

  test('are taken when they belong together', async () => {
    const { cert, key } = await readTlsFiles({ certFile, keyFile }, now)
    assert.match(cert.toString(), /BEGIN CERTIFICATE/)
    assert.match(key.toString(), /BEGIN PRIVATE KEY/)
  })

  test('are refused in words that name the file', async () => {
    const at = (name: string) => join(folder, name)
    const cases: [{ certFile: string; keyFile: string }, RegExp][] = [
      [{ certFile: at('none'), keyFile }, /^the certificate file .*none does not exist$/],
      [{ certFile, keyFile: at('none') }, /^the private key file .*none does not exist$/],
      [{ certFile: folder, keyFile }, /^the certificate file .* cannot be read$/],
      [{ certFile, keyFile: at('ca.key') }, /ca\.key does not belong to the certificate in/],
      [{ certFile, keyFile: at('locked.key') }, /locked\.key is protected by a passphrase$/],
      [{ certFile, keyFile: at('empty') }, /empty contains no private key in PEM$/],
      [{ certFile: at('empty'), keyFile }, /empty contains no certificate in PEM$/],
      [{ certFile: keyFile, keyFile }, /contains no certificate in PEM$/],
      [{ certFile: at('damaged.crt'), keyFile }, /damaged\.crt is damaged$/],
    ]
    for (const [files, message] of cases) {
      await assert.rejects(readTlsFiles(files, now), { name: 'OperatorError', message })
    }
  })

  test('are refused before and after the time of the certificate', async () => {
    const read = (days: number) => readTlsFiles({ certFile, keyFile }, plusMs(now, days * DAY_MS))
    await assert.rejects(read(400), { name: 'OperatorError', message: /expired on 2027-12/ })
    await assert.rejects(read(-3), { message: /is not valid before 2026-11-2/ })
  })
})
