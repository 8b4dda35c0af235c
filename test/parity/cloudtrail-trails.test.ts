import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-cloudtrail'
import { ACCOUNT } from '../support/iam-account.ts'
import { refused } from '../support/sts-client.ts'
import { BUCKET, TrailAccount } from '../support/trail-account.ts'
import { WireClient } from '../support/wire-client.ts'

const ARN = `arn:aws:cloudtrail:eu-central-1:${ACCOUNT}:trail/strongroom`
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** When the clock of the nodes begins. */
const START = Date.UTC(2026, 0, 15, 10)

const TRAIL = {
  Name: 'strongroom',
  S3BucketName: BUCKET,
  IncludeGlobalServiceEvents: true,
  IsMultiRegionTrail: true,
  HomeRegion: 'eu-central-1',
  TrailARN: ARN,
  LogFileValidationEnabled: true,
  HasCustomEventSelectors: false,
  HasInsightSelectors: false,
  IsOrganizationTrail: false,
}

describe('the trail of an account', () => {
  test('is described in its home Region, and in others as a shadow', async () => {
    await using account = await TrailAccount.start()
    const described = async (region: string, input: sdk.DescribeTrailsCommandInput) => {
      const client = account.cloudTrail(undefined, region)
      return (await client.send(new sdk.DescribeTrailsCommand(input))).trailList
    }
    assert.deepEqual(await described('eu-central-1', {}), [TRAIL])
    assert.deepEqual(await described('us-west-2', {}), [TRAIL])
    assert.deepEqual(await described('eu-central-1', { includeShadowTrails: false }), [TRAIL])
    assert.deepEqual(await described('us-west-2', { includeShadowTrails: false }), [])
    assert.deepEqual(await described('eu-central-1', { trailNameList: ['strongroom'] }), [TRAIL])
    assert.deepEqual(await described('us-west-2', { trailNameList: [ARN] }), [TRAIL])
    assert.deepEqual(await described('eu-central-1', { trailNameList: ['other'] }), [])
  })

  test('is listed, and found by name at home and by ARN everywhere', async () => {
    await using account = await TrailAccount.start()
    const home = account.cloudTrail()
    const away = account.cloudTrail(undefined, 'us-west-2')
    const { Trails } = await away.send(new sdk.ListTrailsCommand({}))
    assert.deepEqual(Trails, [{ TrailARN: ARN, Name: 'strongroom', HomeRegion: 'eu-central-1' }])
    for (const [client, Name] of [
      [home, 'strongroom'],
      [home, ARN],
      [away, ARN],
    ] as const) {
      assert.deepEqual((await client.send(new sdk.GetTrailCommand({ Name }))).Trail, TRAIL)
    }
    const text = `Unknown trail: strongroom for the user: ${ACCOUNT}`
    const get = away.send(new sdk.GetTrailCommand({ Name: 'strongroom' }))
    await refused(get, 'TrailNotFoundException', text)
  })

  test('tells its state, its selectors and its tags', async () => {
    await using account = await TrailAccount.start()
    const client = account.cloudTrail()
    const { clock, trailFiles } = account.node
    const state = () => client.send(new sdk.GetTrailStatusCommand({ Name: 'strongroom' }))
    const fresh = await state()
    assert.deepEqual([fresh.IsLogging, fresh.LatestDigestDeliveryTime], [true, undefined])
    assert.deepEqual([fresh.StartLoggingTime, fresh.TimeLoggingStarted], [undefined, ''])
    clock.advance({ ms: 2 * HOUR_MS })
    await trailFiles.delivery.closeDueHours(clock.now())
    const closed = await state()
    assert.equal(closed.StartLoggingTime?.getTime(), START)
    assert.equal(closed.TimeLoggingStarted, '2026-01-15T10:00:00Z')
    assert.equal(closed.LatestDigestDeliveryTime?.getTime(), START + 2 * HOUR_MS)
    clock.advance({ ms: 600_000 })
    await trailFiles.delivery.catchUp()
    const delivered = (await state()).LatestDeliveryTime?.getTime() ?? 0
    assert.equal(Math.floor(delivered / 1000), Math.floor(clock.now() / 1000))

    const selectors = await client.send(new sdk.GetEventSelectorsCommand({ TrailName: ARN }))
    assert.equal(selectors.TrailARN, ARN)
    assert.deepEqual(selectors.EventSelectors, [
      {
        ReadWriteType: 'All',
        IncludeManagementEvents: true,
        DataResources: [],
        ExcludeManagementEventSources: [],
      },
    ])
    const insights = client.send(new sdk.GetInsightSelectorsCommand({ TrailName: ARN }))
    await refused(insights, 'InsightNotEnabledException', /not enabled/)
    const tags = await client.send(new sdk.ListTagsCommand({ ResourceIdList: [ARN] }))
    assert.deepEqual(tags.ResourceTagList, [{ ResourceId: ARN, TagsList: [] }])
  })

  test('is refused under names that it cannot have', async () => {
    await using account = await TrailAccount.start()
    const client = account.cloudTrail()
    const get = (Name: string) => client.send(new sdk.GetTrailStatusCommand({ Name }))
    await refused(get('ab'), 'InvalidTrailNameException', /^Trail name too short\./)
    await refused(get('a'.repeat(129)), 'InvalidTrailNameException', /^Trail name too long\./)
    await refused(get('-abc'), 'InvalidTrailNameException', /starts with a letter or number/)
    await refused(get('abc-'), 'InvalidTrailNameException', /ends with a letter or number/)
    await refused(get('a b c'), 'InvalidTrailNameException', /can only contain/)
    await refused(get('arn:aws:s3:::b'), 'CloudTrailARNInvalidException', /not valid/)
    await refused(get(ARN.replace('strongroom', 'other')), 'TrailNotFoundException', /other/)
    const foreign = get(ARN.replace(ACCOUNT, '444455556666'))
    await refused(foreign, 'TrailNotFoundException', /Unknown trail/)
    const tagsOf = (arn: string) => client.send(new sdk.ListTagsCommand({ ResourceIdList: [arn] }))
    await refused(tagsOf('strongroom'), 'CloudTrailARNInvalidException', /not valid/)
    await refused(tagsOf(`${ARN}2`), 'ResourceNotFoundException', /strongroom2/)
  })

  test('cannot be changed: who tries is on the record', async () => {
    await using account = await TrailAccount.start()
    const client = account.cloudTrail()
    const tags = { ResourceId: ARN, TagsList: [{ Key: 'a' }] }
    for (const call of [
      client.send(new sdk.StopLoggingCommand({ Name: 'strongroom' })),
      client.send(new sdk.StartLoggingCommand({ Name: 'strongroom' })),
      client.send(new sdk.DeleteTrailCommand({ Name: ARN })),
      client.send(new sdk.CreateTrailCommand({ Name: 'mine', S3BucketName: 'mine' })),
      client.send(new sdk.UpdateTrailCommand({ Name: 'strongroom', S3BucketName: 'mine' })),
      client.send(new sdk.PutEventSelectorsCommand({ TrailName: ARN, EventSelectors: [] })),
      client.send(new sdk.PutInsightSelectorsCommand({ TrailName: ARN, InsightSelectors: [] })),
      client.send(new sdk.AddTagsCommand(tags)),
      client.send(new sdk.RemoveTagsCommand(tags)),
    ]) {
      await refused(call, 'UnsupportedOperationException', /^The trail cannot be changed: /)
    }
    const [first] = account.node.sink.frames.flatMap(({ records }) => records)
    assert.equal(first?.['eventName'], 'StopLogging')
    assert.equal(first?.['eventSource'], 'cloudtrail.amazonaws.com')
    assert.equal(first?.['errorCode'], 'UnsupportedOperationException')
    assert.equal(first?.['readOnly'], false)
    assert.deepEqual(first?.['requestParameters'], { name: 'strongroom' })
    const query = client.send(new sdk.ListQueriesCommand({ EventDataStore: 'abc' }))
    await refused(query, 'UnknownOperationException', /./)
  })

  test('is shown to those who may, by its ARN where AWS has one', async () => {
    await using account = await TrailAccount.start()
    const allowed = await account.user('auditor', {
      Effect: 'Allow',
      Action: ['cloudtrail:GetTrailStatus', 'cloudtrail:StopLogging'],
      Resource: ARN,
    })
    const client = account.cloudTrail(allowed)
    const status = await client.send(new sdk.GetTrailStatusCommand({ Name: 'strongroom' }))
    assert.equal(status.IsLogging, true)
    const who = 'User: arn:aws:iam::111122223333:user/auditor is not authorized to perform:'
    const why = (action: string) => `because no identity-based policy allows the ${action} action`
    await refused(
      client.send(new sdk.GetTrailCommand({ Name: 'strongroom' })),
      'AccessDeniedException',
      `${who} cloudtrail:GetTrail on resource: ${ARN} ${why('cloudtrail:GetTrail')}`,
    )
    await refused(
      client.send(new sdk.DescribeTrailsCommand({})),
      'AccessDeniedException',
      `${who} cloudtrail:DescribeTrails on resource: * ${why('cloudtrail:DescribeTrails')}`,
    )
    await refused(
      client.send(new sdk.DeleteTrailCommand({ Name: 'strongroom' })),
      'AccessDeniedException',
      /cloudtrail:DeleteTrail/,
    )
    await refused(
      client.send(new sdk.StopLoggingCommand({ Name: 'strongroom' })),
      'UnsupportedOperationException',
      /cannot be changed/,
    )
  })
})

