import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { afterEach, describe, test } from 'node:test'
import { DependencyError } from '../../core/errors.ts'
import { instant } from '../../core/ids.ts'
import { createRandom } from '../../crypto/random.ts'
import { createAuthority, issueServerCertificate } from '../tls/tls-authority.ts'
import { createProviderDocuments, type ProviderDocumentsOptions } from './provider-documents.ts'
import { isLoopbackAddress, isPublicAddress } from './public-addresses.ts'

const PUBLIC = ['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e']
const INNER = [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '64:ff9b::a00:1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'ff02::1',
  '2001:db8::1',
  '2001::1',
  '2002:7f00:1::',
]

describe('addresses', () => {
  test('of the public Internet are told from all others', () => {
    for (const address of PUBLIC) assert.ok(isPublicAddress(address), address)
    for (const address of [...INNER, 'example.com', '', '1.2.3', '08.8.8.8']) {
      assert.ok(!isPublicAddress(address), address)
    }
  })

  test('of this machine are told from all others', () => {
    for (const address of ['127.0.0.1', '127.8.8.8', '::1']) assert.ok(isLoopbackAddress(address))
    for (const address of [...PUBLIC, '10.0.0.1', '::', 'localhost', '0.0.0.0']) {
      assert.ok(!isLoopbackAddress(address), address)
    }
  })
})

describe('documents of identity providers', () => {
  const servers: Server[] = []

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  async function portOf(server: Server): Promise<number> {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  const serving = (listener: RequestListener): Promise<number> => portOf(createServer(listener))

  const documents = (options: Partial<ProviderDocumentsOptions> = {}) =>
    createProviderDocuments({ allowPrivate: true, ...options })

  const refuses = (work: Promise<unknown>, message: RegExp): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof DependencyError, String(error))
      assert.match(error.message, message)
      return true
    })

  test('come by plain HTTP from this machine alone, and only where that is allowed', async () => {
    const port = await serving((_request, response) => response.end('{"a":1}'))
    assert.equal(await documents().fetch(`http://127.0.0.1:${port}/x`), '{"a":1}')
    const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])
    assert.equal(await documents({ resolve }).fetch(`http://idp.test:${port}/`), '{"a":1}')
    await refuses(
      documents({ allowPrivate: false }).fetch(`http://127.0.0.1:${port}/`),
      /not in the public Internet/,
    )
    const inner = () => Promise.resolve([{ address: '10.0.0.1', family: 4 }])
    await refuses(documents({ resolve: inner }).fetch('http://idp.test/'), /not https/)
    const outside = () => Promise.resolve([{ address: '8.8.8.8', family: 4 }])
    await refuses(
      documents({ allowPrivate: false, resolve: outside }).fetch('http://idp.test/'),
      /not https/,
    )
  })

  test('do not come from inner addresses, however they are written', async () => {
    const closed = documents({ allowPrivate: false })
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '0',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[fe80::1]',
      '169.254.169.254',
      '10.0.0.1',
    ]) {
      await refuses(closed.fetch(`https://${host}/`), /not in the public Internet/)
    }
    for (const address of INNER) {
      const resolve = () =>
        Promise.resolve([
          { address: '8.8.8.8', family: 4 },
          { address, family: address.includes(':') ? 6 : 4 },
        ])
      const mixed = documents({ allowPrivate: false, resolve })
      await refuses(mixed.fetch('https://idp.test/'), /not in the public Internet/)
    }
  })

  test('come from the address that was checked, whatever the name means next', async () => {
    const port = await serving((request, response) => response.end(request.headers.host))
    const answers: LookupAddress[][] = [
      [{ address: '127.0.0.1', family: 4 }],
      [{ address: '127.0.0.2', family: 4 }],
    ]
    let asked = 0
    const resolve = () => Promise.resolve(answers[asked++] ?? [])
    const body = await documents({ resolve }).fetch(`http://idp.test:${port}/`)
    assert.equal(body, `idp.test:${port}`)
    assert.equal(asked, 1)
  })

  test('are not looked for where a redirect leads', async () => {
    let followed = 0
    const port = await serving((request, response) => {
      if (request.url === '/end') followed++
      response.writeHead(302, { location: '/end' }).end()
    })
    await refuses(documents().fetch(`http://127.0.0.1:${port}/`), /answered with 302/)
    assert.equal(followed, 0)
    for (const status of [204, 206, 304, 400, 404, 500]) {
      const other = await serving((_request, response) => response.writeHead(status).end())
      await refuses(documents().fetch(`http://127.0.0.1:${other}/`), /answered with/)
    }
  })

  test('are bounded in size, also when they say nothing of it', async () => {
    const port = await serving((_request, response) => {
      response.on('error', () => undefined)
      const piece = Buffer.alloc(65_536, ' ')
      const send = (): void => {
        while (response.write(piece)) if (response.destroyed) return
        response.once('drain', send)
      }
      send()
    })
    await refuses(documents().fetch(`http://127.0.0.1:${port}/`), /too large/)
    const zipped = await serving((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    )
    await refuses(documents().fetch(`http://127.0.0.1:${zipped}/`), /encoded/)
    const heads = await serving((_request, response) =>
      response.writeHead(200, { x: 'x'.repeat(20_000) }).end('x'),
    )
    await refuses(documents().fetch(`http://127.0.0.1:${heads}/`), /not fetched/)
  })

  test('are bounded in time, from the name to the last byte', async () => {
    const silent = await serving(() => undefined)
    const slow = await serving((_request, response) => {
      const drip = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(drip))
    })
    const hasty = { timeoutMs: 100 }
    for (const port of [silent, slow]) {
      await refuses(documents(hasty).fetch(`http://127.0.0.1:${port}/`), /not fetched/)
    }
    const resolve = () => new Promise<never>(() => undefined)
    await refuses(documents({ ...hasty, resolve }).fetch('https://idp.test/'), /took too long/)
  })

  test('come over TLS from whom an authority vouches for', async () => {
    const random = createRandom()
    const now = instant(Date.now())
    const authority = await createAuthority({ random, now })
    const certified = await issueServerCertificate(authority, { random, now, hosts: ['idp.test'] })
    using key = certified.privateKeyPem
    const port = await portOf(
      createTlsServer(
        { key: Buffer.from(key.expose()), cert: certified.certificatePem },
        (_request, response) => response.end('x'),
      ),
    )
    const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])
    await refuses(documents({ resolve }).fetch(`https://idp.test:${port}/`), /not fetched/)
  })

  test('have a plain URL', async () => {
    for (const url of ['', 'x', '//host/', `https://${'x'.repeat(2048)}/`]) {
      await refuses(documents().fetch(url), /malformed/)
    }
    await refuses(documents().fetch('https://a:b@127.0.0.1/'), /credentials/)
    for (const url of ['file:///etc/passwd', 'data:text/plain,x', 'ftp://127.0.0.1/x']) {
      await refuses(documents().fetch(url), /not https|not fetched|no address/)
    }
  })
})
