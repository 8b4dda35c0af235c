import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startDev } from '../../src/server/dev/dev.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { ACCOUNT, MANAGE, policyOf, ROOT, statement } from '../support/service-bench.ts'
import {
  createKey,
  refused,
  succeeded,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const NO_POLICY = /because no resource-based policy allows the kms:Encrypt action$/
/** Chunked bodies are read by node:http, all others of these by the fast path. */
const TRANSPORTS = [
  ['the fast path', {}],
  ['node:http', { 'transfer-encoding': 'chunked' }],
] as const

/** Lets the account encrypt under a condition. */
const under = (condition: object): object => ({
  Policy: policyOf(MANAGE, statement({ AWS: ROOT }, 'kms:Encrypt', condition)),
})
const FROM_OFFICE = { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }
const NOT_FROM_OFFICE = { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }
const FROM_LOOPBACK = { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }
const SECURE = { Bool: { 'aws:SecureTransport': 'true' } }
const NOT_SECURE = { Bool: { 'aws:SecureTransport': 'false' } }
const NO_TLS_VERSION = { Null: { 'aws:TlsVersion': 'true' }, ...SECURE }

class Caller {
  readonly node: MemoryNode
  readonly kms: WireClient

  constructor(node: MemoryNode) {
    this.node = node
    this.kms = new WireClient(node.endpoint, ACCOUNT)
  }

  encrypt(keyId: string, unsignedHeaders: Record<string, string>): Promise<WireAnswer> {
    return this.kms.kms('Encrypt', { KeyId: keyId, Plaintext: 'AAAA' }, { unsignedHeaders })
  }

  async allows(
    condition: object,
    headers: Record<string, string>,
    isAllowed: boolean,
  ): Promise<WireAnswer> {
    const { id } = await createKey(this.kms, under(condition))
    const answer = await this.encrypt(id, headers)
    if (isAllowed) succeeded(answer)
    else refused(answer, 'AccessDeniedException', NO_POLICY)
    return answer
  }

  async close(): Promise<void> {
    this.kms.close()
    await this.node.close()
  }
}

describe('behind a trusted proxy', () => {
  let caller: Caller

  before(async () => {
    caller = new Caller(await startMemoryNode({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] }))
  })
  after(() => caller.close())

  for (const [name, transport] of TRANSPORTS) {
    test(`the client's address and scheme decide, by ${name}`, async () => {
      const office = { ...transport, 'x-forwarded-for': '198.51.100.9, 203.0.113.7, 10.0.0.9' }
      const elsewhere = { ...transport, 'x-forwarded-for': '203.0.113.7, 198.51.100.9' }
      const unreadable = { ...transport, 'x-forwarded-for': '203.0.113.7, nonsense' }
      const tls = { ...transport, 'x-forwarded-proto': 'https' }
      for (const [condition, headers, isAllowed] of [
        [FROM_OFFICE, office, true],
        [FROM_OFFICE, elsewhere, false],
        [FROM_OFFICE, unreadable, false],
        [FROM_LOOPBACK, unreadable, true],
        [FROM_LOOPBACK, transport, true],
        [FROM_LOOPBACK, office, false],
        [NOT_FROM_OFFICE, office, false],
        [NOT_FROM_OFFICE, elsewhere, true],
        [SECURE, tls, true],
        [NO_TLS_VERSION, tls, true],
        [NOT_SECURE, tls, false],
        [SECURE, transport, false],
        [SECURE, { ...transport, 'x-forwarded-proto': 'http' }, false],
      ] as const) {
        await caller.allows(condition, headers, isAllowed)
      }
    })

    test(`the client's address is on the record, by ${name}`, async () => {
      const headers = { ...transport, 'x-forwarded-for': '::ffff:203.0.113.7' }
      const answer = await caller.allows(FROM_OFFICE, headers, true)
      const record = caller.node.sink.record(answer.requestId)
      assert.equal(record['sourceIPAddress'], '203.0.113.7')
    })
  }
})

describe('without a trusted proxy', () => {
  let callers: readonly Caller[]

  before(async () => {
    callers = [
      new Caller(await startMemoryNode()),
      new Caller(await startMemoryNode({ trustedProxies: ['10.0.0.0/8'] })),
    ]
  })
  after(() => Promise.all(callers.map((caller) => caller.close())))

  for (const [name, transport] of TRANSPORTS) {
    test(`what a client says of its address and scheme counts for nothing, by ${name}`, async () => {
      const said = {
        ...transport,
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-proto': 'https',
        'x-real-ip': '203.0.113.7',
        forwarded: 'for=203.0.113.7;proto=https',
        'true-client-ip': '203.0.113.7',
      }
      for (const caller of callers) {
        await caller.allows(FROM_OFFICE, said, false)
        await caller.allows(NOT_FROM_OFFICE, said, true)
        await caller.allows(SECURE, said, false)
        const answer = await caller.allows(FROM_LOOPBACK, said, true)
        assert.equal(caller.node.sink.record(answer.requestId)['sourceIPAddress'], '127.0.0.1')
      }
    })
  }
})

test('strongroom dev takes --trusted-proxy', async () => {
  const options = { host: '127.0.0.1', port: 0, account: ACCOUNT, region: 'eu-central-1' } as const
  const dev = { ...options, allowPlainHttp: false, logLevel: 'silent' } as const
  await assert.rejects(startDev({ ...dev, trustedProxies: ['localhost'] }), /is no network/)
  const server = await startDev({ ...dev, trustedProxies: ['127.0.0.1'] })
  const kms = new WireClient(server.endpoint, ACCOUNT)
  try {
    const { id } = await createKey(kms, under(FROM_OFFICE))
    const encrypt = (address: string) =>
      kms.kms(
        'Encrypt',
        { KeyId: id, Plaintext: 'AAAA' },
        { unsignedHeaders: { 'x-forwarded-for': address } },
      )
    succeeded(await encrypt('203.0.113.7'))
    refused(await encrypt('198.51.100.1'), 'AccessDeniedException', NO_POLICY)
  } finally {
    kms.close()
    await server.stop()
  }
})
