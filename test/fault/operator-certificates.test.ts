import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { type Instant, instant } from '../../src/core/ids.ts'
import { healthRoutes, jsonReply, withAdminRoutes } from '../../src/server/admin-endpoints.ts'
import { type HttpTransport, openHttpTransport } from '../../src/server/http/http-transport.ts'
import { OperatorGate } from '../../src/server/tls/operator-gate.ts'
import { operatorFileFollower } from '../../src/server/tls/operator-renewal.ts'
import { readOperatorTrust } from '../../src/server/tls/operator-trust.ts'
import {
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
} from '../support/client-certificates.ts'
import { temporaryFolder } from '../support/server-process.ts'

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const HOUR_MS = 3_600_000

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

/** The log of an operator: what it was told, and with which fields. */
class Told {
  readonly lines: (Readonly<Record<string, unknown>> & { readonly message: string })[] = []
  readonly #note = (fields: object, message: string): void =>
    void this.lines.push({ ...fields, message })
  readonly info = this.#note
  readonly warn = this.#note
  readonly error = this.#note
}

for (const fastPath of [false, true]) {
  describe(`certificates of operators with the fast path ${fastPath ? 'on' : 'off'}`, () => {
    const folder = temporaryFolder()
    const files = { caFile: join(folder, 'ca.pem'), crlFile: join(folder, 'crl.pem') }
    const log = new Told()
    let nowMs = Date.now()
    const clock = { now: (): Instant => instant(nowMs) }
    const made = new Map<string, TestCertificate>()
    const of = (name: string): TestCertificate => {
      const found = made.get(name)
      assert.ok(found, name)
      return found
    }
    let transport: HttpTransport
    let look: () => Promise<void>
    let server: TestCertificate

    before(async () => {
      server = await makeCertificate('localhost', { usages: [SERVER_AUTH] })
      const root = await makeCertificate('root', { isCa: true })
      const ca = await makeCertificate('operators', { isCa: true, issuer: root })
      const other = await makeCertificate('others', { isCa: true })
      // A CA of the same name that is not the one.
      const twin = await makeCertificate('operators', { isCa: true })
      const issue = async (name: string, wish: Parameters<typeof makeCertificate>[1]) =>
        made.set(name, await makeCertificate(name, { issuer: ca, ...wish }))
      made.set('ca', ca).set('other ca', other)
      await issue('alice', {})
      await issue('bob', {})
      await issue('late', { from: -3, to: -2 })
      await issue('early', { from: 2, to: 3 })
      await issue('stranger', { issuer: other })
      await issue('forged', { issuer: twin })
      await issue('server', { usages: [SERVER_AUTH] })
      await issue('any', { usages: [] })
      made.set('self', await makeCertificate('alice'))
      writeFileSync(files.caFile, ca.cert)
      writeFileSync(files.crlFile, await makeRevocationList(ca, []))
      const trust = await readOperatorTrust(files, clock.now())
      const gate = new OperatorGate(trust, { clock, log })
      const api = () => jsonReply(200, { api: true })
      const routes = new Map([
        ...healthRoutes(() => true),
        ['GET /-/metrics', () => jsonReply(200, { metrics: true })] as const,
      ])
      const credentials = { cert: server.cert, key: server.key }
      transport = await openHttpTransport({
        host: '127.0.0.1',
        port: 0,
        handler: withAdminRoutes(api, routes, gate.admit),
        log,
        fastPath,
        tls: { ...credentials, clientAuthorities: trust.pem },
      })
      look = operatorFileFollower(files, {
        clock,
        log,
        use: (next) => {
          gate.trust(next)
          transport.renew({ ...credentials, clientAuthorities: next.pem })
        },
      })
    })

    after(async () => {
      await transport.close(0)
      rmSync(folder, { recursive: true })
    })

    const open = async (
      who: TestCertificate | undefined,
      options: { readonly session?: Buffer; readonly maxVersion?: SecureVersion } = {},
    ): Promise<TLSSocket> => {
      const socket = connect({
        port: transport.address.port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: server.cert,
        ...(who && { cert: who.cert, key: who.key }),
        ...options,
      })
      await once(socket, 'secureConnect')
      return socket
    }

    /** Status and code of the reply on an open connection. */
    const ask = async (socket: TLSSocket, request: string): Promise<string> => {
      const reply = once(socket, 'data')
      socket.write(request)
      const [bytes] = (await reply) as [Buffer]
      const text = String(bytes)
      const code = /"code":"(\w+)"/.exec(text)?.[1] ?? ''
      return `${text.slice(9, 12)} ${code}`.trim()
    }

    const outcome = async (
      who: TestCertificate | undefined,
      path = '/-/metrics',
      more = '',
    ): Promise<string> => {
      const socket = await open(who)
      try {
        return await ask(socket, get(path, more))
      } finally {
        socket.destroy()
      }
    }

    test('an operator is let in, and nobody else to anything but probes and the API', async () => {
      assert.equal(await outcome(of('alice')), '200')
      for (const path of ['/-/metrics', '/-/metrics?a=b', '/-/authorization/explain', '/-/x']) {
        assert.equal(await outcome(undefined, path), '403 OperatorCertificateMissing', path)
      }
      for (const path of ['/-/health', '/-/ready', '/-/ready?a', '/']) {
        assert.equal(await outcome(undefined, path), '200', path)
        assert.equal(await outcome(of('self'), path), '200', path)
      }
    })

    test('each certificate that is not right is refused, and why is told to both', async () => {
      const cases = [
        ['late', 'OperatorCertificateExpired'],
        ['early', 'OperatorCertificateNotYetValid'],
        ['stranger', 'OperatorCertificateUntrusted'],
        ['forged', 'OperatorCertificateUntrusted'],
        ['self', 'OperatorCertificateUntrusted'],
        ['ca', 'OperatorCertificateUntrusted'],
        ['server', 'OperatorCertificateNotForClients'],
        ['any', 'OperatorCertificateNotForClients'],
      ] as const
      for (const [name, code] of cases) {
        nowMs += 2 * 60_000
        log.lines.length = 0
        assert.equal(await outcome(of(name)), `403 ${code}`, name)
        const [line] = log.lines
        assert.equal(line?.['reason'], code)
        assert.equal(line['target'], '/-/metrics')
        assert.equal(line['address'], '127.0.0.1')
        assert.equal(line['certificate'], `CN=${of(name).name}`)
      }
      nowMs = Date.now()
    })

    test('a certificate that a proxy shows makes nobody behind it an operator', async () => {
      for (const header of ['X-Forwarded-For: 10.0.0.1', 'Forwarded: for=10.0.0.1']) {
        assert.equal(
          await outcome(of('alice'), '/-/metrics', `${header}\r\n`),
          '403 OperatorBehindProxy',
        )
      }
    })

    test('a flood of refusals is one line a minute, which counts the others', async () => {
      nowMs += 10 * 60_000
      log.lines.length = 0
      for (let time = 0; time < 3; time++) await outcome(undefined)
      assert.equal(log.lines.length, 1)
      nowMs += 61_000
      await outcome(undefined)
      assert.equal(log.lines.length, 2)
      assert.equal(log.lines[1]?.['others'], 2)
      nowMs = Date.now()
    })

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`a session that is resumed over ${maxVersion} is asked as a new one`, async () => {
        const sessionOf = async (who: TestCertificate | undefined): Promise<Buffer> => {
          const socket = await open(who, { maxVersion })
          // Of TLS 1.3 a session comes after the handshake; by the time of a reply it has come.
          const sessions: Buffer[] = []
          socket.on('session', (bytes: Buffer) => void sessions.push(bytes))
          assert.equal(await ask(socket, get('/-/health')), '200')
          const session = sessions.at(-1) ?? socket.getSession()
          socket.destroy()
          assert.ok(session)
          return session
        }
        const resumed = async (session: Buffer): Promise<string> => {
          const socket = await open(undefined, { session, maxVersion })
          assert.ok(socket.isSessionReused())
          const answer = await ask(socket, get('/-/metrics'))
          socket.destroy()
          return answer
        }
        // OpenSSL calls such a session verified; the client of the first one showed nothing, or something bad.
        assert.equal(await resumed(await sessionOf(undefined)), '403 OperatorCertificateMissing')
        const stranger = await sessionOf(of('stranger'))
        assert.equal(await resumed(stranger), '403 OperatorCertificateUntrusted')
        const alice = await sessionOf(of('alice'))
        assert.equal(await resumed(alice), '200')
        nowMs += 25 * HOUR_MS
        assert.equal(await resumed(alice), '403 OperatorCertificateExpired')
        nowMs = Date.now()
      })
    }

    test('lists and authorities are read again; open connections feel it, too', async () => {
      const alice = await open(of('alice'))
      const bob = await open(of('bob'))
      assert.equal(await ask(alice, get('/-/metrics')), '200')
      writeFileSync(files.crlFile, await makeRevocationList(of('ca'), [of('alice')]))
      await look()
      assert.equal(await ask(alice, get('/-/metrics')), '403 OperatorCertificateRevoked')
      assert.equal(await ask(alice, get('/')), '200')
      assert.equal(await outcome(of('alice')), '403 OperatorCertificateRevoked')
      assert.equal(await ask(bob, get('/-/metrics')), '200')
      // A list that cannot be used: the one before goes on, until it is out of date.
      log.lines.length = 0
      writeFileSync(files.crlFile, await makeRevocationList(of('other ca'), []))
      await look()
      await look()
      assert.match(log.lines.map(({ message }) => message).join(), /^the files of the operator CA/)
      assert.equal(await outcome(of('alice')), '403 OperatorCertificateRevoked')
      // Another CA.
      writeFileSync(files.caFile, of('other ca').cert)
      await look()
      assert.equal(await ask(bob, get('/-/metrics')), '403 OperatorCertificateUntrusted')
      assert.equal(await outcome(of('stranger')), '200')
      writeFileSync(files.caFile, of('ca').cert)
      writeFileSync(files.crlFile, await makeRevocationList(of('ca'), [], 0.001))
      await look()
      nowMs += 60_000
      assert.equal(await ask(bob, get('/-/metrics')), '403 OperatorRevocationsExpired')
      nowMs = Date.now()
      alice.destroy()
      bob.destroy()
    })
  })
}