/** An account whose node has begun a second key after 30 days. */
async function withTwoKeys(): Promise<TrailAccount> {
  const account = await TrailAccount.start()
  const { clock, trailFiles } = account.node
  await trailFiles.signingKeys.all()
  clock.advance({ days: 30 })
  await trailFiles.signingKeys.rotate()
  return account
}

describe('the keys that sign digests', () => {
  test('are those that were valid in the time asked for, now where none is', async () => {
    await using account = await withTwoKeys()
    const [first, second] = await account.node.trailFiles.signingKeys.all()
    const client = account.cloudTrail()
    const list = async (fromDays: number, toDays: number) => {
      const day = (days: number) => new Date(START + days * DAY_MS)
      const range = { StartTime: day(fromDays), EndTime: day(toDays) }
      const { PublicKeyList = [] } = await client.send(new sdk.ListPublicKeysCommand(range))
      return PublicKeyList.map(({ Fingerprint }) => Fingerprint)
    }
    assert.deepEqual(await list(1, 29), [first?.fingerprint])
    assert.deepEqual(await list(1, 30), [first?.fingerprint, second?.fingerprint])
    assert.deepEqual(await list(32, 33), [second?.fingerprint])
    assert.deepEqual(await list(-2, -1), [])
    const { PublicKeyList = [] } = await client.send(new sdk.ListPublicKeysCommand({}))
    const now = PublicKeyList.at(-1)
    assert.equal(now?.Fingerprint, second?.fingerprint)
    assert.equal(Buffer.from(now?.Value ?? []).toString('base64'), second?.value)
    assert.equal(now?.ValidityStartTime?.getTime(), START + 30 * DAY_MS)
    assert.equal(now?.ValidityEndTime?.getTime(), second?.validTo)
    const modulus = createPublicKey({
      key: Buffer.from(now?.Value ?? []),
      format: 'der',
      type: 'pkcs1',
    })
    assert.equal(modulus.asymmetricKeyDetails?.modulusLength, 2048)
  })

  test('are not given for a time that ends before it begins, nor for a token', async () => {
    await using account = await TrailAccount.start()
    const client = account.cloudTrail()
    const turned = { StartTime: new Date(START + 1000), EndTime: new Date(START) }
    const list = (input: object) => client.send(new sdk.ListPublicKeysCommand(input))
    await refused(list(turned), 'InvalidTimeRangeException', /StartTime/)
    await refused(list({ NextToken: 'x' }), 'InvalidTokenException', /./)
    const trails = client.send(new sdk.ListTrailsCommand({ NextToken: 'x' }))
    await refused(trails, 'InvalidTokenException', /./)
  })

  test('have times in seconds since the epoch on the wire', async () => {
    await using account = await TrailAccount.start()
    const wire = new WireClient(account.node.endpoint, ACCOUNT)
    for (const prefix of [
      'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101',
      'CloudTrail_20131101',
    ]) {
      const target = `${prefix}.ListPublicKeys`
      const { text } = await wire.send('{}', { service: 'cloudtrail', target })
      assert.match(text, new RegExp(`"ValidityStartTime":${START / 1000},"ValidityEndTime"`))
    }
    wire.close()
  })
})
