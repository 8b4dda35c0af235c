import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import { IAM_MODEL } from '../../src/services/iam/model.ts'
import { KMS_MODEL } from '../../src/services/kms/model.ts'
import { STS_MODEL } from '../../src/services/sts/model.ts'
import { Identities } from '../support/identities.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { Sha256 } from '../support/signer-hash.ts'
import {
  blob,
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

// What docs/security-checklist.md promises and no other suite tests.

const ACCOUNT = '111122223333'
const OTHER = '444455556666'
const RACERS = 40
const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const document = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })

let node: MemoryNode
let root: WireClient
let identities: Identities

before(async () => {
  node = await startMemoryNode()
  root = new WireClient(node.endpoint, ACCOUNT)
  identities = new Identities(node.records)
})
after(async () => {
  root.close()
  await node.close()
})

const userWith = async (name: string, policy: string): Promise<WireClient> => {
  const user = await identities.addUser(ACCOUNT, `/${name}`, { inlinePolicies: { own: policy } })
  const { id, secret } = await identities.addAccessKey(user)
  return new WireClient(node.endpoint, id, 'eu-central-1', secret)
}

const inTurn = async (count: number, call: (at: number) => Promise<unknown>): Promise<void> => {
  for (let at = 0; at < count; at++) await call(at)
}

describe('requests that race a change', () => {
  test('use the key that they were allowed, however the alias moves meanwhile', async () => {
    const allowed = await createKey(root)
    const forbidden = await createKey(root)
    const alias = { AliasName: 'alias/moving', TargetKeyId: allowed.id }
    succeeded(await root.kms('CreateAlias', alias))
    const user = await userWith(
      'mover',
      document({ Effect: 'Allow', Action: 'kms:Encrypt', Resource: allowed.arn }),
    )
    const answers: WireAnswer[] = []
    await Promise.all([
      inTurn(RACERS, (at) => {
        const TargetKeyId = at % 2 === 0 ? forbidden.id : allowed.id
        return root.kms('UpdateAlias', { AliasName: 'alias/moving', TargetKeyId })
      }),
      ...Array.from({ length: 4 }, () =>
        inTurn(RACERS, async () => {
          const input = { KeyId: 'alias/moving', Plaintext: blob('x') }
          answers.push(await user.kms('Encrypt', input))
        }),
      ),
    ])
    for (const answer of answers) {
      if (answer.status === 200) assert.equal(answer.json['KeyId'], allowed.arn)
      else refused(answer, 'AccessDeniedException', /no identity-based policy allows/)
    }
    assert.equal(answers.length, 4 * RACERS)
    user.close()
  })

  test('are refused once the reply to the change has come', async () => {
    const key = await createKey(root)
    const open = document({
      Effect: 'Allow',
      Principal: { AWS: ROOT },
      Action: 'kms:*',
      Resource: '*',
    })
    const closed = document({
      Effect: 'Allow',
      Principal: { AWS: ROOT },
      Action: 'kms:PutKeyPolicy',
      Resource: '*',
    })
    const user = await userWith(
      'racer',
      document({ Effect: 'Allow', Action: 'kms:Encrypt', Resource: '*' }),
    )
    for (let round = 0; round < 5; round++) {
      succeeded(await root.kms('PutKeyPolicy', { KeyId: key.id, Policy: open }))
      let isClosed = false
      const late: WireAnswer[] = []
      const use = async (): Promise<void> => {
        const wasClosed = isClosed
        const answer = await user.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x') })
        if (wasClosed) late.push(answer)
      }
      await Promise.all([
        ...Array.from({ length: 4 }, () => inTurn(10, use)),
        root.kms('PutKeyPolicy', { KeyId: key.id, Policy: closed }).then((answer) => {
          succeeded(answer)
          isClosed = true
        }),
      ])
      await use()
      assert.ok(late.length > 0)
      for (const answer of late)
        refused(answer, 'AccessDeniedException', /no resource-based policy/)
    }
    user.close()
  })
})

