import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { User } from '../../src/core/identity.ts'
import {
  GROUPS,
  MANAGED_POLICIES,
  nameKey,
  SERVICE_CONTROLS,
  USERS,
} from '../../src/core/identity-tables.ts'
import { instant } from '../../src/core/ids.ts'
import { CREDENTIALS } from '../../src/core/tables.ts'
import { Identities } from '../support/identities.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const document = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (more: object = {}) => ({
  Effect: 'Allow',
  Action: 'kms:*',
  Resource: '*',
  ...more,
})
const USE_KEYS = document(allow())
const OPEN = allow({ Principal: { AWS: ROOT } })

/** A user who has used a key, so that everything about both is cached. */
interface Scene {
  readonly user: User
  readonly key: { readonly id: string; readonly arn: string }
  readonly accessKeyId: string
}

/** What the user is given, and how it is taken away again: the very next call must be denied. */
interface Case {
  readonly what: string
  readonly user?: Partial<User>
  readonly policy?: (userArn: string) => string
  prepare?(scene: Scene): Promise<void>
  revoke(scene: Scene): Promise<void>
  /** How the refused call answers, where it is not a denial. */
  readonly code?: string
}

let node: MemoryNode
let identities: Identities
let root: WireClient

const put = async (KeyId: string, Policy: string): Promise<void> =>
  void succeeded(await root.kms('PutKeyPolicy', { KeyId, Policy }))

const groupOf = async (userId: string): Promise<string> => {
  const groupId = `AGPA${userId.slice(4)}`
  await node.records.transaction(async (tx) => {
    await tx.insert(GROUPS, {
      accountId: (await tx.find(USERS, [userId]))?.record.accountId ?? assert.fail(),
      groupId,
      name: groupId,
      path: '/',
      createdAt: instant(0),
      inlinePolicies: { use: USE_KEYS },
      attachedPolicyArns: [],
    })
  })
  await identities.change(USERS, [userId], { groupIds: [groupId] })
  return groupId
}

/** A managed policy that lets its holders use keys. */
const managed = async (
  { accountId, userId }: User,
  name: string,
  text: string,
): Promise<string> => {
  await node.records.transaction((tx) =>
    tx.insert(MANAGED_POLICIES, {
      accountId,
      policyId: `ANPA${userId.slice(4)}`,
      name,
      path: '/',
      description: '',
      createdAt: instant(0),
      updatedAt: instant(0),
      tags: {},
      defaultVersionId: 'v1',
      versions: [
        { versionId: 'v1', text, createdAt: instant(0) },
        { versionId: 'v2', text: document(allow({ Effect: 'Deny' })), createdAt: instant(0) },
      ],
      versionCount: 2,
    }),
  )
  return `arn:aws:iam::${ACCOUNT}:policy/${name}`
}

const INLINE: Pick<Case, 'user'> = { user: { inlinePolicies: { use: USE_KEYS } } }

