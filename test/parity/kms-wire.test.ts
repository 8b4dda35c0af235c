import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseAccountId } from '../../src/core/ids.ts'
import type { IssuedCredential } from '../../src/core/operator.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { drawCredential, storeAccount } from '../../src/server/operator/accounts.ts'
import { KMS_MODEL } from '../../src/services/kms/model.ts'
import { KMS_OPERATIONS } from '../../src/services/kms/operations.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  refused,
  succeeded,
  type WireAnswer,
  type WireChange,
  WireClient,
} from '../support/wire-client.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const DIFFERS =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
const NO_TOKEN = 'The security token included in the request is invalid.'
const MINUTE_MS = 60_000

describe('the wire', () => {
  let node: MemoryNode
  let issued: IssuedCredential
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }
  let proper: WireChange

  before(async () => {
    node = await startMemoryNode({ closed: true })
    const accountId = parseAccountId('111122223333')
    assert.ok(accountId)
    const random = createRandom()
    issued = drawCredential(random, accountId)
    await storeAccount({ records: node.records, clock: node.clock, random }, issued, 'first')
    kms = new WireClient(node.endpoint, issued.accessKeyId)
    proper = { secret: issued.secretAccessKey }
    const answer = succeeded(await kms.kms('CreateKey', {}, proper))
    const { KeyId, Arn } = answer['KeyMetadata'] as { KeyId: string; Arn: string }
    key = { id: KeyId, arn: Arn }
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const send = (operation: string, input: object | string | Uint8Array, change: WireChange = {}) =>
    kms.kms(operation, input, { ...proper, ...change })

  /** That a refusal has a frame, and that it has no record: nobody proved to be calling. */
  const isUnrecorded = (answer: WireAnswer): void => {
    const frames = node.sink.frames.filter(
      ({ internal }) => internal['requestId'] === answer.requestId,
    )
    assert.equal(frames.length, 1)
    assert.deepEqual([frames[0]?.kind, frames[0]?.records], ['refusal', []])
    assert.equal(frames[0]?.internal['outcome'], answer.json['__type'])
  }

  test('a reply has the headers of AWS, and the machine’s time however the clock was moved', async () => {
    node.clock.advance({ days: 365 })
    for (const answer of [
      await send('ListKeys', {}),
      await send('DisableKey', { KeyId: key.id }),
      await send('EnableKey', { KeyId: key.id }),
      await send('Encrypt', {}),
      await kms.kms('ListKeys', {}),
    ]) {
      const { date, ...headers } = answer.headers
      assert.ok(Math.abs(Date.parse(String(date)) - Date.now()) < MINUTE_MS)
      assert.match(answer.requestId, UUID)
      assert.deepEqual(
        { ...headers, connection: undefined, 'keep-alive': undefined },
        {
          'x-amzn-requestid': answer.requestId,
          'content-type': 'application/x-amz-json-1.1',
          'content-length': String(Buffer.byteLength(answer.text)),
          'cache-control': 'no-cache, no-store, must-revalidate, private',
          expires: '0',
          pragma: 'no-cache',
          connection: undefined,
          'keep-alive': undefined,
        },
      )
    }
  })

  test('operations without output have an empty body', async () => {
    const alias = { AliasName: 'alias/wire', TargetKeyId: key.id }
    const KeyId = key.id
    const Policy = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}'
    for (const [operation, input] of [
      ['CreateAlias', alias],
      ['UpdateAlias', alias],
      ['DeleteAlias', { AliasName: 'alias/wire' }],
      ['DisableKey', { KeyId }],
      ['EnableKey', { KeyId }],
      ['PutKeyPolicy', { KeyId, Policy }],
      ['TagResource', { KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] }],
      ['UntagResource', { KeyId, TagKeys: ['a'] }],
      ['UpdateKeyDescription', { KeyId, Description: 'd' }],
    ] as const) {
      const answer = await send(operation, input)
      assert.deepEqual([answer.status, answer.text], [200, ''], operation)
    }
  })

  test('every request id is another one', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('ListKeys', {})))
    assert.equal(new Set(answers.map(({ requestId }) => requestId)).size, 20)
  })

  test('an unknown target, a missing one and another method are unknown operations', async () => {
    for (const change of [
      { target: 'TrentService.Encode' },
      { target: 'TrentService.constructor' },
      { target: 'TrentService.__proto__' },
      { target: 'TrentService.encrypt' },
      { target: 'TrentService' },
      { target: 'TrentService.' },
      { target: 'TrentService.Encrypt.More' },
      { target: 'Other.Encrypt' },
      { target: '' },
      { headers: { 'x-amz-target': undefined } },
      { method: 'PUT' },
      { method: 'DELETE' },
      // Real operations that this version does not have.
      ...[...KMS_MODEL.operations.keys()]
        .filter((operation) => !Object.hasOwn(KMS_OPERATIONS, operation))
        .map((operation) => ({ target: `TrentService.${operation}` })),
    ]) {
      const answer = await send('ListKeys', {}, change)
      refused(answer, 'UnknownOperationException')
      isUnrecorded(answer)
    }
  })

  test('a body that is no JSON object is a SerializationException', async () => {
    for (const body of [
      '',
      '{',
      'x',
      '[]',
      'null',
      '"text"',
      '5',
      '{"KeyId":"x"} {}',
      "{'KeyId':'x'}",
      '{"KeyId":"x",}',
      '{"KeyId":"x","KeyId":"x"}',
      '{"KeyId":"x","\\u004beyId":"y"}',
      '{"__proto__":{"KeyId":"x"}}',
      '{"KeyId":"x","EncryptionContext":{"__proto__":"y"}}',
      '{"KeyId":"x","Deep":' + '['.repeat(33) + ']'.repeat(33) + '}',
      '{"KeyId":"\\ud800"}',
      Buffer.from([0x7b, 0x22, 0x4b, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{}')]),
    ]) {
      const answer = await send('DescribeKey', body)
      assert.equal(
        answer.json['__type'],
        'SerializationException',
        `${String(body)}: ${answer.text}`,
      )
      assert.equal(answer.status, 400)
    }
  })

  test('duplicate names of an encryption context are refused, not one of them chosen', async () => {
    const body = `{"KeyId":"${key.id}","Plaintext":"eA==","EncryptionContext":{"a":"1","a":"2"}}`
    const answer = await send('Encrypt', body)
    assert.equal(answer.json['__type'], 'SerializationException', answer.text)
  })

  test('the largest proper request fits; 2 MiB are refused before they are read', async () => {
    const padding = ' '.repeat(1_000_000)
    succeeded(await send('DescribeKey', `${padding}{"KeyId":"${key.id}"}`))
    const answer = await send('DescribeKey', ' '.repeat(2 * 1_048_576)).catch(
      (error: NodeJS.ErrnoException) => error.code,
    )
    // The refusal may overtake the body: then the socket breaks while it is being sent.
    if (typeof answer === 'string') assert.match(answer, /^(EPIPE|ECONNRESET)$/)
    else
      assert.deepEqual(
        [answer?.status, answer?.json['__type']],
        [413, 'RequestEntityTooLargeException'],
      )
  })

  test('the content type is not looked at', async () => {
    for (const type of ['application/json', 'text/plain', undefined]) {
      succeeded(await send('ListKeys', {}, { headers: { 'content-type': type } }))
    }
  })

  test('a request that is not signed, or not in a known way, is refused', async () => {
    const signed = (text: string) => (): string => text
    const missing = 'Request is missing Authentication Token'
    for (const authorization of [() => undefined, signed('Bearer x'), signed('Basic eDp5')]) {
      const answer = await send('ListKeys', {}, { authorization })
      refused(answer, 'MissingAuthenticationTokenException', missing)
      isUnrecorded(answer)
    }
    for (const authorization of [
      signed('AWS4-HMAC-SHA256'),
      signed('AWS4-HMAC-SHA256 nonsense'),
      (made: string): string => made.replace(/, Signature=.*/, ''),
      (made: string): string => made.replace(/SignedHeaders=[^,]*, /, ''),
      (made: string): string => made.replace(/Credential=[^,]*, /, ''),
      (made: string): string => made.replace('/aws4_request', ''),
    ]) {
      const answer = await send('ListKeys', {}, { authorization })
      assert.equal(answer.json['__type'], 'IncompleteSignatureException', answer.text)
      isUnrecorded(answer)
    }
  })

  test('a wrong secret and an unknown access key id are told apart, as AWS does', async () => {
    const wrong = await kms.kms('ListKeys', {}, { secret: `${issued.secretAccessKey}x` })
    refused(wrong, 'InvalidSignatureException', DIFFERS)
    isUnrecorded(wrong)
    const unknown = new WireClient(node.endpoint, 'AKIAIOSFODNN7EXAMPLE')
    const answer = await unknown.kms('ListKeys', {}, proper)
    refused(answer, 'UnrecognizedClientException', NO_TOKEN)
    isUnrecorded(answer)
    const numbered = new WireClient(node.endpoint, '111122223333')
    refused(await numbered.kms('ListKeys'), 'UnrecognizedClientException', NO_TOKEN)
    const headers = { 'x-amz-security-token': 'dG9rZW4=' }
    refused(await send('ListKeys', {}, { headers }), 'UnrecognizedClientException', NO_TOKEN)
    numbered.close()
    unknown.close()
  })

  test('what was altered after signing is refused', async () => {
    const answers = [
      await send(
        'ListKeys',
        {},
        { unsignedHeaders: { 'x-amz-target': 'TrentService.ListAliases' } },
      ),
      await send(
        'ListKeys',
        {},
        { authorization: (made) => made.replace(/.$/, (last) => (last === '0' ? '1' : '0')) },
      ),
      await send(
        'ListKeys',
        {},
        { authorization: (made) => made.replace('eu-central-1', 'us-east-1') },
      ),
    ]
    for (const answer of answers) {
      refused(answer, 'InvalidSignatureException', DIFFERS)
      isUnrecorded(answer)
    }
  })

  test('host and every x-amz header must be signed', async () => {
    refused(
      await send('ListKeys', {}, { leaveUnsigned: ['host'] }),
      'InvalidSignatureException',
      "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    )
    for (const name of ['x-amz-target', 'x-amz-date']) {
      refused(
        await send('ListKeys', {}, { leaveUnsigned: [name] }),
        'InvalidSignatureException',
        new RegExp(name),
      )
    }
    refused(
      await send('ListKeys', {}, { unsignedHeaders: { 'x-amz-meta-extra': 'x' } }),
      'InvalidSignatureException',
      /x-amz-meta-extra/,
    )
    succeeded(await send('ListKeys', {}, { unsignedHeaders: { 'x-other': 'x' } }))
  })

  test('the age of a signature is judged by the machine’s clock, not by the moved one', async () => {
    const at = (minutes: number): Promise<WireAnswer> =>
      send('ListKeys', {}, { signedAt: Date.now() + minutes * MINUTE_MS })
    node.clock.advance({ days: 1 })
    succeeded(await at(-4))
    succeeded(await at(4))
    refused(
      await at(-6),
      'InvalidSignatureException',
      /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$/,
    )
    refused(
      await at(6),
      'InvalidSignatureException',
      /^Signature not yet current: \d{8}T\d{6}Z is still later than/,
    )
    refused(await at(60 * 24 * 365), 'InvalidSignatureException', /^Signature not yet current/)
  })

  test('a credential scope for nowhere or another service is refused', async () => {
    refused(
      await send('ListKeys', {}, { region: 'mars-north-1' }),
      'InvalidSignatureException',
      "Credential should be scoped to a valid region, not 'mars-north-1'.",
    )
    refused(
      await send('ListKeys', {}, { service: 'sqs' }),
      'InvalidSignatureException',
      "Credential should be scoped to correct service: 'kms'.",
    )
    refused(
      await send(
        'ListKeys',
        {},
        { authorization: (made) => made.replace(/\/\d{8}\//, '/20200101/') },
      ),
      'InvalidSignatureException',
      /^Date in Credential scope does not match YYYYMMDD/,
    )
  })

  test('the same signed request may come twice: both are verified and recorded', async () => {
    const signedAt = Date.now()
    const input = { KeyId: key.id, Plaintext: blob('x') }
    const answers = [
      await send('Encrypt', input, { signedAt }),
      await send('Encrypt', input, { signedAt }),
    ]
    assert.notEqual(answers[0]?.text, answers[1]?.text)
    const ids = answers.map(({ requestId }) => node.sink.record(requestId)['eventID'])
    assert.equal(new Set(ids).size, 2)
  })

  test('keys made over the wire belong to the account of the credential', async () => {
    const other = new WireClient(node.endpoint, issued.accessKeyId)
    assert.match(key.arn, /^arn:aws:kms:eu-central-1:111122223333:key\//)
    await assert.rejects(createKey(other), /InvalidSignatureException/)
    other.close()
  })
})
