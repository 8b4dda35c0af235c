import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { instant } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import type { HttpHandler } from '../../src/core/transport.ts'
import { type HttpTransport, openHttpTransport } from '../../src/server/http/http-transport.ts'
import {
  type CertifiedKey,
  createAuthority,
  issueServerCertificate,
} from '../../src/server/tls/tls-authority.ts'
import { GET, ManualHandler, MemoryLog, post, typeOf } from './http-fixture.ts'
import { RawClient } from './http-raw-client.ts'

const random = {
  bytes: (size: number) => randomBytes(size),
  secret: (size: number) => new Secret(randomBytes(size)),
  uuid: () => '',
}

const describePeer: HttpHandler = (request) => ({
  status: 200,
  headers: [],
  body: JSON.stringify({ ...request.connection, body: request.body.toString('latin1') }),
})

for (const fastPath of [false, true]) {
  describe(`HTTPS with the fast path ${fastPath ? 'on' : 'off'}`, () => {
    let authority: CertifiedKey
    let server: CertifiedKey
    let transport: HttpTransport

    const open = (handler: HttpHandler, headTimeoutMs = 10_000): Promise<HttpTransport> =>
      openHttpTransport({
        host: '127.0.0.1',
        port: 0,
        handler,
        log: new MemoryLog(),
        fastPath,
        limits: { headTimeoutMs },
        tls: { cert: server.certificatePem, key: Buffer.from(server.privateKeyPem.expose()) },
      })

    /** The error of a handshake, or undefined when it succeeded. */
    const handshake = async (options: ConnectionOptions): Promise<string | undefined> => {
      const { port } = transport.address
      const socket = connect({ port, host: '127.0.0.1', ca: authority.certificatePem, ...options })
      const outcome = await new Promise<string | undefined>((resolve) => {
        socket.once('secureConnect', () => resolve(undefined))
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
      })
      socket.destroy()
      return outcome
    }

    before(async () => {
      const now = instant(Date.now())
      authority = await createAuthority({ now, random })
      server = await issueServerCertificate(authority, { now, random, hosts: ['kms.example.org'] })
      transport = await open(describePeer)
    })

    after(() => transport.close(0))

    test('serves clients that trust the authority and says how they are connected', async () => {
      assert.match(transport.endpoint, /^https:\/\/127\.0\.0\.1:\d+$/)
      const client = await RawClient.open(transport.address.port, { ca: authority.certificatePem })
      const large = 'x'.repeat(200_000)
      for (const body of ['small', large, 'again']) {
        await client.send(post('/', body))
        const seen = JSON.parse((await client.reply())?.body ?? '')
        assert.equal(seen.body, body)
        assert.equal(seen.remoteAddress, '127.0.0.1')
        assert.deepEqual(seen.tls, { version: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256' })
      }
      await client.send(
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
      )
      await client.send('0\r\n\r\nBAD\r\n\r\n')
      assert.equal((await client.reply())?.status, 200)
      assert.equal(typeOf(await client.reply()), '400 MalformedHttpRequestException')
      client.close()
    })

    test('is known by its names and no other', async () => {
      for (const servername of ['localhost', 'kms.example.org']) {
        assert.equal(await handshake({ servername }), undefined)
      }
      assert.equal(
        await handshake({ servername: 'other.example.org' }),
        'ERR_TLS_CERT_ALTNAME_INVALID',
      )
    })

    test('is not trusted by clients that do not know the authority', async () => {
      const stranger = await createAuthority({ now: instant(Date.now()), random })
      assert.equal(
        await handshake({ servername: 'localhost', ca: stranger.certificatePem }),
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      )
    })

    test('speaks TLS 1.2 with forward secrecy, and nothing older or weaker', async () => {
      const servername = 'localhost'
      assert.equal(await handshake({ servername, maxVersion: 'TLSv1.2' }), undefined)
      const weak = { servername, maxVersion: 'TLSv1.2' } as const
      for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA256']) {
        assert.notEqual(await handshake({ ...weak, ciphers }), undefined)
      }
      const old = { servername, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
      assert.notEqual(await handshake({ ...old, ciphers: 'DEFAULT:@SECLEVEL=0' }), undefined)
    })

    test('hangs up on plain HTTP and on a handshake that never comes', async (t) => {
      const impatient = await open(describePeer, 60)
      t.after(() => impatient.close(0))
      for (const text of [GET, '']) {
        const socket = connectTcp(impatient.address.port, '127.0.0.1')
        const client = new RawClient(socket)
        if (text !== '') await client.send(text)
        assert.doesNotMatch(await client.rest(), /^HTTP/)
      }
    })

    test('closes at once what is idle or in a handshake, and finishes what is in flight', async () => {
      const manual = new ManualHandler()
      const closing = await open(manual.handle)
      const { port } = closing.address
      const silent = new RawClient(connectTcp(port, '127.0.0.1'))
      await once(silent.socket, 'connect')
      const idle = await RawClient.open(port, { ca: authority.certificatePem })
      const busy = await RawClient.open(port, { ca: authority.certificatePem })
      await busy.send(GET)
      await manual.arrived(1)
      const closed = closing.close(60_000)
      await idle.rest()
      await silent.rest()
      manual.answer({ body: 'finished' })
      assert.equal((await busy.reply())?.body, 'finished')
      await closed
    })

    test('another certificate serves new connections, and old ones go on', async () => {
      const renewed = await issueServerCertificate(authority, {
        now: instant(Date.now()),
        random,
        hosts: ['127.0.0.1'],
      })
      const own = await open(describePeer)
      const { port } = own.address
      const fingerprintOf = async (): Promise<string> => {
        const socket = connect({ port, host: '127.0.0.1', ca: authority.certificatePem })
        await once(socket, 'secureConnect')
        const { fingerprint256 } = socket.getPeerCertificate()
        socket.destroy()
        return fingerprint256
      }
      try {
        const first = await fingerprintOf()
        const old = connect({ port, host: '127.0.0.1', ca: authority.certificatePem })
        await once(old, 'secureConnect')
        own.renew({
          cert: renewed.certificatePem,
          key: Buffer.from(renewed.privateKeyPem.expose()),
        })
        assert.notEqual(await fingerprintOf(), first)
        old.write(GET)
        const [reply] = await once(old, 'data')
        assert.match(String(reply), /^HTTP\/1\.1 200 /)
        old.destroy()
      } finally {
        await own.close(100)
      }
    })
  })
}

test('a certificate and a key that do not fit are refused before anything listens', async () => {
  await assert.rejects(
    openHttpTransport({
      host: '127.0.0.1',
      port: 0,
      handler: describePeer,
      log: new MemoryLog(),
      tls: { cert: 'no certificate', key: 'no key' },
    }),
    { name: 'OperatorError', message: 'the TLS certificate and key cannot be used' },
  )
})
