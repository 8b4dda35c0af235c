import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { HttpReply } from '../../src/core/transport.ts'
import { CLOUDTRAIL_MODEL } from '../../src/services/cloudtrail/model.ts'
import { CLOUDWATCH_MODEL } from '../../src/services/cloudwatch/model.ts'
import { IAM_MODEL } from '../../src/services/iam/model.ts'
import { KMS_MODEL } from '../../src/services/kms/model.ts'
import { STS_MODEL } from '../../src/services/sts/model.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, succeeded, textOf, WireClient } from '../support/wire-client.ts'
import { wireRequest } from '../support/wire-request.ts'
import { brokenText, hostileInput, hostilePolicy } from './hostile-inputs.ts'

/** More by `STRONGROOM_FUZZ_RUNS`: 100000 takes some minutes a test. */
const RUNS = Number(process.env['STRONGROOM_FUZZ_RUNS'] ?? 200)
const SETTINGS = { numRuns: RUNS }
/** What looks events up goes through all that were recorded: the search of this node is a naive one. */
const LOOKUPS = { numRuns: Math.min(RUNS, 1000) }
const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'

const stampNow = (): string => new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')

/** Headers that the node takes for signed: this account takes any secret. */
function signedHeaders(service: string, more: readonly string[]): string[] {
  const stamp = stampNow()
  const names = ['host', 'x-amz-date']
  for (let at = 0; at < more.length; at += 2) {
    const name = String(more[at]).toLowerCase()
    if (name.startsWith('x-amz-') || name === 'content-type') names.push(name)
  }
  const scope = `${ACCOUNT}/${stamp.slice(0, 8)}/${REGION}/${service}/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names.toSorted((a, b) => (a < b ? -1 : 1)).join(';')}, Signature=${'0'.repeat(64)}`
  return ['Host', 'localhost', 'X-Amz-Date', stamp, 'Authorization', authorization, ...more]
}

