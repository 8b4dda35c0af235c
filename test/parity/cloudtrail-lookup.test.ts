import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-cloudtrail'
import { CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { RequestQuotas } from '../../src/services/kms/quotas/request-quotas.ts'
import { ACCOUNT, OTHER_ACCOUNT } from '../support/iam-account.ts'
import { kmsClient } from '../support/kms-client.ts'
import { refused } from '../support/sts-client.ts'
import { rootOf, TrailAccount } from '../support/trail-account.ts'

const DAY_MS = 86_400_000

/** An account in which a root has made a key and a user has described it an hour later. */
class Lookups implements AsyncDisposable {
  readonly account: TrailAccount
  readonly #kms: KMSClient
  keyArn = ''
  userKeyId = ''
  createdAt = new Date(0)

  private constructor(account: TrailAccount) {
    this.account = account
    this.#kms = kmsClient(account.node.endpoint)
  }

  static async start(): Promise<Lookups> {
    const made = new Lookups(await TrailAccount.start())
    const { node } = made.account
    const { KeyMetadata } = await made.#kms.send(new CreateKeyCommand({}))
    made.keyArn = KeyMetadata?.Arn ?? assert.fail()
    made.createdAt = new Date(node.clock.now())
    const key = await made.account.user('alice', { Effect: 'Allow', Action: '*', Resource: '*' })
    made.userKeyId = key.accessKeyId
    node.clock.advance({ ms: 3_600_000 })
    const alice = new KMSClient({
      endpoint: node.endpoint,
      region: 'eu-central-1',
      credentials: key,
    })
    await alice.send(new DescribeKeyCommand({ KeyId: made.keyArn }))
    alice.destroy()
    return made
  }

  look(input: sdk.LookupEventsCommandInput, client = this.account.cloudTrail()) {
    return client.send(new sdk.LookupEventsCommand(input))
  }

  async names(input: sdk.LookupEventsCommandInput): Promise<readonly (string | undefined)[]> {
    return ((await this.look(input)).Events ?? []).map(({ EventName }) => EventName)
  }

  by(AttributeKey: sdk.LookupAttributeKey, AttributeValue: string) {
    return this.names({ LookupAttributes: [{ AttributeKey, AttributeValue }] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kms.destroy()
    await this.account[Symbol.asyncDispose]()
  }
}

describe('looking events up', () => {
  test('tells each event with its record as it stands in the log, newest first', async () => {
    await using lookups = await Lookups.start()
    const { Events = [] } = await lookups.look({})
    // IAM's calls are in the Region of IAM.
    assert.deepEqual(
      Events.map(({ EventName }) => EventName),
      ['DescribeKey', 'CreateKey'],
    )
    const [described, created] = Events
    const record: Readonly<Record<string, unknown>> = JSON.parse(described?.CloudTrailEvent ?? '')
    assert.equal(record['eventID'], described?.EventId)
    assert.ok(
      lookups.account.node.sink.texts.some((text) =>
        text.includes(described?.CloudTrailEvent ?? '-'),
      ),
    )
    assert.deepEqual(
      [described?.ReadOnly, described?.Username, described?.AccessKeyId, described?.EventSource],
      ['true', 'alice', lookups.userKeyId, 'kms.amazonaws.com'],
    )
    const resource = { ResourceType: 'AWS::KMS::Key', ResourceName: lookups.keyArn }
    assert.deepEqual(described?.Resources, [resource])
    assert.deepEqual([created?.ReadOnly, created?.Username], ['false', 'root'])
    assert.equal(
      created?.EventTime?.getTime(),
      Math.floor(lookups.createdAt.getTime() / 1000) * 1000,
    )
  })

  test('finds by each of the eight attributes', async () => {
    await using lookups = await Lookups.start()
    const { Events: [described] = [] } = await lookups.look({})
    assert.deepEqual(await lookups.by('EventId', described?.EventId ?? ''), ['DescribeKey'])
    assert.deepEqual(await lookups.by('EventName', 'CreateKey'), ['CreateKey'])
    assert.deepEqual(await lookups.by('Username', 'alice'), ['DescribeKey'])
    assert.deepEqual(await lookups.by('Username', 'root'), [
      'LookupEvents',
      'LookupEvents',
      'LookupEvents',
      'LookupEvents',
      'CreateKey',
    ])
    assert.deepEqual(await lookups.by('ReadOnly', 'false'), ['CreateKey'])
    assert.deepEqual(await lookups.by('ResourceType', 'AWS::KMS::Key'), [
      'DescribeKey',
      'CreateKey',
    ])
    assert.deepEqual(await lookups.by('ResourceName', lookups.keyArn), ['DescribeKey', 'CreateKey'])
    assert.deepEqual(await lookups.by('EventSource', 'kms.amazonaws.com'), [
      'DescribeKey',
      'CreateKey',
    ])
    assert.deepEqual(await lookups.by('AccessKeyId', lookups.userKeyId), ['DescribeKey'])
    assert.deepEqual(await lookups.by('EventName', 'Nothing'), [])
  })

  test('takes both ends of a time range in', async () => {
    await using lookups = await Lookups.start()
    const second = new Date(Math.floor(lookups.createdAt.getTime() / 1000) * 1000)
    const range = (from: number, to: number) => ({
      StartTime: new Date(second.getTime() + from),
      EndTime: new Date(second.getTime() + to),
    })
    assert.deepEqual(await lookups.names(range(0, 0)), ['CreateKey'])
    assert.deepEqual(await lookups.names(range(-5000, -1000)), [])
    assert.deepEqual(await lookups.names(range(1000, 3_599_000)), [])
    assert.deepEqual(await lookups.names(range(-1000, 3_600_000)), [
      'LookupEvents',
      'LookupEvents',
      'LookupEvents',
      'DescribeKey',
      'CreateKey',
    ])
  })

  test('goes from page to page', async () => {
    await using lookups = await Lookups.start()
    const query = { EndTime: lookups.createdAt, LookupAttributes: [] }
    const kms = kmsClient(lookups.account.node.endpoint)
    const until = { EndTime: new Date(lookups.account.node.clock.now()) }
    for (let more = 0; more < 3; more += 1) await kms.send(new CreateKeyCommand({}))
    kms.destroy()
    const found: (string | undefined)[] = []
    const attributes = [
      { AttributeKey: 'EventSource' as const, AttributeValue: 'kms.amazonaws.com' },
    ]
    for (let NextToken: string | undefined; ; ) {
      const page = await lookups.look({
        ...until,
        LookupAttributes: attributes,
        MaxResults: 2,
        NextToken,
      })
      assert.ok((page.Events?.length ?? 0) <= 2)
      found.push(...(page.Events ?? []).map(({ EventName }) => EventName))
      NextToken = page.NextToken
      if (NextToken === undefined) break
      const elsewhere = lookups.look({ ...query, NextToken })
      await refused(elsewhere, 'InvalidNextTokenException', /./)
    }
    assert.deepEqual(found, ['CreateKey', 'CreateKey', 'CreateKey', 'DescribeKey', 'CreateKey'])
    await refused(lookups.look({ NextToken: 'abc' }), 'InvalidNextTokenException', /./)
  })

  test('shows an account its own events, in the Region that is called', async () => {
    await using lookups = await Lookups.start()
    const { account } = lookups
    const foreign = await lookups.look({}, account.cloudTrail(rootOf(OTHER_ACCOUNT)))
    assert.deepEqual(foreign.Events, [])
    const away = await lookups.look({}, account.cloudTrail(undefined, 'us-east-1'))
    const sources = new Set((away.Events ?? []).map(({ EventSource }) => EventSource))
    assert.deepEqual([...sources], ['iam.amazonaws.com'])
    const nobody = await account.user('nobody', { Effect: 'Deny', Action: '*', Resource: '*' })
    const text = /cloudtrail:LookupEvents on resource: \* with an explicit deny/
    await refused(lookups.look({}, account.cloudTrail(nobody)), 'AccessDeniedException', text)
  })

  test('refuses what it cannot look up, in CloudTrail’s codes', async () => {
    await using lookups = await Lookups.start()
    const now = lookups.account.node.clock.now()
    const daysAgo = (days: number) => new Date(now - days * DAY_MS)
    const attribute = (AttributeKey: string, AttributeValue: string) => ({
      // The SDK's type would not let a wrong key through.
      AttributeKey: AttributeKey as sdk.LookupAttributeKey,
      AttributeValue,
    })
    const name = attribute('EventName', 'CreateKey')
    const cases: [sdk.LookupEventsCommandInput, string][] = [
      [{ LookupAttributes: [name, name] }, 'InvalidLookupAttributesException'],
      [{ LookupAttributes: [attribute('Nonsense', 'x')] }, 'InvalidLookupAttributesException'],
      [{ LookupAttributes: [attribute('ReadOnly', 'maybe')] }, 'InvalidLookupAttributesException'],
      [{ LookupAttributes: [attribute('EventName', '')] }, 'InvalidLookupAttributesException'],
      [
        { LookupAttributes: [attribute('Username', 'x'.repeat(2001))] },
        'InvalidLookupAttributesException',
      ],
      [{ StartTime: daysAgo(1), EndTime: daysAgo(2) }, 'InvalidTimeRangeException'],
      [{ StartTime: daysAgo(-1) }, 'InvalidTimeRangeException'],
      [{ StartTime: daysAgo(92), EndTime: daysAgo(91) }, 'InvalidTimeRangeException'],
      [{ MaxResults: 0 }, 'InvalidMaxResultsException'],
      [{ MaxResults: 51 }, 'InvalidMaxResultsException'],
      [{ EventCategory: 'data' as 'insight' }, 'InvalidEventCategoryException'],
    ]
    for (const [input, code] of cases) await refused(lookups.look(input), code, /./)
    assert.deepEqual((await lookups.look({ EventCategory: 'insight' })).Events, [])
    const failed = await lookups.names({ MaxResults: 1 })
    assert.deepEqual(failed, ['LookupEvents'])
  })

  test('goes back 90 days', async () => {
    await using lookups = await Lookups.start()
    const { clock } = lookups.account.node
    clock.advance({ days: 89 })
    assert.deepEqual(await lookups.by('EventName', 'CreateKey'), ['CreateKey'])
    clock.advance({ days: 2 })
    const StartTime = new Date(lookups.createdAt.getTime() - DAY_MS)
    assert.deepEqual(await lookups.names({ StartTime }), ['LookupEvents'])
  })

  test('is held to two calls a second where rates are on', async () => {
    await using account = await TrailAccount.start({ quotas: new RequestQuotas() })
    const look = (key = rootOf(ACCOUNT)) =>
      account.cloudTrail(key).send(new sdk.LookupEventsCommand({}))
    await look()
    await look()
    await refused(look(), 'ThrottlingException', 'Rate exceeded')
    await account.cloudTrail().send(new sdk.DescribeTrailsCommand({}))
    await look(rootOf(OTHER_ACCOUNT))
    account.node.clock.advance({ ms: 500 })
    await look()
    await refused(look(), 'ThrottlingException', 'Rate exceeded')
  })
})
