import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { KEYS } from '../../src/core/tables.ts'
import {
  CREDENTIAL,
  SERVICE,
  STORE_ACCOUNT,
  STORE_REGION,
  StoreDesk,
  storesOf,
} from '../support/custom-key-stores.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { createKey, refused, succeeded, WireClient } from '../support/wire-client.ts'

let node: MemoryNode
let kms: WireClient
let desk: StoreDesk

before(async () => {
  node = await startMemoryNode()
  kms = new WireClient(node.endpoint, STORE_ACCOUNT)
  desk = new StoreDesk(node, kms)
})

after(async () => {
  kms.close()
  await node.close()
})

beforeEach(() => desk.removeAll())

describe('a connection', () => {
  test('is attempted after the reply, and fails with its reason', async () => {
    const id = await desk.create('hopeful')
    const answer = await kms.kms('ConnectCustomKeyStore', { CustomKeyStoreId: id })
    assert.deepEqual([answer.status, answer.text], [200, '{}'])
    assert.equal((await desk.describe(id))['ConnectionState'], 'CONNECTING')
    await node.runTimedWork()
    const failed = await desk.describe(id)
    assert.deepEqual(
      [failed['ConnectionState'], failed['ConnectionErrorCode']],
      ['FAILED', 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND'],
    )
    succeeded(await kms.kms('DisconnectCustomKeyStore', { CustomKeyStoreId: id }))
    const leaving = await desk.describe(id)
    assert.deepEqual(
      [leaving['ConnectionState'], leaving['ConnectionErrorCode']],
      ['DISCONNECTING', undefined],
    )
    await node.runTimedWork()
    assert.equal((await desk.describe(id))['ConnectionState'], 'DISCONNECTED')
    succeeded(await kms.kms('DeleteCustomKeyStore', { CustomKeyStoreId: id }))
    assert.deepEqual(storesOf(await kms.kms('DescribeCustomKeyStores')), [])
  })

  test('has its outcome in the log, once', async () => {
    const id = await desk.create('recorded')
    succeeded(await kms.kms('ConnectCustomKeyStore', { CustomKeyStoreId: id }))
    await node.runTimedWork()
    await node.runTimedWork()
    const { kind, internal, records } = node.sink.frames.at(-1) ?? {}
    assert.deepEqual([kind, records], ['background', []])
    const { outbox, ...rest } = internal ?? {}
    assert.equal(typeof outbox, 'number')
    assert.deepEqual(rest, {
      time: node.clock.now(),
      action: 'custom-key-store-connection',
      accountId: STORE_ACCOUNT,
      region: STORE_REGION,
      customKeyStoreId: id,
      connectionState: 'FAILED',
      connectionErrorCode: 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND',
    })
  })

  test('of a store of either type that no call here can make fails as well', async () => {
    const { record } = await desk.stored(await desk.create('model'))
    assert.ok(record.xksProxy)
    const xksProxy = { ...record.xksProxy, connectivity: 'PUBLIC_ENDPOINT' } as const
    for (const [more, code] of [
      [{ type: 'AWS_CLOUDHSM', xksProxy: undefined }, 'CLUSTER_NOT_FOUND'],
      [{ xksProxy }, 'XKS_PROXY_NOT_REACHABLE'],
    ] as const) {
      const id = await desk.create(code)
      await desk.change(id, more)
      succeeded(await kms.kms('ConnectCustomKeyStore', { CustomKeyStoreId: id }))
      await node.runTimedWork()
      assert.equal((await desk.describe(id))['ConnectionErrorCode'], code)
    }
  })
})

const STATES = ['DISCONNECTED', 'CONNECTING', 'CONNECTED', 'FAILED', 'DISCONNECTING'] as const

/** Source: AWS KMS API Reference, CustomKeyStoreInvalidStateException. `ok`, or refused by the state. */
const STATE_CASES: readonly {
  readonly name: string
  readonly operation: string
  readonly input?: object
  /** In the order of `STATES`. */
  readonly outcomes: readonly ('ok' | 'no')[]
}[] = [
  {
    name: 'Connect',
    operation: 'ConnectCustomKeyStore',
    outcomes: ['ok', 'ok', 'ok', 'no', 'no'],
  },
  {
    name: 'Disconnect',
    operation: 'DisconnectCustomKeyStore',
    outcomes: ['no', 'ok', 'ok', 'ok', 'no'],
  },
  {
    name: 'Update (name)',
    operation: 'UpdateCustomKeyStore',
    input: { NewCustomKeyStoreName: 'renamed' },
    outcomes: ['ok', 'no', 'ok', 'no', 'no'],
  },
  {
    name: 'Update (credential)',
    operation: 'UpdateCustomKeyStore',
    input: { XksProxyAuthenticationCredential: CREDENTIAL },
    outcomes: ['ok', 'no', 'ok', 'no', 'no'],
  },
  {
    name: 'Update (path)',
    operation: 'UpdateCustomKeyStore',
    input: { XksProxyUriPath: '/new/kms/xks/v1' },
    outcomes: ['ok', 'no', 'ok', 'no', 'no'],
  },
  {
    name: 'Update (endpoint)',
    operation: 'UpdateCustomKeyStore',
    input: { XksProxyUriEndpoint: 'https://new.example.test' },
    outcomes: ['ok', 'no', 'no', 'no', 'no'],
  },
  {
    name: 'Update (name and endpoint service)',
    operation: 'UpdateCustomKeyStore',
    input: { NewCustomKeyStoreName: 'renamed', XksProxyVpcEndpointServiceName: `${SERVICE}0` },
    outcomes: ['ok', 'no', 'no', 'no', 'no'],
  },
  {
    name: 'Delete',
    operation: 'DeleteCustomKeyStore',
    outcomes: ['ok', 'no', 'no', 'no', 'no'],
  },
]

describe('each operation meets a custom key store', () => {
  for (const { name, operation, input, outcomes } of STATE_CASES) {
    for (const [at, connectionState] of STATES.entries()) {
      const outcome = outcomes[at]
      test(`${name}, ${connectionState}: ${outcome}`, async () => {
        const CustomKeyStoreId = await desk.create('subject')
        await desk.change(CustomKeyStoreId, { connectionState })
        const answer = await kms.kms(operation, { CustomKeyStoreId, ...input })
        if (outcome === 'ok') {
          assert.deepEqual(succeeded(answer), {})
          return
        }
        const text = new RegExp(`^The custom key store ${CustomKeyStoreId} is ${connectionState}, `)
        refused(answer, 'CustomKeyStoreInvalidStateException', text)
        assert.equal((await desk.describe(CustomKeyStoreId))['ConnectionState'], connectionState)
      })
    }
  }

  for (const connectionState of STATES) {
    test(`CreateKey and GenerateRandom, ${connectionState}`, async () => {
      const CustomKeyStoreId = await desk.create('subject')
      await desk.change(CustomKeyStoreId, { connectionState, type: 'AWS_CLOUDHSM' })
      const calls = [
        ['CreateKey', { CustomKeyStoreId, Origin: 'AWS_CLOUDHSM' }],
        ['GenerateRandom', { CustomKeyStoreId, NumberOfBytes: 16 }],
      ] as const
      for (const [operation, input] of calls) {
        const answer = await kms.kms(operation, input)
        if (connectionState === 'CONNECTED') {
          // Nothing stands behind a store, and nothing is made in its place.
          refused(answer, 'KMSInternalException', /internal error/, 500)
        } else {
          refused(answer, 'CustomKeyStoreInvalidStateException', new RegExp(connectionState))
        }
      }
    })
  }
})

describe('a custom key store', () => {
  test('is asked only for what its type has', async () => {
    const CustomKeyStoreId = await desk.create('external')
    refused(
      await kms.kms('GenerateRandom', { CustomKeyStoreId, NumberOfBytes: 1 }),
      'UnsupportedOperationException',
      'An external key store does not generate random bytes.',
    )
    refused(
      await kms.kms('CreateKey', { CustomKeyStoreId, Origin: 'AWS_CLOUDHSM' }),
      'ValidationException',
      `The custom key store ${CustomKeyStoreId} has keys with origin EXTERNAL_KEY_STORE only.`,
    )
    refused(
      await kms.kms('CreateKey', { CustomKeyStoreId, Origin: 'EXTERNAL_KEY_STORE', XksKeyId: 'k' }),
      'CustomKeyStoreInvalidStateException',
      `The custom key store ${CustomKeyStoreId} is DISCONNECTED, and must be CONNECTED.`,
    )
    for (const more of [
      { KeyStorePassword: 'password' },
      { CloudHsmClusterId: 'cluster-abcdefghijk' },
    ]) {
      refused(
        await kms.kms('UpdateCustomKeyStore', { CustomKeyStoreId, ...more }),
        'ValidationException',
        /is not valid for custom key stores of type EXTERNAL_KEY_STORE\.$/,
      )
    }
  })

  test('with keys is not deleted', async () => {
    const CustomKeyStoreId = await desk.create('full')
    const { id } = await createKey(kms)
    await node.records.transaction(async (tx) => {
      const stored = await tx.find(KEYS, [STORE_REGION, id])
      assert.ok(stored)
      await tx.update(KEYS, stored, { ...stored.record, customKeyStoreId: CustomKeyStoreId })
    })
    refused(
      await kms.kms('DeleteCustomKeyStore', { CustomKeyStoreId }),
      'CustomKeyStoreHasCMKsException',
      `The custom key store ${CustomKeyStoreId} still has KMS keys.`,
    )
  })
})
