import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  KMSClient,
  paginateListAliases,
  paginateListKeyPolicies,
  paginateListKeys,
  paginateListResourceTags,
} from '@aws-sdk/client-kms'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const KEYS = 205
const ALIASES = 120
/** All aliases of one key, as many as it may have. */
const ALIASES_OF_FIRST = 50
const TAGS = 50

/** In the order of code units. */
const sorted = (texts: readonly (string | undefined)[]): readonly string[] =>
  texts.map(String).sort((a, b) => (a < b ? -1 : 1))

describe('listings', () => {
  let node: MemoryNode
  let kms: WireClient
  let sdk: KMSClient
  const ids: string[] = []
  const names: string[] = []

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
    sdk = new KMSClient({
      endpoint: node.endpoint,
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
      maxAttempts: 1,
    })
    while (ids.length < KEYS) ids.push((await createKey(kms)).id)
    for (let at = 0; at < ALIASES; at++) {
      const AliasName = `alias/${String(at * 7919).padStart(7, '0')}`
      const TargetKeyId = ids[at < ALIASES_OF_FIRST ? 0 : at]
      succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId }))
      names.push(AliasName)
    }
    const Tags = Array.from({ length: TAGS }, (_, at) => ({ TagKey: `k${at}`, TagValue: `v${at}` }))
    succeeded(await kms.kms('TagResource', { KeyId: ids[0], Tags }))
  })

  after(async () => {
    sdk.destroy()
    kms.close()
    await node.close()
  })

  test('the paginators of the SDK bring every item once, whatever the page size', async () => {
    for (const pageSize of [1, 7, 100, 204, 205, 206, 1000]) {
      if (pageSize === 1 || pageSize >= 100) {
        const seen: (string | undefined)[] = []
        for await (const page of paginateListKeys({ client: sdk, pageSize }, {})) {
          seen.push(...(page.Keys ?? []).map(({ KeyId }) => KeyId))
        }
        assert.deepEqual(sorted(seen), sorted(ids))
      }
      if (pageSize > 100) continue
      const seen: (string | undefined)[] = []
      for await (const page of paginateListAliases({ client: sdk, pageSize }, {})) {
        seen.push(...(page.Aliases ?? []).map(({ AliasName }) => AliasName))
      }
      assert.deepEqual(sorted(seen), sorted(names))
    }
  })

  test('the paginators bring the aliases, tags and policies of one key', async () => {
    const KeyId = String(ids[0])
    for (const pageSize of [1, 3, 49, 50]) {
      const tags: (string | undefined)[] = []
      const config = { client: sdk, pageSize }
      for await (const page of paginateListResourceTags(config, { KeyId })) {
        tags.push(...(page.Tags ?? []).map(({ TagKey, TagValue }) => `${TagKey}=${TagValue}`))
      }
      assert.deepEqual(
        sorted(tags),
        sorted(Array.from({ length: TAGS }, (_, at) => `k${at}=v${at}`)),
      )
      const aliases: (string | undefined)[] = []
      for await (const page of paginateListAliases(config, { KeyId })) {
        aliases.push(...(page.Aliases ?? []).map(({ AliasName }) => AliasName))
      }
      assert.deepEqual(sorted(aliases), sorted(names.slice(0, ALIASES_OF_FIRST)))
    }
    const policies: string[] = []
    for await (const page of paginateListKeyPolicies({ client: sdk, pageSize: 1 }, { KeyId })) {
      policies.push(...(page.PolicyNames ?? []))
    }
    assert.deepEqual(policies, ['default'])
  })

  /** Limits by operation. Source: AWS KMS API Reference, Limit of each listing. */
  const LIMITS = [
    ['ListKeys', 'Keys', 100, 1000],
    ['ListAliases', 'Aliases', 50, 100],
    ['ListResourceTags', 'Tags', 50, 50],
  ] as const

  const inputOf = (operation: string): object =>
    operation === 'ListResourceTags' ? { KeyId: ids[0] } : {}

  for (const [operation, list, byDefault, max] of LIMITS) {
    test(`${operation} gives ${byDefault} unless told, and at most ${max}`, async () => {
      const page = succeeded(await kms.kms(operation, inputOf(operation)))
      assert.equal(listOf(page, list).length, byDefault)
      succeeded(await kms.kms(operation, { ...inputOf(operation), Limit: max }))
      for (const [Limit, rule] of [
        [0, 'greater than or equal to 1'],
        [-1, 'greater than or equal to 1'],
        [max + 1, `less than or equal to ${max}`],
        [1001, `less than or equal to ${operation === 'ListKeys' ? 1000 : max}`],
      ] as const) {
        // The shape's own limit, 1,000, is told before the operation's.
        const told = Limit === 1001 ? 'less than or equal to 1000' : rule
        refused(
          await kms.kms(operation, { ...inputOf(operation), Limit }),
          'ValidationException',
          `1 validation error detected: Value '${Limit}' at 'limit' failed to satisfy constraint: Member must have value ${told}`,
        )
      }
    })

    test(`${operation} says Truncated always and NextMarker only when it is true`, async () => {
      const first = succeeded(await kms.kms(operation, { ...inputOf(operation), Limit: 1 }))
      assert.equal(first['Truncated'], true)
      assert.ok(textOf(first, 'NextMarker').length <= 1024)
      let page = first
      while (page['Truncated'] === true) {
        const Marker = textOf(page, 'NextMarker')
        page = succeeded(await kms.kms(operation, { ...inputOf(operation), Limit: 49, Marker }))
      }
      assert.deepEqual(new Set(Object.keys(page)), new Set([list, 'Truncated']))
      assert.equal(page['Truncated'], false)
    })
  }

  test('a page that ends with the last item is not truncated', async () => {
    const page = succeeded(await kms.kms('ListResourceTags', { KeyId: ids[0], Limit: TAGS }))
    assert.equal(page['Truncated'], false)
    const keys = succeeded(await kms.kms('ListKeys', { Limit: KEYS }))
    assert.equal(keys['Truncated'], false)
    const fewer = succeeded(await kms.kms('ListKeys', { Limit: KEYS - 1 }))
    assert.equal(fewer['Truncated'], true)
  })

  test('a marker serves only the listing, account, Region and key that it came from', async () => {
    const marker = async (operation: string, input: object): Promise<string> =>
      textOf(succeeded(await kms.kms(operation, { ...input, Limit: 1 })), 'NextMarker')
    const ofKeys = await marker('ListKeys', {})
    const ofAliases = await marker('ListAliases', {})
    const ofOneKey = await marker('ListAliases', { KeyId: ids[0] })
    const ofTags = await marker('ListResourceTags', { KeyId: ids[0] })
    const other = new WireClient(node.endpoint, '999999999999')
    const wrong = [
      kms.kms('ListKeys', { Marker: ofAliases }),
      kms.kms('ListAliases', { Marker: ofKeys }),
      kms.kms('ListAliases', { Marker: ofOneKey }),
      kms.kms('ListAliases', { KeyId: ids[0], Marker: ofAliases }),
      kms.kms('ListAliases', { KeyId: ids[60], Marker: ofOneKey }),
      kms.kms('ListResourceTags', { KeyId: ids[1], Marker: ofTags }),
      kms.kms('ListKeyPolicies', { KeyId: ids[0], Marker: ofTags }),
      kms.kms('ListKeys', { Marker: ofKeys }, { region: 'us-east-1' }),
      other.kms('ListKeys', { Marker: ofKeys }),
    ]
    for (const answer of await Promise.all(wrong)) {
      refused(answer, 'InvalidMarkerException', 'Invalid marker')
    }
    other.close()
    succeeded(await kms.kms('ListAliases', { KeyId: ids[0], Marker: ofOneKey }))
  })

  test('an altered marker is refused', async () => {
    const page = succeeded(await kms.kms('ListKeys', { Limit: 1 }))
    const marker = textOf(page, 'NextMarker')
    for (let at = 0; at < marker.length; at++) {
      const changed = marker[at] === 'A' ? 'B' : 'A'
      const Marker = `${marker.slice(0, at)}${changed}${marker.slice(at + 1)}`
      refused(await kms.kms('ListKeys', { Marker }), 'InvalidMarkerException', 'Invalid marker')
    }
    for (const Marker of [
      `${marker}=`,
      `${marker}A`,
      ` ${marker}`,
      marker.slice(0, -1),
      'x',
      'ÿ',
    ]) {
      refused(await kms.kms('ListKeys', { Marker }), 'InvalidMarkerException', 'Invalid marker')
    }
    refused(await kms.kms('ListKeys', { Marker: '' }), 'ValidationException', /at 'marker'/)
    refused(await kms.kms('ListKeys', { Marker: '\t' }), 'ValidationException', /at 'marker'/)
  })

  test('a listing goes on where it was when its last item has been removed meanwhile', async () => {
    const first = succeeded(await kms.kms('ListAliases', { Limit: 10 }))
    const AliasName = textOf(listOf(first, 'Aliases')[9] ?? {}, 'AliasName')
    succeeded(await kms.kms('DeleteAlias', { AliasName }))
    const Marker = textOf(first, 'NextMarker')
    const second = succeeded(await kms.kms('ListAliases', { Limit: 1, Marker }))
    assert.equal(listOf(second, 'Aliases')[0]?.['AliasName'], sorted(names)[10])
    const TargetKeyId = ids[0]
    succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId }))
  })

  test('tag keys of any text can be paged', async () => {
    const KeyId = ids[1]
    const odd = ['__proto__', 'constructor', '0', '10', 'ä', '😀'.repeat(128), '\u0001'.repeat(128)]
    const Tags = odd.map((TagKey) => ({ TagKey, TagValue: TagKey.slice(0, 2) }))
    succeeded(await kms.kms('TagResource', { KeyId, Tags }))
    const seen: unknown[] = []
    let Marker: string | undefined
    do {
      const input = { KeyId, Limit: 1, Marker }
      const page = succeeded(await kms.kms('ListResourceTags', input))
      seen.push(...listOf(page, 'Tags'))
      Marker = page['Truncated'] === true ? textOf(page, 'NextMarker') : undefined
    } while (Marker !== undefined)
    const byKey = (a: unknown, b: unknown): number =>
      JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
    assert.deepEqual(seen.sort(byKey), [...Tags].sort(byKey))
    succeeded(await kms.kms('UntagResource', { KeyId, TagKeys: odd }))
    assert.equal(
      (await kms.kms('ListResourceTags', { KeyId })).text,
      '{"Tags":[],"Truncated":false}',
    )
  })
})