describe('requests without a signature', () => {
  const send = async (init: RequestInit, path = '/'): Promise<string> => {
    const response = await fetch(node.endpoint + path, init)
    const text = await response.text()
    assert.notEqual(response.status, 200, text)
    return text
  }

  test('are refused by every operation of KMS', async () => {
    for (const name of KMS_MODEL.operations.keys()) {
      const headers = {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${name}`,
      }
      assert.match(
        await send({ method: 'POST', headers, body: '{}' }),
        /MissingAuthenticationToken/,
        name,
      )
    }
  })

  test('are refused by every operation of STS but the one that takes a token', async () => {
    for (const name of STS_MODEL.operations.keys()) {
      if (name === 'AssumeRoleWithWebIdentity') continue
      const body = new URLSearchParams({ Action: name, Version: '2011-06-15' })
      assert.match(await send({ method: 'POST', body }), /MissingAuthenticationToken/, name)
    }
  })

  test('are refused by every operation of IAM', async () => {
    for (const name of IAM_MODEL.operations.keys()) {
      const body = new URLSearchParams({ Action: name, Version: '2010-05-08' })
      assert.match(await send({ method: 'POST', body }), /MissingAuthenticationToken/, name)
    }
  })
})

describe('listings', () => {
  test('show nothing of another account', async () => {
    const mine = await createKey(root)
    const alias = { AliasName: 'alias/mine', TargetKeyId: mine.id }
    succeeded(await root.kms('CreateAlias', alias))
    const grant = { KeyId: mine.id, GranteePrincipal: OTHER, Operations: ['Decrypt'] }
    succeeded(await root.kms('CreateGrant', grant))
    const other = new WireClient(node.endpoint, OTHER)
    for (const [operation, member] of [
      ['ListKeys', 'Keys'],
      ['ListAliases', 'Aliases'],
    ] as const) {
      assert.deepEqual(listOf(succeeded(await other.kms(operation)), member), [], operation)
    }
    for (const [operation, input] of [
      ['ListAliases', { KeyId: mine.arn }],
      ['ListKeyPolicies', { KeyId: mine.arn }],
      ['ListResourceTags', { KeyId: mine.arn }],
      ['ListGrants', { KeyId: mine.arn }],
      ['ListRetirableGrants', { RetiringPrincipal: ROOT }],
    ] as const) {
      refused(await other.kms(operation, input), 'AccessDeniedException', /on this resource/)
    }
    other.close()
  })

  test('and denials tell nothing of another account’s key through the caller’s own conditions', async () => {
    const other = new WireClient(node.endpoint, OTHER)
    const tags = [{ TagKey: 'team', TagValue: 'red' }]
    const { id, arn } = await createKey(other, { Tags: tags })
    succeeded(await other.kms('CreateAlias', { AliasName: 'alias/theirs', TargetKeyId: id }))
    const missing = arn.replace(id, '00000000-0000-4000-8000-000000000000')
    const aliasOf = (name: string): string => arn.replace(`key/${id}`, `alias/${name}`)
    const seal = await other.kms('Encrypt', { KeyId: id, Plaintext: blob('x') })
    const sealed = textOf(succeeded(seal), 'CiphertextBlob')
    // The same ciphertext under the id of no key: the id stands behind four bytes of version.
    const lost = Buffer.from(sealed, 'base64')
    const at = lost.indexOf(Buffer.from(id.replaceAll('-', ''), 'hex'))
    if (at !== -1) lost.fill(0, at, at + 16)
    const conditions: readonly (readonly [string, object, string?])[] = [
      ['spec', { StringEquals: { 'kms:KeySpec': 'SYMMETRIC_DEFAULT' } }],
      ['usage', { StringNotEquals: { 'kms:KeyUsage': 'SIGN_VERIFY' } }],
      ['tag', { StringEquals: { 'aws:ResourceTag/team': 'red' } }],
      ['alias', { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/theirs' } }],
      ['asked', { StringEquals: { 'kms:EncryptionContext:a': 'b' } }],
      ['origin', { Null: { 'kms:KeyOrigin': 'true' } }],
      ['that-key', {}, arn],
      ['that-account', {}, arn.replace(id, '*')],
      ['everything', {}],
    ]
    for (const [name, Condition, Resource = '*'] of conditions) {
      const Action = 'kms:*'
      const user = await userWith(
        `prober-${name}`,
        document({ Effect: 'Allow', Action, Resource, Condition }),
      )
      const told = async (operation: string, input: object): Promise<string> => {
        const answer = await user.kms(operation, { EncryptionContext: { a: 'b' }, ...input })
        assert.equal(answer.json['__type'], 'AccessDeniedException', answer.text)
        return textOf(answer.json, 'Message').replace(/(key|alias)\/[\w-]+/, 'it')
      }
      const encrypt = (KeyId: string) => told('Encrypt', { KeyId, Plaintext: blob('x') })
      if (name !== 'that-key') assert.equal(await encrypt(arn), await encrypt(missing), name)
      assert.equal(await encrypt(aliasOf('theirs')), await encrypt(aliasOf('none')), name)
      const decrypt = (CiphertextBlob: string) => told('Decrypt', { CiphertextBlob })
      // Who may use that very key, as far as its own account goes, knows that it is there.
      if (!name.startsWith('that-')) {
        assert.equal(await decrypt(sealed), await decrypt(lost.toString('base64')), name)
      }
      user.close()
    }
    assert.notEqual(at, -1)
    other.close()
  })

  test('need a permission of their own', async () => {
    const nobody = await userWith('nobody', document())
    for (const operation of ['ListKeys', 'ListAliases', 'DescribeCustomKeyStores']) {
      const message = `User: arn:aws:iam::${ACCOUNT}:user/nobody is not authorized to perform: kms:${operation} on resource: * because no identity-based policy allows the kms:${operation} action`
      refused(await nobody.kms(operation), 'AccessDeniedException', message)
    }
    nobody.close()
  })
})

describe('a presigned request', () => {
  /** GetCallerIdentity, signed in the query. */
  const presigned = async (signedAt: number, expiresIn: number): Promise<Response> => {
    const { host } = new URL(node.endpoint)
    const signer = new SignatureV4({
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
      region: 'eu-central-1',
      service: 'sts',
      sha256: Sha256,
    })
    const request = await signer.presign(
      {
        method: 'GET',
        protocol: 'http:',
        hostname: host,
        path: '/',
        headers: { host },
        query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      },
      { signingDate: new Date(signedAt), expiresIn },
    )
    // Texts only: nothing here has a parameter twice.
    const query = new URLSearchParams(request.query as Record<string, string>)
    return fetch(`${node.endpoint}/?${query.toString()}`)
  }

  test('is good for as long as it says, and not replayed afterwards', async () => {
    const now = Date.now()
    const good = await presigned(now - 50_000, 60)
    assert.equal(good.status, 200, await good.text())
    for (const [signedAt, expiresIn] of [
      [now - 120_000, 60],
      [now - 3_600_000, 900],
      [now + 3_600_000, 900],
    ] as const) {
      const late = await presigned(signedAt, expiresIn)
      assert.equal(late.status, 403)
      assert.match(await late.text(), /<Code>SignatureDoesNotMatch<\/Code>/)
    }
  })

  test('is for the operation that was signed alone', async () => {
    const { host } = new URL(node.endpoint)
    const key = await createKey(root)
    for (const target of ['TrentService.DisableKey', 'TrentService.Encrypt']) {
      const headers = { host, 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' }
      const response = await fetch(
        `${node.endpoint}/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${ACCOUNT}%2F20260101%2Feu-central-1%2Fkms%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}`,
        { method: 'POST', headers, body: JSON.stringify({ KeyId: key.id }) },
      )
      assert.notEqual(response.status, 200)
    }
    assert.match(
      textOf(
        succeeded(await root.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x') })),
        'KeyId',
      ),
      /key\//,
    )
  })
})
