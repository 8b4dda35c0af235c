import { randomBytes } from 'node:crypto'
import { importParameters, wrapMaterial } from '../support/key-import.ts'
import {
  blob,
  createKey,
  listOf,
  membersOf,
  succeeded,
  textOf,
  type WireAnswer,
  type WireClient,
} from '../support/wire-client.ts'

/** How much of a change is there. A change that is there by half is neither. */
export type Extent = 'all' | 'none' | 'half'

/** A change that is ready to be asked for, and how to see afterwards whether it was made. */
export interface Mutation {
  readonly name: string
  /** Its own record, and those of the service events that come with it. */
  readonly frames: number
  call(client: WireClient): Promise<WireAnswer>
  extent(client: WireClient): Promise<Extent>
}

/** Makes ready for a change: `label` is a name that nothing else has. */
export type MutationCase = (client: WireClient, label: string) => Promise<Mutation>

const extentOf = (facts: readonly boolean[]): Extent =>
  facts.every(Boolean) ? 'all' : facts.some(Boolean) ? 'half' : 'none'

/** The account's root may do everything; the id names the policy. */
const policyOf = (id: string, arn: string): string => {
  const AWS = `arn:aws:iam::${arn.split(':')[4]}:root`
  const statement = { Effect: 'Allow', Principal: { AWS }, Action: 'kms:*', Resource: '*' }
  return JSON.stringify({ Version: '2012-10-17', Id: id, Statement: [statement] })
}

const metadataOf = async (client: WireClient, KeyId: string) =>
  membersOf(succeeded(await client.kms('DescribeKey', { KeyId })), 'KeyMetadata')

const stateOf = async (client: WireClient, keyId: string): Promise<string> =>
  textOf(await metadataOf(client, keyId), 'KeyState')

const works = async (client: WireClient, KeyId: string): Promise<boolean> => {
  const encrypted = await client.kms('Encrypt', { KeyId, Plaintext: blob('x') })
  if (encrypted.status !== 200) return false
  const CiphertextBlob = textOf(encrypted.json, 'CiphertextBlob')
  return (await client.kms('Decrypt', { CiphertextBlob })).status === 200
}

const keyIds = async (client: WireClient): Promise<readonly string[]> =>
  listOf(succeeded(await client.kms('ListKeys', { Limit: 1000 })), 'Keys').map((key) =>
    textOf(key, 'KeyId'),
  )

/** A change of one key's state. */
const changesState =
  (operation: string, input: object, state: string, before?: string): MutationCase =>
  async (client) => {
    const { id: KeyId } = await createKey(client)
    if (before !== undefined) succeeded(await client.kms(before, { KeyId }))
    return {
      name: operation,
      frames: 1,
      call: (caller) => caller.kms(operation, { KeyId, ...input }),
      extent: async (caller) => extentOf([(await stateOf(caller, KeyId)) === state]),
    }
  }

const creatingAKey: MutationCase = async (client, label) => {
  const before = new Set(await keyIds(client))
  const input = { Description: label, Tags: [{ TagKey: 'label', TagValue: label }] }
  return {
    name: 'CreateKey',
    frames: 1,
    call: (caller) => caller.kms('CreateKey', input),
    async extent(caller) {
      for (const KeyId of await keyIds(caller)) {
        if (before.has(KeyId) || (await metadataOf(caller, KeyId))['Description'] !== label)
          continue
        const tags = await caller.kms('ListResourceTags', { KeyId })
        const policy = await caller.kms('GetKeyPolicy', { KeyId })
        return extentOf([
          await works(caller, KeyId),
          tags.text.includes(label),
          policy.status === 200,
        ])
      }
      return 'none'
    },
  }
}

const puttingAPolicy: MutationCase = async (client, label) => {
  const { id: KeyId, arn } = await createKey(client)
  return {
    name: 'PutKeyPolicy',
    frames: 1,
    call: (caller) => caller.kms('PutKeyPolicy', { KeyId, Policy: policyOf(label, arn) }),
    extent: async (caller) =>
      extentOf([(await caller.kms('GetKeyPolicy', { KeyId })).text.includes(label)]),
  }
}