const CASES: readonly Case[] = [
  {
    ...INLINE,
    what: 'an inline policy is deleted',
    revoke: ({ user }) => identities.change(USERS, [user.userId], { inlinePolicies: {} }),
  },
  {
    ...INLINE,
    what: 'a Deny is added',
    revoke: ({ user }) =>
      identities.change(USERS, [user.userId], {
        inlinePolicies: { use: USE_KEYS, stop: document(allow({ Effect: 'Deny' })) },
      }),
  },
  {
    ...INLINE,
    what: 'the key policy closes the door to IAM',
    revoke: ({ key }) =>
      put(key.id, document(allow({ Principal: { AWS: ROOT }, Action: 'kms:Put*' }))),
  },
  {
    ...INLINE,
    what: 'the key policy denies',
    revoke: ({ key }) =>
      put(key.id, document(OPEN, allow({ Effect: 'Deny', Principal: '*', Action: 'kms:Encrypt' }))),
  },
  {
    what: 'the key policy names the user no longer',
    policy: (arn) => document(OPEN, allow({ Principal: { AWS: arn } })),
    revoke: ({ key }) => put(key.id, document(OPEN)),
  },
  {
    what: 'the user is deleted and made again',
    policy: (arn) => document(OPEN, allow({ Principal: { AWS: arn } })),
    async revoke({ user, accessKeyId }) {
      await identities.removeUser(user)
      const again = await identities.addUser(ACCOUNT, `${user.path}${user.name}`)
      // The new user is given the old one's access key, which nothing in AWS can do.
      await identities.change(CREDENTIALS, [accessKeyId], {
        principal: { type: 'User', userId: again.userId },
      })
    },
  },
  {
    what: 'a grant is revoked',
    async prepare({ user, key }) {
      const GranteePrincipal = `arn:aws:iam::${ACCOUNT}:user${user.path}${user.name}`
      const grant = { KeyId: key.id, GranteePrincipal, Operations: ['Encrypt'], Name: 'use' }
      succeeded(await root.kms('CreateGrant', grant))
    },
    async revoke({ key }) {
      const { Grants } = succeeded(await root.kms('ListGrants', { KeyId: key.id }))
      assert.ok(Array.isArray(Grants) && Grants.length === 1)
      const GrantId = textOf(Grants[0], 'GrantId')
      succeeded(await root.kms('RevokeGrant', { KeyId: key.id, GrantId }))
    },
  },
  {
    what: 'the user leaves the group',
    prepare: async ({ user }) => void (await groupOf(user.userId)),
    revoke: ({ user }) => identities.change(USERS, [user.userId], { groupIds: [] }),
  },
  {
    what: 'the policy of the group is deleted',
    prepare: async ({ user }) => void (await groupOf(user.userId)),
    revoke: ({ user }) =>
      identities.change(GROUPS, [`AGPA${user.userId.slice(4)}`], { inlinePolicies: {} }),
  },
  {
    what: 'a managed policy is detached',
    async prepare({ user }) {
      const arn = await managed(user, 'detached', USE_KEYS)
      await identities.change(USERS, [user.userId], { attachedPolicyArns: [arn] })
    },
    revoke: ({ user }) => identities.change(USERS, [user.userId], { attachedPolicyArns: [] }),
  },
  {
    what: 'a managed policy gets another default version',
    async prepare({ user }) {
      const arn = await managed(user, 'Versioned', USE_KEYS)
      await identities.change(USERS, [user.userId], { attachedPolicyArns: [arn] })
    },
    revoke: () =>
      identities.change(MANAGED_POLICIES, [ACCOUNT, nameKey('Versioned')], {
        defaultVersionId: 'v2',
      }),
  },
  {
    ...INLINE,
    what: 'a boundary is set',
    revoke: async ({ user }) => {
      const boundaryArn = await managed(user, 'bounded', document(allow({ Action: 's3:*' })))
      await identities.change(USERS, [user.userId], { boundaryArn })
    },
  },
  {
    ...INLINE,
    what: 'the access key is deactivated',
    revoke: ({ accessKeyId }) =>
      identities.change(CREDENTIALS, [accessKeyId], { status: 'Inactive' }),
    code: 'UnrecognizedClientException',
  },
  {
    ...INLINE,
    what: 'the access key is deleted',
    revoke: ({ accessKeyId }) =>
      identities.change(CREDENTIALS, [accessKeyId], { status: 'Deleted' }),
    code: 'UnrecognizedClientException',
  },
  {
    ...INLINE,
    what: 'the user is deleted',
    revoke: ({ user }) => identities.removeUser(user),
    code: 'UnrecognizedClientException',
  },
  {
    ...INLINE,
    what: 'the key is disabled',
    revoke: async ({ key }) => void succeeded(await root.kms('DisableKey', { KeyId: key.id })),
    code: 'DisabledException',
  },
  {
    ...INLINE,
    what: 'a tag goes that a condition asks for',
    user: {
      inlinePolicies: {
        use: document(allow({ Condition: { StringEquals: { 'aws:PrincipalTag/team': 'red' } } })),
      },
      tags: { team: 'red' },
    },
    revoke: ({ user }) => identities.change(USERS, [user.userId], { tags: {} }),
  },
  {
    what: 'a tag of the key goes that a condition asks for',
    user: {
      inlinePolicies: {
        use: document(allow({ Condition: { StringEquals: { 'aws:ResourceTag/team': 'red' } } })),
      },
    },
    prepare: async ({ key }) => {
      const Tags = [{ TagKey: 'team', TagValue: 'red' }]
      succeeded(await root.kms('TagResource', { KeyId: key.id, Tags }))
    },
    revoke: async ({ key }) =>
      void succeeded(await root.kms('UntagResource', { KeyId: key.id, TagKeys: ['team'] })),
  },
  {
    what: 'an alias goes that a condition asks for',
    user: {
      inlinePolicies: {
        use: document(
          allow({
            Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/open' } },
          }),
        ),
      },
    },
    prepare: async ({ key }) => {
      const alias = { AliasName: 'alias/open', TargetKeyId: key.id }
      succeeded(await root.kms('CreateAlias', alias))
    },
    revoke: async () => void succeeded(await root.kms('DeleteAlias', { AliasName: 'alias/open' })),
  },
]

describe('nobody is let in by what was true before, when', () => {
  before(async () => {
    node = await startMemoryNode({ closed: false })
    identities = new Identities(node.records)
    root = new WireClient(node.endpoint, ACCOUNT)
  })
  after(async () => {
    root.close()
    await node.close()
  })

  for (const [index, { what, user: given, policy, prepare, revoke, code }] of CASES.entries()) {
    test(what, async () => {
      const user = await identities.addUser(ACCOUNT, `/team/user-${index}`, given)
      const arn = `arn:aws:iam::${ACCOUNT}:user/team/user-${index}`
      const key = await createKey(root, policy && { Policy: policy(arn) })
      const accessKey = await identities.addAccessKey(user)
      const caller = new WireClient(node.endpoint, accessKey.id, 'eu-central-1', accessKey.secret)
      const use = () => caller.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x') })
      const scene = { user, key, accessKeyId: accessKey.id }
      if (prepare !== undefined) {
        refused(await use(), 'AccessDeniedException', /not authorized to perform: kms:Encrypt/)
        await prepare(scene)
      }
      for (const _ of [1, 2, 3]) succeeded(await use())
      await revoke(scene)
      const answer = await use()
      assert.equal(answer.json['__type'], code ?? 'AccessDeniedException', answer.text)
      caller.close()
    })
  }

  test('a service control policy is set', async () => {
    const user = await identities.addUser(ACCOUNT, '/last', INLINE.user)
    const accessKey = await identities.addAccessKey(user)
    const caller = new WireClient(node.endpoint, accessKey.id, 'eu-central-1', accessKey.secret)
    const key = await createKey(root)
    const use = (who: WireClient) => who.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x') })
    succeeded(await use(caller))
    succeeded(await use(root))
    const text = document(allow(), allow({ Effect: 'Deny', Action: 'kms:Encrypt' }))
    const control = { accountId: user.accountId, text, updatedAt: instant(0) }
    await node.records.transaction((tx) => tx.insert(SERVICE_CONTROLS, control))
    for (const who of [caller, root]) {
      refused(await use(who), 'AccessDeniedException', /explicit deny in a service control policy/)
    }
    caller.close()
  })
})
