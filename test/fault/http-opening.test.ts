import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openHttpTransport } from '../../src/server/http/http-transport.ts'
import { echo, MemoryLog } from './http-fixture.ts'

const open = (host: string, port: number) =>
  openHttpTransport({ host, port, handler: echo, log: new MemoryLog() })

describe('opening an HTTP endpoint', () => {
  test('a port in use is named in plain words', async (t) => {
    const first = await open('127.0.0.1', 0)
    t.after(() => first.close(0))
    await assert.rejects(open('127.0.0.1', first.address.port), {
      name: 'OperatorError',
      message: /^port \d+ on 127\.0\.0\.1 is in use by another program$/,
      hint: /--port/,
    })
  })

  test('an address of another machine, a bad name and a bad port are named', async () => {
    await assert.rejects(open('192.0.2.1', 0), { message: /not an address of this machine/ })
    await assert.rejects(open('127.0.0.1', 70_000), { message: '70000 is not a port' })
    await assert.rejects(open('127.0.0.1', 1.5), { message: '1.5 is not a port' })
  })

  test('the endpoint is a URL that works, also for IPv6 and wildcards', async (t) => {
    const any = await open('0.0.0.0', 0)
    t.after(() => any.close(0))
    assert.equal(any.endpoint, `http://127.0.0.1:${any.address.port}`)
    const v6 = await open('::1', 0).catch(() => undefined)
    if (v6 === undefined) return t.diagnostic('this machine has no IPv6 loopback')
    t.after(() => v6.close(0))
    assert.equal(v6.endpoint, `http://[::1]:${v6.address.port}`)
  })
})
