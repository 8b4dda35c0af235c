import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { ACCOUNT, arnOf, IamAccount } from '../support/iam-account.ts'
import { type WireChange, WireClient } from '../support/wire-client.ts'

const NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'
const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

describe('IAM on the wire', () => {
  let account: IamAccount
  let wire: WireClient

  before(async () => {
    account = await IamAccount.start()
    wire = new WireClient(account.node.endpoint, ACCOUNT)
  })

  after(async () => {
    wire.close()
    await account[Symbol.asyncDispose]()
  })

  const send = (body: string, change: WireChange = {}) =>
    wire.send(`${body}&Version=2010-05-08`, {
      service: 'iam',
      region: 'us-east-1',
      headers: FORM,
      ...change,
    })

  test('a result stands in the XML of the Query protocol', async () => {
    const answer = await send('Action=CreateUser&UserName=ann&Path=%2Fteam%2F')
    const [userId] = /AIDA[A-Z2-7]{17}/.exec(answer.text) ?? []
    assert.equal(
      answer.text,
      `<CreateUserResponse xmlns="${NAMESPACE}"><CreateUserResult><User><Path>/team/</Path><UserName>ann</UserName><UserId>${userId}</UserId><Arn>${arnOf('user/team/ann')}</Arn><CreateDate>2026-01-15T10:00:00Z</CreateDate></User></CreateUserResult><ResponseMetadata><RequestId>${answer.requestId}</RequestId></ResponseMetadata></CreateUserResponse>`,
    )
    assert.match(answer.headers['content-type'] ?? '', /^text\/xml/)
  })

  test('an operation without a result has its metadata alone', async () => {
    const answer = await send(
      'Action=TagUser&UserName=ann&Tags.member.1.Key=a&Tags.member.1.Value=b',
    )
    assert.equal(
      answer.text,
      `<TagUserResponse xmlns="${NAMESPACE}"><ResponseMetadata><RequestId>${answer.requestId}</RequestId></ResponseMetadata></TagUserResponse>`,
    )
  })

  test('an empty list is an empty element', async () => {
    const answer = await send('Action=ListGroups')
    assert.match(
      answer.text,
      /<ListGroupsResult><Groups\/><IsTruncated>false<\/IsTruncated><\/ListGroupsResult>/,
    )
  })

  test('a map has entries', async () => {
    const answer = await send('Action=GetAccountSummary')
    assert.match(answer.text, /<SummaryMap>(<entry><key>\w+<\/key><value>\d+<\/value><\/entry>)+/)
    assert.match(answer.text, /<entry><key>Users<\/key><value>1<\/value><\/entry>/)
  })

  test('a refusal says who is to blame', async () => {
    const answer = await send('Action=GetUser&UserName=nobody')
    assert.equal(answer.status, 404)
    assert.equal(
      answer.text,
      `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The user with name nobody cannot be found.</Message></Error><RequestId>${answer.requestId}</RequestId></ErrorResponse>`,
    )
  })

  test('a parameter of the wrong form is malformed, one that is unknown is passed over', async () => {
    for (const body of [
      'Action=ListUsers&MaxItems=many',
      'Action=CreateUser&UserName.member.1=x',
      'Action=CreateUser&UserName=x&Tags=a',
      'Action=CreateUser&UserName=x&Tags.member.2.Key=a',
      'Action=CreatePolicyVersion&PolicyArn=x&PolicyDocument=x&SetAsDefault=maybe',
    ]) {
      const answer = await send(body)
      assert.equal(answer.status, 400, body)
      assert.match(answer.text, /<Code>MalformedInput<\/Code>/, body)
    }
    assert.equal((await send('Action=ListUsers&Color=red')).status, 200)
  })

  test('an unknown operation or version is told so', async () => {
    const unknown = await send('Action=ChangePassword')
    assert.equal(unknown.status, 400)
    assert.match(
      unknown.text,
      /<Code>InvalidAction<\/Code><Message>Could not find operation ChangePassword for version 2010-05-08<\/Message>/,
    )
  })

  test('what is not signed is refused in the name of its service', async () => {
    const answer = await send('Action=ListUsers', { authorization: () => undefined })
    assert.equal(answer.status, 403)
    assert.ok(answer.text.includes(NAMESPACE), answer.text)
    assert.match(answer.text, /<Code>MissingAuthenticationToken<\/Code>/)
  })

  for (const [region, partition, recorded] of [
    ['us-east-1', 'aws', 'us-east-1'],
    ['eu-central-1', 'aws', 'us-east-1'],
    ['cn-northwest-1', 'aws-cn', 'cn-north-1'],
    ['us-gov-east-1', 'aws-us-gov', 'us-gov-west-1'],
  ] as const) {
    test(`signed for ${region} it is in ${partition}, and recorded in ${recorded}`, async () => {
      const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'any' }
      const iam = account.clientOf(credentials, region)
      const answer = await iam.send(new sdk.GetUserCommand({ UserName: 'ann' }))
      assert.equal(answer.User?.Arn, `arn:${partition}:iam::${ACCOUNT}:user/team/ann`)
      assert.equal(account.recordOf(answer)['awsRegion'], recorded)
    })
  }

  test('a denial is recorded with its text and without what it was about', async () => {
    const nobody = await account.caller('nobody')
    const error: unknown = await nobody
      .send(new sdk.DeleteUserCommand({ UserName: 'ann' }))
      .catch((caught: unknown) => caught)
    assert.ok(error instanceof sdk.IAMServiceException)
    const record = account.recordOf(error)
    assert.deepEqual(
      [record['errorCode'], record['errorMessage'], record['requestParameters']],
      ['AccessDenied', error.message, { userName: 'ann' }],
    )
    assert.equal(record['responseElements'], null)
  })

  test('a refusal is recorded by the name that the service model has for it', async () => {
    const { requestId } = await send('Action=DeleteUser&UserName=nobody2')
    const record = account.node.sink.record(requestId)
    assert.deepEqual(
      [record['errorCode'], record['errorMessage']],
      ['NoSuchEntityException', 'The user with name nobody2 cannot be found.'],
    )
  })
})
