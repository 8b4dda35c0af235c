import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Identities } from '../support/identities.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const OTHER = '444455556666'
const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const INVALID = 'Policy contains a statement with one or more invalid principals.'
const LOCKED_OUT = 'The new key policy will not allow you to update the key policy in the future.'

const allow = (principal: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Principal: principal,
  Action: 'kms:*',
  Resource: '*',
  ...more,
})
const policyOf = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })
const OWN = allow({ AWS: ROOT })

describe('the policy of a key', () => {
  let node: MemoryNode
  let identities: Identities
  let kms: WireClient

  before(async () => {
    node = await startMemoryNode()
    identities = new Identities(node.records)
    kms = new WireClient(node.endpoint, ACCOUNT)
  })
  after(async () => {
    kms.close()
    await node.close()
  })

  const put = (keyId: string, policy: string, more: object = {}) =>
    kms.kms('PutKeyPolicy', { KeyId: keyId, Policy: policy, ...more })
  const shown = async (keyId: string): Promise<string> =>
    textOf(succeeded(await kms.kms('GetKeyPolicy', { KeyId: keyId })), 'Policy')

  test('is answered as it was submitted while it names its principals as AWS does', async () => {
    const { id } = await createKey(kms)
    await identities.addUser(ACCOUNT, '/team/plain')
    const text = ` ${policyOf(OWN, allow({ AWS: `arn:aws:iam::${ACCOUNT}:user/team/plain` }))}\n`
    succeeded(await put(id, text))
    assert.equal(await shown(id), text)
  })

  test('names an account by the ARN of its root', async () => {
    const { id } = await createKey(kms)
    succeeded(await put(id, policyOf(OWN, allow({ AWS: [OTHER, ROOT] }))))
    const statements = JSON.parse(await shown(id)).Statement
    assert.deepEqual(statements[1].Principal.AWS, [`arn:aws:iam::${OTHER}:root`, ROOT])
    assert.match(await shown(id), /^\{\n {2}"Version" : "2012-10-17",\n {2}"Statement" : \[ \{\n/)
  })

  test('shows the id of a user who was deleted, also once there is another of that name', async () => {
    const { id } = await createKey(kms)
    const arn = `arn:aws:iam::${ACCOUNT}:user/gone`
    const gone = await identities.addUser(ACCOUNT, '/gone')
    succeeded(await put(id, policyOf(OWN, allow({ AWS: arn }))))
    assert.equal(JSON.parse(await shown(id)).Statement[1].Principal.AWS, arn)
    await identities.removeUser(gone)
    assert.equal(JSON.parse(await shown(id)).Statement[1].Principal.AWS, gone.userId)
    const next = await identities.addUser(ACCOUNT, '/gone')
    assert.notEqual(next.userId, gone.userId)
    assert.equal(JSON.parse(await shown(id)).Statement[1].Principal.AWS, gone.userId)
  })

  for (const [what, principal] of [
    ['a user who does not exist', { AWS: `arn:aws:iam::${ACCOUNT}:user/nobody` }],
    ['a user under another path', { AWS: `arn:aws:iam::${ACCOUNT}:user/elsewhere/kept` }],
    ['a user in another case', { AWS: `arn:aws:iam::${ACCOUNT}:user/KEPT` }],
    ['a role that does not exist', { AWS: [ROOT, `arn:aws:iam::${ACCOUNT}:role/nobody`] }],
    ['a session of no role', { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/nobody/session` }],
    ['a group', { AWS: `arn:aws:iam::${ACCOUNT}:group/kept` }],
    ['a policy', { AWS: `arn:aws:iam::${ACCOUNT}:policy/kept` }],
    ['an id that nobody has', { AWS: 'AIDAABCDEFGHIJKLMNOPQ' }],
    ['an account with eleven digits', { AWS: '11112222333' }],
    ['another partition', { AWS: `arn:aws-cn:iam::${ACCOUNT}:root` }],
    ['a partial wildcard', { AWS: `arn:aws:iam::${ACCOUNT}:user/*` }],
    ['a service without its domain', { Service: 's3' }],
    ['a mistyped service', { Service: 's3.amazonaws.org' }],
  ] as const) {
    test(`may not name ${what}`, async () => {
      const { id } = await createKey(kms)
      if (what.includes('path')) await identities.addUser(ACCOUNT, '/kept')
      const old = await shown(id)
      const policy = policyOf(OWN, allow(principal))
      refused(await put(id, policy), 'MalformedPolicyDocumentException', INVALID)
      assert.equal(await shown(id), old)
      refused(
        await kms.kms('CreateKey', { Policy: policy }),
        'MalformedPolicyDocumentException',
        INVALID,
      )
    })
  }

  test('may name what an account has that is not kept here, and services', async () => {
    const { id } = await createKey(kms)
    const elsewhere = [
      `arn:aws:iam::${OTHER}:user/somebody`,
      `arn:aws:iam::${OTHER}:role/path/some`,
      `arn:aws:sts::${OTHER}:assumed-role/some/session`,
      `arn:aws:sts::${ACCOUNT}:federated-user/somebody`,
    ]
    const services = ['s3.amazonaws.com', 'logs.eu-central-1.amazonaws.com']
    succeeded(await put(id, policyOf(OWN, allow({ AWS: elsewhere, Service: services }))))
  })

  test('may not lock its author out, unless the author says so', async () => {
    const { id } = await createKey(kms)
    const old = await shown(id)
    for (const policy of [
      policyOf(allow({ AWS: OTHER })),
      policyOf(allow({ AWS: ROOT }, { Action: ['kms:Encrypt', 'kms:Decrypt'] })),
      policyOf(OWN, allow('*', { Effect: 'Deny', Action: 'kms:PutKeyPolicy' })),
      policyOf(allow({ Service: 's3.amazonaws.com' })),
      policyOf(allow({ AWS: ROOT }, { Resource: undefined })),
      policyOf(allow({ AWS: ROOT }, { Condition: { Bool: { 'aws:SecureTransport': 'true' } } })),
    ]) {
      refused(await put(id, policy), 'MalformedPolicyDocumentException', LOCKED_OUT)
      refused(
        await kms.kms('CreateKey', { Policy: policy }),
        'MalformedPolicyDocumentException',
        LOCKED_OUT,
      )
    }
    assert.equal(await shown(id), old)
    const closing = policyOf(allow({ AWS: OTHER }))
    succeeded(await put(id, closing, { BypassPolicyLockoutSafetyCheck: true }))
    refused(
      await kms.kms('GetKeyPolicy', { KeyId: id }),
      'AccessDeniedException',
      /^User: arn:aws:iam::111122223333:root is not authorized to perform: kms:GetKeyPolicy on resource: arn:aws:kms:eu-central-1:111122223333:key\/[0-9a-f-]+ because no resource-based policy allows the kms:GetKeyPolicy action$/,
    )
  })

  test('decides about the root of its own account, too', async () => {
    const { id } = await createKey(kms)
    const policy = policyOf(OWN, allow('*', { Effect: 'Deny', Action: 'kms:Encrypt' }))
    succeeded(await put(id, policy))
    refused(
      await kms.kms('Encrypt', { KeyId: id, Plaintext: 'AA==' }),
      'AccessDeniedException',
      /with an explicit deny in a resource-based policy$/,
    )
    succeeded(await put(id, policyOf(OWN)))
    succeeded(await kms.kms('Encrypt', { KeyId: id, Plaintext: 'AA==' }))
  })

  test('lets another account in on what is used across accounts, and on nothing else', async () => {
    const { id, arn } = await createKey(kms)
    const friend = new WireClient(node.endpoint, OTHER)
    const use = (operation: string, input: object = {}) =>
      friend.kms(operation, { KeyId: arn, ...input })
    refused(await use('Encrypt', { Plaintext: 'AA==' }), 'AccessDeniedException', /this resource/)
    succeeded(await put(id, policyOf(OWN, allow({ AWS: OTHER }))))
    const sealed = textOf(succeeded(await use('Encrypt', { Plaintext: 'AA==' })), 'CiphertextBlob')
    succeeded(await friend.kms('Decrypt', { CiphertextBlob: sealed }))
    succeeded(await use('DescribeKey'))
    for (const operation of ['GetKeyPolicy', 'DisableKey', 'ListResourceTags', 'EnableKey']) {
      refused(
        await use(operation),
        'AccessDeniedException',
        /on this resource because the resource does not exist in this Region/,
      )
    }
    succeeded(await put(id, policyOf(OWN)))
    refused(
      await friend.kms('Decrypt', { CiphertextBlob: sealed }),
      'AccessDeniedException',
      /on the resource associated with this ciphertext because the resource does not exist/,
    )
    friend.close()
  })
})
