import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  CLUSTER,
  CREDENTIAL,
  PROXY,
  SERVICE,
  STORE_ACCOUNT,
  StoreDesk,
  storesOf,
} from '../support/custom-key-stores.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  listOf,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const UNKNOWN = 'cks-00000000000000000'

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

describe('CreateCustomKeyStore', () => {
  const create = (input: object): Promise<WireAnswer> => kms.kms('CreateCustomKeyStore', input)

  test('makes an external key store behind an endpoint service, not yet connected', async () => {
    const id = textOf(
      succeeded(await create({ CustomKeyStoreName: 'first', ...PROXY })),
      'CustomKeyStoreId',
    )
    assert.match(id, /^cks-[0-9a-f]{17}$/)
    assert.deepEqual(await desk.describe(id), {
      CustomKeyStoreId: id,
      CustomKeyStoreName: 'first',
      ConnectionState: 'DISCONNECTED',
      CreationDate: node.clock.now() / 1000,
      CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
      XksProxyConfiguration: {
        Connectivity: 'VPC_ENDPOINT_SERVICE',
        AccessKeyId: CREDENTIAL.AccessKeyId,
        UriEndpoint: PROXY.XksProxyUriEndpoint,
        UriPath: PROXY.XksProxyUriPath,
        VpcEndpointServiceName: SERVICE,
        VpcEndpointServiceOwner: STORE_ACCOUNT,
      },
    })
  })

  test('keeps the secret of the proxy wrapped, and tells it to nobody', async () => {
    const id = await desk.create('secretive')
    assert.equal(await desk.secretOf(id), CREDENTIAL.RawSecretAccessKey)
    refused(
      await create({ CustomKeyStoreName: 'other', ...CLUSTER }),
      'CloudHsmClusterNotFoundException',
      /./,
    )
    const told = [
      JSON.stringify((await desk.stored(id)).record),
      JSON.stringify(await desk.describe(id)),
      ...node.sink.texts,
      ...node.log.lines,
    ]
    for (const text of told) assert.doesNotMatch(text, /CANARY/)
  })

  test('asks for what the type of store needs, and for nothing else', async () => {
    const required = (type: string, members: object) =>
      Object.keys(members).map((member) => [type, member] as const)
    const { XksProxyVpcEndpointServiceName: _, CustomKeyStoreType: __, ...needed } = PROXY
    for (const [type, member] of [
      ...required('AWS_CLOUDHSM', CLUSTER),
      ...required('EXTERNAL_KEY_STORE', needed),
    ]) {
      const all = type === 'AWS_CLOUDHSM' ? CLUSTER : PROXY
      const input = { CustomKeyStoreName: 'x', ...all, [member]: undefined }
      const text = `${member} is required for custom key stores of type ${type}.`
      refused(await create(input), 'ValidationException', text)
    }
    for (const [all, foreign] of [
      [CLUSTER, needed],
      [PROXY, CLUSTER],
    ]) {
      for (const [member, value] of Object.entries(foreign ?? {})) {
        const answer = await create({ CustomKeyStoreName: 'x', ...all, [member]: value })
        refused(answer, 'ValidationException', new RegExp(`^${member} is not valid for`))
      }
    }
  })

  test('asks for an endpoint service where it is to be reached by one, and only there', async () => {
    const named = { CustomKeyStoreName: 'x', ...PROXY }
    refused(
      await create({ ...named, XksProxyVpcEndpointServiceName: undefined }),
      'ValidationException',
      /^XksProxyVpcEndpointServiceName is required/,
    )
    refused(
      await create({ ...named, XksProxyConnectivity: 'PUBLIC_ENDPOINT' }),
      'ValidationException',
      /valid only when XksProxyConnectivity is VPC_ENDPOINT_SERVICE/,
    )
  })

  test('refuses members out of shape without repeating a secret', async () => {
    for (const [more, member] of [
      [{ XksProxyUriEndpoint: 'http://proxy.example.test' }, 'xksProxyUriEndpoint'],
      [{ XksProxyUriEndpoint: 'https://proxy.example.test:8443' }, 'xksProxyUriEndpoint'],
      [{ XksProxyUriPath: '/kms/xks/one' }, 'xksProxyUriPath'],
      [
        { XksProxyVpcEndpointServiceName: 'com.amazonaws.vpce.x' },
        'xksProxyVpcEndpointServiceName',
      ],
    ] as const) {
      const answer = await create({ CustomKeyStoreName: 'x', ...PROXY, ...more })
      refused(answer, 'ValidationException', new RegExp(`at '${member}' failed`))
    }
    const RawSecretAccessKey = `${CREDENTIAL.RawSecretAccessKey}!`
    const credential = { ...CREDENTIAL, RawSecretAccessKey }
    const answer = await create({
      CustomKeyStoreName: 'x',
      ...PROXY,
      XksProxyAuthenticationCredential: credential,
    })
    refused(answer, 'ValidationException', /rawSecretAccessKey' failed/)
    assert.doesNotMatch(answer.text, /CANARY/)
    for (const host of ['10.0.0.1', 'localhost', '-a.test', 'a..test', 'a.test.']) {
      refused(
        await create({ CustomKeyStoreName: 'x', ...PROXY, XksProxyUriEndpoint: `https://${host}` }),
        'ValidationException',
        'XksProxyUriEndpoint must be https:// and a fully qualified domain name.',
      )
    }
  })

  test('knows no CloudHSM cluster, and reaches no proxy with a public endpoint', async () => {
    refused(
      await create({ CustomKeyStoreName: 'x', ...CLUSTER }),
      'CloudHsmClusterNotFoundException',
      'There is no AWS CloudHSM cluster cluster-abcdefghijk.',
    )
    const { XksProxyVpcEndpointServiceName: _, ...rest } = PROXY
    const input = { CustomKeyStoreName: 'x', ...rest, XksProxyConnectivity: 'PUBLIC_ENDPOINT' }
    refused(
      await create(input),
      'XksProxyUriUnreachableException',
      'The external key store proxy at https://proxy.example.test cannot be reached: this service opens no connections to proxies.',
    )
    assert.deepEqual(storesOf(await kms.kms('DescribeCustomKeyStores')), [])
  })

  test('makes no two stores of one name, address or endpoint service', async () => {
    await desk.create('taken', PROXY)
    const other = { CustomKeyStoreName: 'other', ...PROXY }
    for (const [more, code] of [
      [{ CustomKeyStoreName: 'taken' }, 'CustomKeyStoreNameInUseException'],
      [{}, 'XksProxyUriInUseException'],
      [{ XksProxyUriEndpoint: 'https://PROXY.example.test' }, 'XksProxyUriInUseException'],
      [{ XksProxyUriPath: '/a/kms/xks/v1' }, 'XksProxyUriEndpointInUseException'],
      [
        { XksProxyUriEndpoint: 'https://other.example.test' },
        'XksProxyVpcEndpointServiceInUseException',
      ],
    ] as const) {
      refused(await create({ ...other, ...more }), code, /./)
    }
    const rest = { XksProxyUriPath: '/a/kms/xks/v1', XksProxyVpcEndpointServiceName: undefined }
    refused(
      await create({ ...other, ...rest, XksProxyConnectivity: 'PUBLIC_ENDPOINT' }),
      'XksProxyUriEndpointInUseException',
      /./,
    )
    const elsewhere = await kms.kms('CreateCustomKeyStore', other, { region: 'us-east-1' })
    succeeded(elsewhere)
  })

  test('makes ten stores in an account and Region', async () => {
    for (let at = 0; at < 10; at++) await desk.create(`store-${at}`)
    refused(
      await create({ CustomKeyStoreName: 'one more', ...desk.freshProxy() }),
      'LimitExceededException',
      'This account already has 10 custom key stores in this Region.',
    )
    const pages: string[] = []
    for (let Marker: unknown; ; ) {
      const page = succeeded(await kms.kms('DescribeCustomKeyStores', { Limit: 4, Marker }))
      pages.push(
        ...listOf(page, 'CustomKeyStores').map((entry) => textOf(entry, 'CustomKeyStoreName')),
      )
      Marker = page['NextMarker']
      if (page['Truncated'] !== true) break
    }
    assert.equal(new Set(pages).size, 10)
    refused(
      await kms.kms('DescribeCustomKeyStores', { Marker: 'x' }),
      'InvalidMarkerException',
      'Invalid marker',
    )
  })
})

describe('DescribeCustomKeyStores', () => {
  test('finds one by id or by name, not by both', async () => {
    const id = await desk.create('wanted')
    await desk.create('unwanted')
    const byName = await kms.kms('DescribeCustomKeyStores', { CustomKeyStoreName: 'wanted' })
    assert.deepEqual(storesOf(byName), [await desk.describe(id)])
    assert.equal(storesOf(await kms.kms('DescribeCustomKeyStores')).length, 2)
    const both = { CustomKeyStoreName: 'wanted', CustomKeyStoreId: id }
    refused(await kms.kms('DescribeCustomKeyStores', both), 'ValidationException', /same request/)
  })

  test('and every other operation refuse an unknown store without a message', async () => {
    const CustomKeyStoreId = UNKNOWN
    for (const [operation, input] of [
      ['DescribeCustomKeyStores', { CustomKeyStoreId }],
      ['DescribeCustomKeyStores', { CustomKeyStoreName: 'none' }],
      ['ConnectCustomKeyStore', { CustomKeyStoreId }],
      ['DisconnectCustomKeyStore', { CustomKeyStoreId }],
      ['UpdateCustomKeyStore', { CustomKeyStoreId }],
      ['DeleteCustomKeyStore', { CustomKeyStoreId }],
      ['CreateKey', { CustomKeyStoreId, Origin: 'AWS_CLOUDHSM' }],
      ['GenerateRandom', { CustomKeyStoreId, NumberOfBytes: 1 }],
    ] as const) {
      refused(await kms.kms(operation, input), 'CustomKeyStoreNotFoundException')
    }
    const id = await desk.create('of another account')
    const stranger = new WireClient(node.endpoint, '444455556666')
    const input = { CustomKeyStoreId: id }
    refused(await stranger.kms('ConnectCustomKeyStore', input), 'CustomKeyStoreNotFoundException')
    stranger.close()
  })
})

describe('UpdateCustomKeyStore', () => {
  test('changes name, proxy and credential', async () => {
    const id = await desk.create('old')
    const update = {
      CustomKeyStoreId: id,
      NewCustomKeyStoreName: 'new',
      XksProxyUriEndpoint: 'https://new.example.test',
      XksProxyUriPath: '/new/kms/xks/v1',
      XksProxyVpcEndpointServiceName: `${SERVICE}1`,
      XksProxyVpcEndpointServiceOwner: '444455556666',
      XksProxyAuthenticationCredential: {
        AccessKeyId: '22222222222222222222',
        RawSecretAccessKey: 'another/secret/of/the/proxy/0123456789abcdefghij',
      },
    }
    assert.deepEqual(succeeded(await kms.kms('UpdateCustomKeyStore', update)), {})
    const entry = await desk.describe(id)
    assert.equal(entry['CustomKeyStoreName'], 'new')
    assert.deepEqual(entry['XksProxyConfiguration'], {
      Connectivity: 'VPC_ENDPOINT_SERVICE',
      AccessKeyId: '22222222222222222222',
      UriEndpoint: 'https://new.example.test',
      UriPath: '/new/kms/xks/v1',
      VpcEndpointServiceName: `${SERVICE}1`,
      VpcEndpointServiceOwner: '444455556666',
    })
    const { RawSecretAccessKey } = update.XksProxyAuthenticationCredential
    assert.equal(await desk.secretOf(id), RawSecretAccessKey)
  })

  test('keeps the credential where only the name changes, also its own', async () => {
    const id = await desk.create('same')
    for (const NewCustomKeyStoreName of ['same', 'different']) {
      const input = { CustomKeyStoreId: id, NewCustomKeyStoreName }
      succeeded(await kms.kms('UpdateCustomKeyStore', input))
    }
    assert.equal(await desk.secretOf(id), CREDENTIAL.RawSecretAccessKey)
  })

  test('takes nothing that another store has, and no public endpoint', async () => {
    await desk.create('holder', PROXY)
    const id = await desk.create('subject')
    for (const [more, code] of [
      [{ NewCustomKeyStoreName: 'holder' }, 'CustomKeyStoreNameInUseException'],
      [{ XksProxyUriEndpoint: PROXY.XksProxyUriEndpoint }, 'XksProxyUriInUseException'],
      [
        { XksProxyUriEndpoint: PROXY.XksProxyUriEndpoint, XksProxyUriPath: '/a/kms/xks/v1' },
        'XksProxyUriEndpointInUseException',
      ],
      [{ XksProxyVpcEndpointServiceName: SERVICE }, 'XksProxyVpcEndpointServiceInUseException'],
      [{ XksProxyConnectivity: 'PUBLIC_ENDPOINT' }, 'ValidationException'],
      [
        { XksProxyConnectivity: 'PUBLIC_ENDPOINT', XksProxyUriEndpoint: 'https://a.example.test' },
        'XksProxyUriUnreachableException',
      ],
    ] as const) {
      const present = await desk.describe(id)
      refused(await kms.kms('UpdateCustomKeyStore', { CustomKeyStoreId: id, ...more }), code, /./)
      assert.deepEqual(await desk.describe(id), present)
    }
  })
})