const grantInput = (KeyId: string, arn: string, Name: string) => ({
  KeyId,
  Name,
  GranteePrincipal: `arn:aws:iam::${arn.split(':')[4]}:root`,
  Operations: ['Decrypt'],
})

const hasGrant = async (client: WireClient, KeyId: string, name: string): Promise<boolean> =>
  succeeded(await client.kms('ListGrants', { KeyId })) !== undefined &&
  (await client.kms('ListGrants', { KeyId })).text.includes(name)

const creatingAGrant: MutationCase = async (client, label) => {
  const { id, arn } = await createKey(client)
  return {
    name: 'CreateGrant',
    frames: 1,
    call: (caller) => caller.kms('CreateGrant', grantInput(id, arn, label)),
    extent: async (caller) => extentOf([await hasGrant(caller, id, label)]),
  }
}

const revokingAGrant: MutationCase = async (client, label) => {
  const { id, arn } = await createKey(client)
  const made = succeeded(await client.kms('CreateGrant', grantInput(id, arn, label)))
  const GrantId = textOf(made, 'GrantId')
  return {
    name: 'RevokeGrant',
    frames: 1,
    call: (caller) => caller.kms('RevokeGrant', { KeyId: id, GrantId }),
    extent: async (caller) => extentOf([!(await hasGrant(caller, id, label))]),
  }
}

const importing: MutationCase = async (client) => {
  const { id: KeyId } = await createKey(client, { Origin: 'EXTERNAL' })
  const { publicKey, token, algorithm } = await importParameters(client, KeyId)
  const input = {
    KeyId,
    ImportToken: token,
    EncryptedKeyMaterial: blob(wrapMaterial(publicKey, algorithm, randomBytes(32))),
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  }
  return {
    name: 'ImportKeyMaterial',
    frames: 1,
    call: (caller) => caller.kms('ImportKeyMaterial', input),
    extent: async (caller) =>
      extentOf([(await stateOf(caller, KeyId)) === 'Enabled', await works(caller, KeyId)]),
  }
}

const rotating: MutationCase = async (client) => {
  const { id: KeyId } = await createKey(client)
  const old = textOf(
    succeeded(await client.kms('Encrypt', { KeyId, Plaintext: blob('old') })),
    'CiphertextBlob',
  )
  const first = (await metadataOf(client, KeyId))['CurrentKeyMaterialId']
  return {
    name: 'RotateKeyOnDemand',
    frames: 2,
    call: (caller) => caller.kms('RotateKeyOnDemand', { KeyId }),
    async extent(caller) {
      // Whatever became of it, ciphertexts of before open.
      succeeded(await caller.kms('Decrypt', { CiphertextBlob: old }))
      const rotations = listOf(
        succeeded(await caller.kms('ListKeyRotations', { KeyId })),
        'Rotations',
      )
      const current = (await metadataOf(caller, KeyId))['CurrentKeyMaterialId']
      return extentOf([rotations.length > 0, current !== first])
    },
  }
}

const REPLICA_REGION = 'eu-west-1'

const replicating: MutationCase = async (client) => {
  const { id: KeyId } = await createKey(client, { MultiRegion: true })
  return {
    name: 'ReplicateKey',
    frames: 2,
    call: (caller) => caller.kms('ReplicateKey', { KeyId, ReplicaRegion: REPLICA_REGION }),
    async extent(caller) {
      const there = await caller.kms('DescribeKey', { KeyId }, { region: REPLICA_REGION })
      const primary = await caller.kms('DescribeKey', { KeyId })
      return extentOf([there.status === 200, primary.text.includes(REPLICA_REGION)])
    },
  }
}