describe('whatever is sent is answered, and never by a failure of ours:', () => {
  let node: MemoryNode
  let kms: WireClient
  /** Texts that name something here. */
  let known: readonly string[]

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
    const { id, arn } = await createKey(kms)
    const { id: mac } = await createKey(kms, {
      KeyUsage: 'GENERATE_VERIFY_MAC',
      KeySpec: 'HMAC_256',
    })
    succeeded(await kms.kms('CreateAlias', { AliasName: 'alias/known', TargetKeyId: id }))
    known = [id, arn, mac, 'alias/known', 'default', 'user', 'strongroom']
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  /** Asks the node, and checks what every reply must be. */
  async function ask(
    headers: readonly string[],
    body: string | Uint8Array,
    more: { readonly target?: string; readonly method?: string } = {},
  ): Promise<HttpReply> {
    const reply = await node.handler(wireRequest({ headers, body, ...more }))
    const text = reply.body?.toString() ?? ''
    assert.ok(reply.status >= 200 && reply.status < 500, `${reply.status} ${text}`)
    assert.deepEqual(node.log.lines, [])
    assert.doesNotMatch(text, /file:\/\/|node:internal|\bat \S+ \(/)
    return reply
  }

  const jsonOf = (prefix: string, operation: string): string[] => [
    'Content-Type',
    'application/x-amz-json-1.1',
    'X-Amz-Target',
    `${prefix}.${operation}`,
  ]

  for (const [service, model] of [
    ['kms', KMS_MODEL],
    ['cloudtrail', CLOUDTRAIL_MODEL],
  ] as const) {
    const operations = [...model.operations.values()]
    const hostile = () =>
      fc
        .constantFrom(...operations)
        .chain((operation) => fc.tuple(fc.constant(operation.name), hostileInput(operation, known)))

    test(`inputs of every operation of ${service}`, async () => {
      const property = fc.asyncProperty(hostile(), async ([operation, input]) => {
        const headers = signedHeaders(service, jsonOf(model.targetPrefix, operation))
        await ask(headers, JSON.stringify(input) ?? '')
      })
      await fc.assert(property, service === 'kms' ? SETTINGS : LOOKUPS)
    })

    test(`broken JSON for ${service}`, async () => {
      const text = brokenText(hostile().map(([, input]) => JSON.stringify(input) ?? ''))
      const property = fc.asyncProperty(hostile(), text, async ([operation], body) => {
        await ask(signedHeaders(service, jsonOf(model.targetPrefix, operation)), body)
      })
      await fc.assert(property, service === 'kms' ? SETTINGS : LOOKUPS)
    })
  }

  for (const [service, model] of [
    ['iam', IAM_MODEL],
    ['sts', STS_MODEL],
    ['monitoring', CLOUDWATCH_MODEL],
  ] as const) {
    test(`forms for every operation of ${service}`, async () => {
      const { version } = model.query
      const member = fc.oneof(
        fc.constantFrom(
          ...[...model.operations.values()].flatMap(({ input }) => [...input.members.keys()]),
        ),
        fc.string({ unit: 'binary', maxLength: 10 }),
      )
      const suffix = fc.constantFrom(
        '',
        '.member.1',
        '.member.0',
        '.member.99999',
        '.entry.1.key',
        '..',
        '.1.1.1',
      )
      const value = fc.oneof(
        fc.constantFrom('ann', '1', 'true', 'arn:aws:iam::111122223333:user/ann', ''),
        fc.string({ unit: 'binary' }),
        hostilePolicy,
      )
      const fields = fc.array(fc.tuple(member, suffix, value), { maxLength: 6 })
      const action = fc.constantFrom(...model.operations.keys())
      const property = fc.asyncProperty(action, fields, async (Action, given) => {
        const form = new URLSearchParams({ Action, Version: version })
        for (const [name, behind, text] of given)
          form.append(`${name}${behind}`, text.toWellFormed())
        const type = ['Content-Type', 'application/x-www-form-urlencoded']
        await ask(signedHeaders(service, type), form.toString())
      })
      await fc.assert(property, service === 'monitoring' ? LOOKUPS : SETTINGS)
    })
  }

  test('CBOR', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // Heads of every kind with lengths that promise more than there is, nested.
      fc
        .array(
          fc.constantFrom(
            0x9f,
            0xbf,
            0x5f,
            0x7f,
            0xff,
            0x9b,
            0xbb,
            0x5b,
            0x81,
            0xa1,
            0xc1,
            0xf9,
            0x61,
          ),
          {
            maxLength: 5000,
          },
        )
        .map((parts) => Uint8Array.from(parts)),
    )
    const operation = fc.constantFrom(...CLOUDWATCH_MODEL.operations.keys())
    const property = fc.asyncProperty(operation, bytes, async (name, body) => {
      const type = ['Content-Type', 'application/cbor', 'Smithy-Protocol', 'rpc-v2-cbor']
      const target = `/service/${CLOUDWATCH_MODEL.targetPrefix}/operation/${name}`
      await ask(signedHeaders('monitoring', type), body, { target })
    })
    await fc.assert(property, LOOKUPS)
  })

  test('signatures', async () => {
    const good = signedHeaders('kms', jsonOf('TrentService', 'ListKeys'))
    const authorization = String(good[5])
    const broken = brokenText(fc.constant(authorization))
    const odd = fc.oneof(
      { weight: 6, arbitrary: broken },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          'AWS4-HMAC-SHA256',
          'AWS4-HMAC-SHA256 Credential=',
          'AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=;, Signature=',
          `AWS4-HMAC-SHA256 ${'a=b,'.repeat(5000)}`,
          'AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/aws4_request',
          'Basic YTpi',
          'Bearer x',
        ),
      },
    )
    const date = fc.oneof(
      fc.constantFrom(stampNow(), '', '20260230T000000Z', '99999999T999999Z', '0'),
      fc.string({ maxLength: 20 }),
    )
    const query = fc.oneof(
      fc.constant('/'),
      fc
        .dictionary(
          fc.constantFrom(
            'X-Amz-Algorithm',
            'X-Amz-Credential',
            'X-Amz-Date',
            'X-Amz-Expires',
            'X-Amz-Signature',
            'X-Amz-SignedHeaders',
            'X-Amz-Security-Token',
          ),
          fc.oneof(fc.constantFrom('AWS4-HMAC-SHA256', '-1', '1e9', 'host'), fc.string()),
        )
        .map(
          (fields) =>
            `/?${new URLSearchParams(Object.entries(fields).map(([n, v]) => [n, v.toWellFormed()])).toString()}`,
        ),
    )
    const token = fc.option(fc.string({ unit: 'binary', maxLength: 400 }), { nil: undefined })
    const property = fc.asyncProperty(
      odd,
      date,
      query,
      token,
      async (text, stamp, target, session) => {
        const headers = [
          'Host',
          'localhost',
          'X-Amz-Date',
          stamp,
          'Authorization',
          text,
          ...jsonOf('TrentService', 'ListKeys'),
        ]
        if (session !== undefined) headers.push('X-Amz-Security-Token', session)
        await ask(headers, '{}', { target })
      },
    )
    await fc.assert(property, SETTINGS)
  })

  test('policies, which are refused or take part in decisions', async () => {
    const { id } = await createKey(kms)
    const property = fc.asyncProperty(hostilePolicy, async (Policy) => {
      const put = { KeyId: id, PolicyName: 'default', Policy, BypassPolicyLockoutSafetyCheck: true }
      await ask(signedHeaders('kms', jsonOf('TrentService', 'PutKeyPolicy')), JSON.stringify(put))
      const use = { KeyId: id, Plaintext: 'eA==' }
      await ask(signedHeaders('kms', jsonOf('TrentService', 'Encrypt')), JSON.stringify(use))
    })
    await fc.assert(property, SETTINGS)
  })

  test('ciphertexts, of which none opens that was not written so', async () => {
    // Of a key of its own: what was tried above may have disabled the others, or scheduled their deletion.
    const { id: KeyId } = await createKey(kms)
    const encrypted = await kms.kms('Encrypt', { KeyId, Plaintext: blob('secret') })
    const ciphertext = Buffer.from(textOf(succeeded(encrypted), 'CiphertextBlob'), 'base64')
    const changed = fc
      .tuple(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.integer({ min: -3, max: 3 }))
      .map(([at, mask, grown]) => {
        const bytes = Buffer.from(ciphertext)
        const place = at % bytes.length
        bytes[place] = (bytes[place] ?? 0) ^ mask
        return grown <= 0
          ? bytes.subarray(0, bytes.length + grown)
          : Buffer.concat([bytes, Buffer.alloc(grown)])
      })
    const any = fc.oneof(
      { weight: 5, arbitrary: changed },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }) },
    )
    const property = fc.asyncProperty(any, async (bytes) => {
      const CiphertextBlob = Buffer.from(bytes).toString('base64')
      const decrypt = signedHeaders('kms', jsonOf('TrentService', 'Decrypt'))
      const reply = await ask(decrypt, JSON.stringify({ CiphertextBlob }))
      assert.equal(reply.status, 400)
      // Where the key id was hit, it names a key that this caller may not know of.
      assert.match(String(reply.body), /InvalidCiphertextException|AccessDeniedException/)
    })
    await fc.assert(property, SETTINGS)
  })
})
