import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { parseAccountId } from '../../src/core/ids.ts'
import type { IssuedCredential } from '../../src/core/operator.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { drawCredential, storeAccount } from '../../src/server/operator/accounts.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { type WireAnswer, type WireChange, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
const WHO = 'Action=GetCallerIdentity&Version=2011-06-15'

describe('GetCallerIdentity', () => {
  let node: MemoryNode
  let issued: IssuedCredential
  let wire: WireClient

  before(async () => {
    node = await startMemoryNode({ closed: true })
    const accountId = parseAccountId(ACCOUNT)
    assert.ok(accountId)
    const random = createRandom()
    issued = drawCredential(random, accountId)
    await storeAccount({ records: node.records, clock: node.clock, random }, issued, 'first')
    wire = new WireClient(node.endpoint, issued.accessKeyId)
  })

  after(async () => {
    wire.close()
    await node.close()
  })

  const send = (body: string, change: WireChange = {}): Promise<WireAnswer> =>
    wire.send(body, { secret: issued.secretAccessKey, service: 'sts', headers: FORM, ...change })

  const refusedAs = (answer: WireAnswer, status: number, code: string, message: string): void => {
    assert.equal(answer.status, status, answer.text)
    assert.equal(
      answer.text,
      `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${answer.requestId}</RequestId></ErrorResponse>`,
    )
    assert.match(answer.headers['content-type'] ?? '', /^text\/xml/)
  }

  test('tells the SDK who is calling, in every partition', async () => {
    for (const [region, partition] of [
      ['us-east-1', 'aws'],
      ['cn-north-1', 'aws-cn'],
      ['us-gov-west-1', 'aws-us-gov'],
    ] as const) {
      const { accessKeyId, secretAccessKey } = issued
      const credentials = { accessKeyId, secretAccessKey }
      const sts = new STSClient({ endpoint: node.endpoint, region, credentials, maxAttempts: 1 })
      const { $metadata, ...identity } = await sts.send(new GetCallerIdentityCommand({}))
      assert.equal($metadata.httpStatusCode, 200)
      assert.deepEqual(identity, {
        UserId: ACCOUNT,
        Account: ACCOUNT,
        Arn: `arn:${partition}:iam::${ACCOUNT}:root`,
      })
      sts.destroy()
    }
  })

  test('answers in the XML of the Query protocol', async () => {
    const answer = await send(WHO)
    assert.equal(
      answer.text,
      `<GetCallerIdentityResponse xmlns="${NAMESPACE}"><GetCallerIdentityResult><UserId>${ACCOUNT}</UserId><Account>${ACCOUNT}</Account><Arn>arn:aws:iam::${ACCOUNT}:root</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>${answer.requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
    )
    assert.match(answer.requestId, /^[0-9a-f-]{36}$/)
  })

  test('can be asked by GET, which is how logins prove an identity', async () => {
    const answer = await send('', { method: 'GET', path: `/?${WHO}`, headers: {} })
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.text, new RegExp(`<Account>${ACCOUNT}</Account>`))
  })

  test('refuses wrong signatures with the codes of the Query protocol', async () => {
    refusedAs(
      await send(WHO, { secret: 'wrong' }),
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    )
    refusedAs(
      await send(WHO, { authorization: () => undefined }),
      403,
      'MissingAuthenticationToken',
      'Request is missing Authentication Token',
    )
    const unknown = new WireClient(node.endpoint, 'AKIAIOSFODNN7EXAMPLE')
    const answer = await unknown.send(WHO, { service: 'sts', headers: FORM })
    refusedAs(
      answer,
      403,
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
    )
    unknown.close()
  })

  test('knows no other action and no other version', async () => {
    for (const [action, version] of [
      ['GetCallerIdentity', '2012-01-01'],
      ['getCallerIdentity', '2011-06-15'],
      ['constructor', '2011-06-15'],
      ['AssumeRoleWithSAML', '2011-06-15'],
      ['AssumeRoot', '2011-06-15'],
    ] as const) {
      refusedAs(
        await send(`Action=${action}&Version=${version}`),
        400,
        'InvalidAction',
        `Could not find operation ${action} for version ${version}`,
      )
    }
    const answer = await send('Version=2011-06-15')
    assert.equal(answer.status, 400)
    assert.match(answer.text, /<Code>/)
  })

  test('is recorded, refusals without a record', async () => {
    const record = node.sink.record((await send(WHO)).requestId)
    assert.deepEqual(
      [record['eventSource'], record['eventName'], record['recipientAccountId']],
      ['sts.amazonaws.com', 'GetCallerIdentity', ACCOUNT],
    )
    const { requestId } = await send(WHO, { secret: 'wrong' })
    const frame = node.sink.frames.find(({ internal }) => internal['requestId'] === requestId)
    assert.deepEqual([frame?.kind, frame?.records], ['refusal', []])
    assert.equal(frame?.internal['claimedAccessKeyId'], issued.accessKeyId)
  })

  test('fails when the log cannot be written', async () => {
    node.sink.isFailing = true
    const answer = await send(WHO)
    node.sink.isFailing = false
    assert.equal(answer.status, 500)
    assert.match(answer.text, /<Type>Receiver<\/Type><Code>InternalFailure<\/Code>/)
    assert.ok(!answer.text.includes(ACCOUNT))
  })
})
