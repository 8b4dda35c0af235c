import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseAttestationRoots } from '../../src/crypto/attestation/attestation-roots.ts'
import { createTestEnclave, register, type TestEnclave } from '../support/attestation-document.ts'
import { HeldClock, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { ACCOUNT, policyOf, ROOT, statement } from '../support/service-bench.ts'
import {
  blob,
  createKey,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'
import { type AskedOperation, CASES, LISTS } from './kms-condition-cases.ts'

describe('condition keys of KMS', () => {
  let node: MemoryNode
  let kms: WireClient
  let enclave: TestEnclave

  before(async () => {
    enclave = await createTestEnclave(new HeldClock().now())
    const attestationRoots = parseAttestationRoots(enclave.rootPem)
    assert.ok(attestationRoots)
    node = await startMemoryNode({ attestationRoots })
    kms = new WireClient(node.endpoint, ACCOUNT)
  })
  after(async () => {
    kms.close()
    await node.close()
  })

  /** Whether a new key whose policy allows the operation under a condition, and nothing else, allows it. */
  async function allows(
    { operation, key, input, byAlias = false }: AskedOperation,
    condition: object,
  ): Promise<boolean> {
    const { id } = await createKey(kms, {
      ...key,
      Policy: policyOf(
        statement({ AWS: ROOT }, `kms:${operation}`, condition),
        statement({ AWS: ROOT }, ['kms:CreateAlias', 'kms:DeleteAlias']),
      ),
      BypassPolicyLockoutSafetyCheck: true,
    })
    const AliasName = 'alias/asked'
    if (byAlias) succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId: id }))
    const answer = await kms.kms(operation, { KeyId: byAlias ? AliasName : id, ...input })
    if (byAlias) succeeded(await kms.kms('DeleteAlias', { AliasName }))
    return isAllowed(answer)
  }

  /** Allowed is what is not denied: most of these inputs are refused for what they are. */
  function isAllowed({ json, text, status }: WireAnswer): boolean {
    assert.notEqual(status, 500, text)
    return json['__type'] !== 'AccessDeniedException'
  }

  for (const { keys, ...call } of CASES) {
    const { operation, byAlias, key } = call
    const how = [JSON.stringify(key ?? {}), byAlias === true ? 'by alias' : ''].join(' ')
    test(`${operation} ${how}`, async () => {
      for (const [name, value, other] of keys) {
        const isPresent = value !== undefined
        const absent = { Null: { [name]: 'true' } }
        const present = { Null: { [name]: 'false' } }
        assert.equal(await allows(call, absent), !isPresent, `${name} is absent`)
        assert.equal(await allows(call, present), isPresent, `${name} is present`)
        if (value === undefined || other === undefined) continue
        assert.equal(await allows(call, { StringEquals: { [name]: value } }), true, name)
        assert.equal(await allows(call, { StringEquals: { [name]: other } }), false, name)
        assert.equal(await allows(call, { StringNotEquals: { [name]: value } }), false, name)
      }
    })
  }

  for (const { list, values, ...call } of LISTS) {
    test(`${call.operation} has every value of ${list}, and no other`, async () => {
      const set = (operator: string, some: readonly string[]) =>
        allows(call, { [operator]: { [list]: some }, Null: { [list]: 'false' } })
      assert.equal(await set('ForAllValues:StringEquals', values), true)
      assert.equal(await set('ForAllValues:StringEquals', values.slice(1)), false)
      for (const value of values) {
        assert.equal(await set('ForAnyValue:StringEquals', [value]), true, value)
      }
      assert.equal(await set('ForAnyValue:StringEquals', ['other']), false)
    })
  }

  test('ReEncrypt tells each half of its own algorithm, context and alias, and whether it is one key', async () => {
    const { id: open } = await createKey(kms)
    const sealed = succeeded(
      await kms.kms('Encrypt', {
        KeyId: open,
        Plaintext: 'AAAA',
        EncryptionContext: { side: 'from' },
      }),
    )
    const reEncrypt = async (condition: object, half: 'From' | 'To', isSameKey = false) => {
      const free = statement({ AWS: ROOT }, ['kms:ReEncrypt*', 'kms:PutKeyPolicy'])
      const bound = policyOf(
        statement({ AWS: ROOT }, `kms:ReEncrypt${half}`, condition),
        statement({ AWS: ROOT }, [
          `kms:ReEncrypt${half === 'From' ? 'To' : 'From'}`,
          'kms:PutKeyPolicy',
          'kms:Encrypt',
        ]),
      )
      const policies = half === 'From' ? [bound, policyOf(free)] : [policyOf(free), bound]
      const [fromPolicy = '', toPolicy = ''] = policies
      succeeded(
        await kms.kms('PutKeyPolicy', { KeyId: open, Policy: isSameKey ? bound : fromPolicy }),
      )
      const to = isSameKey ? open : (await createKey(kms, { Policy: toPolicy })).id
      return isAllowed(
        await kms.kms('ReEncrypt', {
          CiphertextBlob: textOf(sealed, 'CiphertextBlob'),
          SourceEncryptionContext: { side: 'from' },
          DestinationEncryptionContext: { side: 'to' },
          DestinationKeyId: to,
        }),
      )
    }
    const context = (side: string) => ({ StringEquals: { 'kms:EncryptionContext:side': side } })
    assert.equal(await reEncrypt(context('from'), 'From'), true)
    assert.equal(await reEncrypt(context('to'), 'From'), false)
    assert.equal(await reEncrypt(context('to'), 'To'), true)
    assert.equal(await reEncrypt(context('from'), 'To'), false)
    const same = (isSame: string) => ({ Bool: { 'kms:ReEncryptOnSameKey': isSame } })
    for (const half of ['From', 'To'] as const) {
      assert.equal(await reEncrypt(same('false'), half), true)
      assert.equal(await reEncrypt(same('true'), half), false)
      assert.equal(await reEncrypt(same('true'), half, true), true)
      assert.equal(await reEncrypt(same('false'), half, true), false)
      const algorithm = { StringEquals: { 'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT' } }
      assert.equal(await reEncrypt(algorithm, half), true)
      assert.equal(await reEncrypt({ Null: { 'kms:RequestAlias': 'false' } }, half), false)
    }
  })

  test('an attested machine shows its registers, and nobody else does', async () => {
    const asking = (isTpm: boolean) => ({
      operation: 'GenerateDataKey',
      input: {
        KeySpec: 'AES_256',
        Recipient: {
          AttestationDocument: blob(enclave.document(node.clock.now(), { isTpm })),
          KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
        },
      },
    })
    for (const [isTpm, name, otherName] of [
      [false, 'PCR', 'NitroTPMPCR'],
      [true, 'NitroTPMPCR', 'PCR'],
    ] as const) {
      const call = asking(isTpm)
      const is = (key: string, value: string) => ({
        StringEqualsIgnoreCase: { [`kms:RecipientAttestation:${key}`]: value },
      })
      const hex = (index: number) => Buffer.from(register(index + 1)).toString('hex')
      for (const index of [0, 8]) {
        assert.equal(await allows(call, is(`${name}${index}`, hex(index))), true)
        assert.equal(await allows(call, is(`${name}${index}`, hex(index).toUpperCase())), true)
        assert.equal(await allows(call, is(`${name}${index}`, hex(index + 1))), false)
        assert.equal(await allows(call, is(`${otherName}${index}`, hex(index))), false)
      }
      const absent = { Null: { [`kms:RecipientAttestation:${name}9`]: 'true' } }
      assert.equal(await allows(call, absent), true)
    }
    const bare = { operation: 'GenerateDataKey', input: { KeySpec: 'AES_256' } }
    assert.equal(await allows(bare, { Null: { 'kms:RecipientAttestation:PCR0': 'false' } }), false)
  })

  test('the days without use grow with the clock and end with a use', async () => {
    const days = (count: number) => ({
      NumericGreaterThanEquals: { 'kms:TrailingDaysWithoutKeyUsage': String(count) },
    })
    const { id } = await createKey(kms, {
      Policy: policyOf(
        statement({ AWS: ROOT }, ['kms:DisableKey', 'kms:ScheduleKeyDeletion'], days(30)),
        statement({ AWS: ROOT }, ['kms:Encrypt', 'kms:EnableKey', 'kms:PutKeyPolicy']),
      ),
    })
    const disable = async () => isAllowed(await kms.kms('DisableKey', { KeyId: id }))
    assert.equal(await disable(), false)
    node.clock.advance({ days: 29 })
    assert.equal(await disable(), false)
    node.clock.advance({ days: 1 })
    assert.equal(await disable(), true)
    succeeded(await kms.kms('EnableKey', { KeyId: id }))
    succeeded(await kms.kms('Encrypt', { KeyId: id, Plaintext: 'AAAA' }))
    assert.equal(await disable(), false)
    const doom = async () => isAllowed(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
    node.clock.advance({ days: 29 })
    assert.equal(await doom(), false)
    node.clock.advance({ days: 1 })
    assert.equal(await doom(), true)
  })
})