const creatingAnAlias: MutationCase = async (client, label) => {
  const { id: TargetKeyId } = await createKey(client)
  const AliasName = `alias/${label}`
  return {
    name: 'CreateAlias',
    frames: 1,
    call: (caller) => caller.kms('CreateAlias', { AliasName, TargetKeyId }),
    extent: async (caller) =>
      extentOf([(await caller.kms('DescribeKey', { KeyId: AliasName })).status === 200]),
  }
}

const tagging: MutationCase = async (client, label) => {
  const { id: KeyId } = await createKey(client)
  const Tags = [1, 2].map((n) => ({ TagKey: `${label}-${n}`, TagValue: label }))
  return {
    name: 'TagResource',
    frames: 1,
    call: (caller) => caller.kms('TagResource', { KeyId, Tags }),
    async extent(caller) {
      const { text } = await caller.kms('ListResourceTags', { KeyId })
      return extentOf(Tags.map(({ TagKey }) => text.includes(TagKey)))
    },
  }
}

/** A call of IAM, which is a form. */
const iam = (client: WireClient, Action: string, input: Readonly<Record<string, string>>) =>
  client.send(new URLSearchParams({ Action, Version: '2010-05-08', ...input }).toString(), {
    service: 'iam',
    region: 'us-east-1',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-amz-target': undefined },
  })

const isThere = async (client: WireClient, action: string, input: Record<string, string>) =>
  (await iam(client, action, input)).status === 200

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
})
const ALLOW = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }],
})

const creatingAUser: MutationCase = async (_client, UserName) => ({
  name: 'CreateUser',
  frames: 1,
  call: (caller) => iam(caller, 'CreateUser', { UserName }),
  extent: async (caller) => extentOf([await isThere(caller, 'GetUser', { UserName })]),
})

const creatingARole: MutationCase = async (_client, RoleName) => ({
  name: 'CreateRole',
  frames: 1,
  call: (caller) => iam(caller, 'CreateRole', { RoleName, AssumeRolePolicyDocument: TRUST }),
  extent: async (caller) => extentOf([await isThere(caller, 'GetRole', { RoleName })]),
})

/** A call about a user who is there, and the call that finds what it made. */
const aboutAUser =
  (
    name: string,
    input: Readonly<Record<string, string>>,
    found: (client: WireClient, UserName: string) => Promise<boolean>,
  ): MutationCase =>
  async (client, UserName) => {
    const made = await iam(client, 'CreateUser', { UserName })
    if (made.status !== 200) throw new Error(made.text)
    return {
      name,
      frames: 1,
      call: (caller) => iam(caller, name, { UserName, ...input }),
      extent: async (caller) => extentOf([await found(caller, UserName)]),
    }
  }

/** The changes that are cut off. Each is one transaction and, once committed, one append a frame. */
export const MUTATIONS: readonly MutationCase[] = [
  creatingAKey,
  changesState('DisableKey', {}, 'Disabled'),
  changesState('EnableKey', {}, 'Enabled', 'DisableKey'),
  changesState('ScheduleKeyDeletion', { PendingWindowInDays: 7 }, 'PendingDeletion'),
  changesState('CancelKeyDeletion', {}, 'Disabled', 'ScheduleKeyDeletion'),
  puttingAPolicy,
  creatingAGrant,
  revokingAGrant,
  importing,
  rotating,
  replicating,
  creatingAnAlias,
  tagging,
  creatingAUser,
  creatingARole,
  aboutAUser('CreateAccessKey', {}, async (client, UserName) =>
    (await iam(client, 'ListAccessKeys', { UserName })).text.includes('<AccessKeyId>'),
  ),
  aboutAUser('PutUserPolicy', { PolicyName: 'own', PolicyDocument: ALLOW }, (client, UserName) =>
    isThere(client, 'GetUserPolicy', { UserName, PolicyName: 'own' }),
  ),
  aboutAUser(
    'DeleteUser',
    {},
    async (client, UserName) => !(await isThere(client, 'GetUser', { UserName })),
  ),
]
