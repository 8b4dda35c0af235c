import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { OperatorError } from '../../core/errors.ts'
import { isPostgresUrl, parsePostgresUrl } from './postgres-url.ts'

const PASSWORD = 'p%40ssword%2F1'

function refusalOf(url: string): OperatorError {
  try {
    parsePostgresUrl(url)
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error
  }
  throw new Error(`${url} was taken`)
}

describe('the URL of a store', () => {
  test('is told from a file', () => {
    assert.ok(isPostgresUrl('postgres://a@b/c'))
    assert.ok(isPostgresUrl('postgresql://a@b/c'))
    for (const text of ['postgres.db', './postgres:/x', 'mysql://a@b/c', 'POSTGRES']) {
      assert.equal(isPostgresUrl(text), false, text)
    }
  })

  test('gives every part', () => {
    const address = parsePostgresUrl(
      'postgresql://us%65r:p%40ss%2Fword%3A1@db.example:6543/my%20kms?schema=keys&sslrootcert=%2Fca.pem&sslcert=c.pem&sslkey=k.pem&sslmode=verify-ca',
    )
    const { password, ...rest } = address
    assert.equal(Buffer.from(password?.expose() ?? []).toString(), 'p@ss/word:1')
    assert.deepEqual(rest, {
      hosts: [{ host: 'db.example', port: 6543 }],
      database: 'my kms',
      user: 'user',
      schema: 'keys',
      tls: 'verify-ca',
      caFile: '/ca.pem',
      certFile: 'c.pem',
      keyFile: 'k.pem',
      label: 'postgres://user@db.example:6543/my kms?schema=keys',
    })
  })

  test('has defaults, and verifies the certificate of any host but this one', () => {
    const far = parsePostgresUrl('postgres://a@db.example/kms')
    assert.equal(far.label, 'postgres://a@db.example:5432/kms')
    assert.deepEqual(
      [far.hosts[0]?.port, far.schema, far.password, far.tls],
      [5432, 'strongroom', undefined, 'verify-full'],
    )
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
      assert.equal(parsePostgresUrl(`postgres://a@${host}/kms`).tls, 'disable', host)
    }
    const socket = parsePostgresUrl('postgres://a@localhost/kms?host=/run/postgresql')
    assert.deepEqual([socket.hosts[0]?.host, socket.tls], ['/run/postgresql', 'disable'])
    assert.equal(parsePostgresUrl('postgres://a@[::1]:1/kms').hosts[0]?.host, '::1')
    // A name that only begins like this machine's is another machine's.
    assert.equal(parsePostgresUrl('postgres://a@localhost.example/kms').tls, 'verify-full')
  })

  test('may name several hosts, one of which is the primary', () => {
    const address = parsePostgresUrl(
      'postgres://a:b%2Cc@h1.example,[fd00::2]:6543,10.0.0.3:5433/kms?target_session_attrs=read-write',
    )
    assert.deepEqual(address.hosts, [
      { host: 'h1.example', port: 5432 },
      { host: 'fd00::2', port: 6543 },
      { host: '10.0.0.3', port: 5433 },
    ])
    assert.equal(Buffer.from(address.password?.expose() ?? []).toString(), 'b,c')
    assert.equal(address.label, 'postgres://a@h1.example:5432,fd00::2:6543,10.0.0.3:5433/kms')
    assert.equal(address.tls, 'verify-full')
    // One that is far away is enough for TLS.
    assert.equal(parsePostgresUrl('postgres://a@127.0.0.1,far/kms').tls, 'verify-full')
    assert.equal(parsePostgresUrl('postgres://a@127.0.0.1:1,127.0.0.1:2/kms').tls, 'disable')
  })

  const refused: readonly (readonly [string, RegExp])[] = [
    ['postgres://a:PW@h1,/kms', /names no host|cannot be read/],
    ['postgres://a:PW@h1,h1:5432/kms', /a host twice/],
    ['postgres://a:PW@h1,h2/kms?host=/run/postgresql', /several hosts and the folder/],
    ['postgres://a:PW@h1,h2:port/kms', /cannot be read/],
    ['postgres://a:PW@h1,h2/kms?target_session_attrs=standby', /a server that is standby/],
    [
      `postgres://a:PW@${Array.from({ length: 17 }, (_, at) => `h${at}`).join()}/kms`,
      /more than 16/,
    ],
    ['postgres://a:PW@h/kms?sslmode=require', /sslmode=require/],
    ['postgres://a:PW@h/kms?sslmode=prefer', /sslmode=prefer/],
    ['postgres://a:PW@h/kms?sslmode=disable&sslrootcert=x', /an authority and no TLS/],
    ['postgres://a:PW@h/kms?sslcert=x', /only one of sslcert and sslkey/],
    ['postgres://a:PW@h/kms?options=-c', /unknown parameter options/],
    ['postgres://a:PW@h/kms?schema=Keys', /schema/],
    ['postgres://a:PW@h/kms?schema=k"', /schema/],
    ['postgres://a:PW@h/', /names no database/],
    ['postgres://a:PW@h', /names no database/],
    ['postgres://h/kms', /names no user/],
    ['postgres://a:PW@/kms', /names no host|cannot be read/],
    ['postgres://a:PW@h:port/kms', /cannot be read/],
    ['postgres://a:%zzPW@h/kms', /stray %/],
  ]
  for (const [text, reason] of refused) {
    test(`is refused where it says ${text}, and nobody reads the password`, () => {
      const error = refusalOf(text.replace('PW', PASSWORD))
      assert.match(error.message, reason)
      assert.doesNotMatch(inspect(error, { depth: 9 }), /p%40ss|p@ss/)
    })
  }

  test('prints no password', () => {
    const address = parsePostgresUrl(`postgres://a:${PASSWORD}@h/kms`)
    assert.doesNotMatch(inspect(address, { depth: 9 }), /p%40ss|p@ss/)
    assert.throws(() => JSON.stringify(address), TypeError)
  })
})
