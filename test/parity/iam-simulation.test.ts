import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import {
  ALLOW_ALL,
  arnOf,
  IamAccount,
  OTHER_ACCOUNT,
  policyOf,
  refusesAs,
} from '../support/iam-account.ts'

const allow = (Action: string, more: object = {}): string =>
  policyOf({ Effect: 'Allow', Action, Resource: '*', ...more })
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

describe('simulations', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
    await account.addUser('ann')
    await iam.send(new sdk.CreateGroupCommand({ GroupName: 'staff' }))
    await iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'staff', UserName: 'ann' }))
    await iam.send(
      new sdk.PutGroupPolicyCommand({
        GroupName: 'staff',
        PolicyName: 'see',
        PolicyDocument: allow('kms:List*'),
      }),
    )
    await iam.send(
      new sdk.AttachUserPolicyCommand({
        UserName: 'ann',
        PolicyArn: 'arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser',
      }),
    )
    await iam.send(
      new sdk.PutUserPolicyCommand({
        UserName: 'ann',
        PolicyName: 'own',
        PolicyDocument: policyOf({ Effect: 'Deny', Action: 'kms:Delete*', Resource: '*' }),
      }),
    )
  })

  after(() => account[Symbol.asyncDispose]())

  const custom = async (input: sdk.SimulateCustomPolicyCommandInput) =>
    (await iam.send(new sdk.SimulateCustomPolicyCommand(input))).EvaluationResults ?? []

  const decisions = (results: readonly sdk.EvaluationResult[]) =>
    results.map(({ EvalDecision }) => EvalDecision)

  test('tell the decision and where the statement stands that made it', async () => {
    const text =
      '{\n "Version": "2012-10-17",\n "Statement": [\n  {"Effect":"Allow","Action":"kms:*","Resource":"*"}\n ]\n}'
    const [result] = await custom({ PolicyInputList: [text], ActionNames: ['kms:Decrypt'] })
    assert.deepEqual(result, {
      EvalActionName: 'kms:Decrypt',
      EvalResourceName: '*',
      EvalDecision: 'allowed',
      MatchedStatements: [
        {
          SourcePolicyId: 'PolicyInputList.1',
          StartPosition: { Line: 4, Column: 2 },
          EndPosition: { Line: 4, Column: 52 },
        },
      ],
      MissingContextValues: [],
    })
  })

  test('decide on every action with every resource, page by page', async () => {
    const input = {
      PolicyInputList: [policyOf({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: KEY })],
      ActionNames: ['kms:Decrypt', 'kms:Encrypt'],
      ResourceArns: [KEY, `${KEY}x`],
    }
    assert.deepEqual(decisions(await custom(input)), [
      'allowed',
      'implicitDeny',
      'implicitDeny',
      'implicitDeny',
    ])
    const first = await iam.send(new sdk.SimulateCustomPolicyCommand({ ...input, MaxItems: 3 }))
    assert.deepEqual([first.EvaluationResults?.length, first.IsTruncated], [3, true])
    const { Marker } = first
    const rest = await iam.send(new sdk.SimulateCustomPolicyCommand({ ...input, Marker }))
    assert.deepEqual(
      rest.EvaluationResults?.map((one) => [one.EvalActionName, one.EvalResourceName]),
      [['kms:Encrypt', `${KEY}x`]],
    )
  })

  test('name the condition keys that are missing, and use those that are given', async () => {
    const PolicyInputList = [
      allow('kms:*', {
        Condition: {
          StringEquals: { 'aws:RequestedRegion': '${aws:username}' },
          'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': ['purpose'] },
        },
      }),
    ]
    const [without] = await custom({ PolicyInputList, ActionNames: ['kms:Decrypt'] })
    assert.equal(without?.EvalDecision, 'implicitDeny')
    const names = ['aws:RequestedRegion', 'kms:EncryptionContextKeys', 'aws:username']
    assert.deepEqual(without.MissingContextValues, names)
    const entry = (
      ContextKeyName: string,
      ContextKeyType: sdk.ContextKeyTypeEnum,
      ...ContextKeyValues: string[]
    ) => ({ ContextKeyName, ContextKeyType, ContextKeyValues })
    const [complete] = await custom({
      PolicyInputList,
      ActionNames: ['kms:Decrypt'],
      ContextEntries: [
        entry('AWS:requestedregion', 'string', 'eu-central-1'),
        entry('aws:username', 'string', 'eu-central-1'),
        entry('kms:EncryptionContextKeys', 'stringList', 'other', 'purpose'),
      ],
    })
    assert.deepEqual([complete?.EvalDecision, complete?.MissingContextValues], ['allowed', []])
    const { ContextKeyNames } = await iam.send(
      new sdk.GetContextKeysForCustomPolicyCommand({ PolicyInputList }),
    )
    assert.deepEqual(ContextKeyNames, names)
  })

  test('have a Deny win, and a boundary bound', async () => {
    const deny = policyOf({ Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*' })
    const PolicyInputList = [ALLOW_ALL, deny]
    const [denied] = await custom({ PolicyInputList, ActionNames: ['kms:Decrypt'] })
    assert.equal(denied?.EvalDecision, 'explicitDeny')
    assert.deepEqual(
      denied.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId),
      ['PolicyInputList.2'],
    )
    const [bounded] = await custom({
      PolicyInputList: [ALLOW_ALL],
      PermissionsBoundaryPolicyInputList: [allow('s3:*')],
      ActionNames: ['kms:Decrypt'],
    })
    assert.equal(bounded?.EvalDecision, 'implicitDeny')
    assert.deepEqual(bounded.PermissionsBoundaryDecisionDetail, {
      AllowedByPermissionsBoundary: false,
    })
  })

  test('ask the policy of a resource whom it names', async () => {
    const ResourcePolicy = policyOf({
      Effect: 'Allow',
      Principal: { AWS: arnOf('user/ann') },
      Action: 'kms:*',
      Resource: '*',
    })
    const input = {
      PolicyInputList: [allow('s3:*')],
      ActionNames: ['kms:Decrypt'],
      ResourcePolicy,
      CallerArn: arnOf('user/ann'),
    }
    const [named] = await custom(input)
    const [other] = await custom({ ...input, CallerArn: arnOf('user/ben') })
    const owned = { ...input, ResourceOwner: OTHER_ACCOUNT }
    const [foreign] = await custom(owned)
    const [both] = await custom({ ...owned, PolicyInputList: [ALLOW_ALL] })
    assert.deepEqual(
      [named, other, foreign, both].map((result) => result?.EvalDecision),
      ['allowed', 'implicitDeny', 'implicitDeny', 'allowed'],
    )
  })

  test('of a user know its own policies and those of its groups', async () => {
    const { EvaluationResults } = await iam.send(
      new sdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: arnOf('user/ann'),
        ActionNames: ['kms:ListKeys', 'kms:CreateKey', 'kms:DeleteAlias', 'kms:Decrypt'],
      }),
    )
    const told = EvaluationResults?.map(({ EvalDecision, MatchedStatements }) => [
      EvalDecision,
      MatchedStatements?.map(({ SourcePolicyId, SourcePolicyType }) => [
        SourcePolicyType,
        SourcePolicyId,
      ]),
    ])
    const power = ['aws-managed', 'AWSKeyManagementServicePowerUser']
    assert.deepEqual(told, [
      ['allowed', [power, ['group', 'group_staff_see']]],
      ['allowed', [power]],
      ['explicitDeny', [['user', 'user_ann_own']]],
      ['implicitDeny', []],
    ])
    const more = await iam.send(
      new sdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: arnOf('user/ann'),
        PolicyInputList: [ALLOW_ALL],
        ActionNames: ['kms:Decrypt'],
      }),
    )
    assert.deepEqual(decisions(more.EvaluationResults ?? []), ['allowed'])
  })

  for (const [what, command, name, message] of [
    [
      'of nobody',
      new sdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: arnOf('user/nobody'),
        ActionNames: ['kms:Decrypt'],
      }),
      'NoSuchEntityException',
      'The user with name nobody cannot be found.',
    ],
    [
      'of another account',
      new sdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: arnOf('user/ann', OTHER_ACCOUNT),
        ActionNames: ['kms:Decrypt'],
      }),
      'InvalidInputException',
      /Invalid Entity Arn/,
    ],
  ] as const) {
    test(`${what} are refused`, async () => {
      await refusesAs(iam.send(command), name, message)
    })
  }

  const wrong: readonly [string, Partial<sdk.SimulateCustomPolicyCommandInput>][] = [
    ['a policy that is none', { PolicyInputList: ['{'] }],
    ['a policy with a principal', { PolicyInputList: [policyOf({ Principal: '*' })] }],
    ['a pattern of actions', { ActionNames: ['kms:*'] }],
    ['a caller who is none', { CallerArn: 'ann' }],
    ['an owner who is none', { ResourcePolicy: ALLOW_ALL, ResourceOwner: 'ann' }],
  ]
  for (const [what, more] of wrong) {
    test(`of ${what} are refused`, async () => {
      const input = { PolicyInputList: [ALLOW_ALL], ActionNames: ['kms:Decrypt'] }
      await refusesAs(custom({ ...input, ...more }), 'InvalidInputException', /./)
    })
  }
})
