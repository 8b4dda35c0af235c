import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { IAM_MODEL } from '../../src/services/iam/model.ts'
import { ACCOUNT, IamAccount } from '../support/iam-account.ts'
import { textOf } from '../support/wire-client.ts'
import {
  accessKeyCases,
  IAM_CASES,
  type IamAuditCase,
  type Reply,
  rootIdentity,
} from './iam-audit-cases.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface Answer {
  readonly reply: Reply
  readonly requestId: string
  readonly error?: string
}

type Command = new (input: object) => Parameters<sdk.IAMClient['send']>[0]

/** Calls an operation by its name. */
async function send(account: IamAccount, { operation, input }: IamAuditCase): Promise<Answer> {
  // The SDK's own naming: a command that is not there fails the test.
  const Made = (sdk as unknown as Record<string, Command>)[`${operation}Command`]
  assert.ok(Made, operation)
  try {
    const reply = await account.iam.send(new Made(input ?? {}))
    const { $metadata, ...members } = reply
    // Its form is what the case asks of it.
    return { reply: members as unknown as Reply, requestId: $metadata.requestId ?? '' }
  } catch (error) {
    assert.ok(error instanceof sdk.IAMServiceException, String(error))
    return { reply: {}, requestId: error.$metadata.requestId ?? '', error: error.message }
  }
}

/** What was sent, as CloudTrail spells it. */
function spelled(value: unknown, hidden: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => spelled(item))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => [
    `${name.charAt(0).toLowerCase()}${name.slice(1)}`,
    spelled(member),
  ])
  return Object.fromEntries(members.filter(([name]) => !hidden.includes(String(name))))
}

describe('the record of a call of IAM', () => {
  let account: IamAccount
  const called = new Set<string>()

  before(async () => {
    account = await IamAccount.start()
  })

  after(() => account[Symbol.asyncDispose]())

  const check = async (wanted: IamAuditCase): Promise<Reply> => {
    const { operation, input = {}, elements, error, hidden } = wanted
    called.add(operation)
    const answer = await send(account, wanted)
    assert.equal(answer.error !== undefined, error !== undefined, answer.error ?? 'no error')
    const whole = account.node.sink.record(answer.requestId)
    const { userAgent: _agent, eventID: _id, ...rest } = whole
    assert.match(textOf(whole, 'userAgent'), /aws-sdk-js/)
    assert.match(textOf(whole, 'eventID'), UUID)
    const parameters = spelled(input, hidden ?? [])
    assert.deepEqual(rest, {
      eventVersion: '1.11',
      userIdentity: rootIdentity,
      eventTime: '2026-01-15T10:00:00Z',
      eventSource: 'iam.amazonaws.com',
      eventName: operation,
      awsRegion: 'us-east-1',
      sourceIPAddress: '127.0.0.1',
      ...(error !== undefined && { errorCode: error, errorMessage: answer.error }),
      requestParameters: Object.keys(input).length === 0 ? null : parameters,
      responseElements: elements?.(answer.reply) ?? null,
      requestID: answer.requestId,
      readOnly: /^(Get|List|Simulate)/.test(operation),
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      eventCategory: 'Management',
    })
    return answer.reply
  }

  let accessKeyId = ''

  for (const wanted of IAM_CASES) {
    const outcome = wanted.error ?? 'succeeds'
    test(`${wanted.operation}: ${outcome}`, async () => {
      const { AccessKey } = await check(wanted)
      if (AccessKey !== undefined) accessKeyId = String(AccessKey['AccessKeyId'])
    })
  }

  test('operations on an access key', async () => {
    for (const wanted of accessKeyCases(accessKeyId)) await check(wanted)
  })

  test('the table has every operation', () => {
    const missing = [...IAM_MODEL.operations.keys()].filter((name) => !called.has(name))
    assert.deepEqual(missing, [])
  })

  test('no secret and no password stands in a frame', async () => {
    const { AccessKey } = await account.iam
      .send(new sdk.CreateUserCommand({ UserName: 'bea' }))
      .then(() => account.iam.send(new sdk.CreateAccessKeyCommand({ UserName: 'bea' })))
    const secret = AccessKey?.SecretAccessKey ?? ''
    assert.equal(secret.length, 40)
    const frames = account.node.sink.texts.join('\n')
    assert.ok(frames.includes(AccessKey?.AccessKeyId ?? 'none'))
    for (const form of [secret, 'CANARY-password']) {
      for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        assert.ok(!frames.includes(Buffer.from(form).toString(encoding)))
      }
    }
  })

  test('a denial has the name that CloudTrail gives it', async () => {
    const powerless = await account.caller('cid')
    const denial = await powerless
      .send(new sdk.ListUsersCommand({}))
      .catch((caught: unknown) => caught)
    assert.ok(denial instanceof sdk.IAMServiceException)
    const record = account.recordOf(denial)
    assert.deepEqual(
      [record['errorCode'], record['errorMessage']],
      ['AccessDenied', denial.message],
    )
    assert.match(textOf(record['userIdentity'] as typeof record, 'principalId'), /^AIDA/)
  })
})
