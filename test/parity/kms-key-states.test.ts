import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { KMS_OPERATIONS } from '../../src/services/kms/operations.ts'
import { type Kind, makeSubject, type State, type Subject } from '../support/key-subject.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, refused, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const POLICY = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}'

/** How an operation meets a key in a state; the words of the table in the AWS KMS Developer Guide, Key states. */
type Outcome = 'ok' | 'disabled' | 'pending' | 'notPending'
type StateRow = Readonly<Record<State, Outcome>>

const USE: StateRow = { Enabled: 'ok', Disabled: 'disabled', PendingDeletion: 'pending' }
const CHANGE: StateRow = { Enabled: 'ok', Disabled: 'ok', PendingDeletion: 'pending' }
const ALWAYS: StateRow = { Enabled: 'ok', Disabled: 'ok', PendingDeletion: 'ok' }
const CANCEL: StateRow = { Enabled: 'notPending', Disabled: 'notPending', PendingDeletion: 'ok' }

const REFUSALS = {
  disabled: ['DisabledException', 'is disabled.'],
  pending: ['KMSInvalidStateException', 'is pending deletion.'],
  notPending: ['KMSInvalidStateException', 'is not pending deletion.'],
} as const

interface StateCase {
  readonly operation: string
  readonly states: StateRow
  /** What the case is about, where one operation has several. */
  readonly role?: string
  /** What its key is for; symmetric encryption where absent. */
  readonly kind?: Kind
  readonly input: (subject: Subject, healthy: Subject) => object
}

/** Source: AWS KMS Developer Guide, Key states of AWS KMS keys, table. */
const STATE_CASES: readonly StateCase[] = [
  {
    operation: 'Encrypt',
    states: USE,
    input: ({ id }) => ({ KeyId: id, Plaintext: blob('x') }),
  },
  {
    operation: 'Decrypt',
    states: USE,
    input: ({ ciphertext }) => ({ CiphertextBlob: ciphertext }),
  },
  {
    operation: 'Decrypt',
    role: 'named key',
    states: USE,
    input: ({ arn, ciphertext }) => ({ KeyId: arn, CiphertextBlob: ciphertext }),
  },
  {
    operation: 'ReEncrypt',
    role: 'source',
    states: USE,
    input: ({ ciphertext }, { id }) => ({ CiphertextBlob: ciphertext, DestinationKeyId: id }),
  },
  {
    operation: 'ReEncrypt',
    role: 'destination',
    states: USE,
    input: ({ id }, { ciphertext }) => ({ CiphertextBlob: ciphertext, DestinationKeyId: id }),
  },
  {
    operation: 'GenerateDataKey',
    states: USE,
    input: ({ alias }) => ({ KeyId: alias, KeySpec: 'AES_256' }),
  },
  {
    operation: 'GenerateDataKeyWithoutPlaintext',
    states: USE,
    input: ({ id }) => ({ KeyId: id, NumberOfBytes: 5 }),
  },
  ...['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'].map(
    (operation): StateCase => ({
      operation,
      states: USE,
      input: ({ id }) => ({ KeyId: id, KeyPairSpec: 'ECC_NIST_P256' }),
    }),
  ),
  ...['Sign', 'Verify'].map(
    (operation): StateCase => ({
      operation,
      states: USE,
      kind: 'signing',
      input: ({ id, ciphertext }) => ({
        KeyId: id,
        Message: blob('kept'),
        SigningAlgorithm: 'ECDSA_SHA_256',
        Signature: ciphertext,
      }),
    }),
  ),
  ...['GenerateMac', 'VerifyMac'].map(
    (operation): StateCase => ({
      operation,
      states: USE,
      kind: 'mac',
      input: ({ id, ciphertext }) => ({
        KeyId: id,
        Message: blob('kept'),
        MacAlgorithm: 'HMAC_SHA_256',
        Mac: ciphertext,
      }),
    }),
  ),
  {
    operation: 'GetPublicKey',
    states: USE,
    kind: 'agreement',
    input: ({ alias }) => ({ KeyId: alias }),
  },
  {
    operation: 'DeriveSharedSecret',
    states: USE,
    kind: 'agreement',
    input: ({ id }, { ciphertext }) => ({
      KeyId: id,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: ciphertext,
    }),
  },
  ...['Encapsulate', 'Decapsulate'].map(
    (operation): StateCase => ({
      operation,
      states: USE,
      kind: 'encapsulation',
      input: ({ id, ciphertext }) => ({
        KeyId: id,
        EncapsulationAlgorithm: 'ML_KEM',
        SharedSecretCiphertextBlob: ciphertext,
      }),
    }),
  ),
  { operation: 'EnableKeyRotation', states: USE, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'DisableKeyRotation', states: USE, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'RotateKeyOnDemand', states: USE, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'GetKeyRotationStatus', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'ListKeyRotations', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  {
    operation: 'GetParametersForImport',
    states: CHANGE,
    kind: 'imported',
    input: ({ id }) => ({
      KeyId: id,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    }),
  },
  {
    operation: 'ImportKeyMaterial',
    states: CHANGE,
    kind: 'imported',
    input: ({ id, reimport }) => ({
      KeyId: id,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ...reimport,
    }),
  },
  {
    operation: 'DeleteImportedKeyMaterial',
    states: ALWAYS,
    kind: 'imported',
    input: ({ id }) => ({ KeyId: id }),
  },
  {
    operation: 'CreateGrant',
    states: USE,
    input: ({ id }) => ({
      KeyId: id,
      GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`,
      Operations: ['Decrypt'],
    }),
  },
  { operation: 'ListGrants', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  {
    operation: 'ListRetirableGrants',
    states: ALWAYS,
    input: () => ({ RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:root` }),
  },
  ...['RetireGrant', 'RevokeGrant'].map(
    (operation): StateCase => ({
      operation,
      states: ALWAYS,
      input: ({ id, grantId }) => ({ KeyId: id, GrantId: grantId }),
    }),
  ),
  { operation: 'GetKeyLastUsage', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'DescribeKey', states: ALWAYS, input: ({ alias }) => ({ KeyId: alias }) },
  { operation: 'GetKeyPolicy', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'ListKeyPolicies', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'ListAliases', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'ListResourceTags', states: ALWAYS, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'ListKeys', states: ALWAYS, input: () => ({}) },
  { operation: 'GenerateRandom', states: ALWAYS, input: () => ({ NumberOfBytes: 1 }) },
  { operation: 'PutKeyPolicy', states: ALWAYS, input: ({ id }) => ({ KeyId: id, Policy: POLICY }) },
  {
    operation: 'CreateAlias',
    states: CHANGE,
    input: ({ id }) => ({ AliasName: `alias/second-${id}`, TargetKeyId: id }),
  },
  {
    operation: 'UpdateAlias',
    role: 'new target',
    states: CHANGE,
    input: ({ id }, { alias }) => ({ AliasName: alias, TargetKeyId: id }),
  },
  {
    operation: 'UpdateAlias',
    role: 'old target',
    states: ALWAYS,
    input: ({ alias }, { id }) => ({ AliasName: alias, TargetKeyId: id }),
  },
  { operation: 'DeleteAlias', states: ALWAYS, input: ({ alias }) => ({ AliasName: alias }) },
  {
    operation: 'TagResource',
    states: CHANGE,
    input: ({ id }) => ({ KeyId: id, Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
  },
  {
    operation: 'UntagResource',
    states: CHANGE,
    input: ({ id }) => ({ KeyId: id, TagKeys: ['a'] }),
  },
  {
    operation: 'UpdateKeyDescription',
    states: CHANGE,
    input: ({ id }) => ({ KeyId: id, Description: 'd' }),
  },
  { operation: 'EnableKey', states: CHANGE, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'DisableKey', states: CHANGE, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'ScheduleKeyDeletion', states: CHANGE, input: ({ id }) => ({ KeyId: id }) },
  { operation: 'CancelKeyDeletion', states: CANCEL, input: ({ id }) => ({ KeyId: id }) },
]

/** Operations without a key, and those whose table is in `kms-multi-region-states.test.ts`. */
const ELSEWHERE: readonly string[] = [
  'CreateKey',
  'ConnectCustomKeyStore',
  'CreateCustomKeyStore',
  'DeleteCustomKeyStore',
  'DescribeCustomKeyStores',
  'DisconnectCustomKeyStore',
  'UpdateCustomKeyStore',
  'ReplicateKey',
  'UpdatePrimaryRegion',
]

let node: MemoryNode
let kms: WireClient

before(async () => {
  node = await startMemoryNode()
  kms = new WireClient(node.endpoint, ACCOUNT)
})

after(async () => {
  kms.close()
  await node.close()
})

describe('each operation meets a key', () => {
  for (const { operation, states, role, kind, input } of STATE_CASES) {
    for (const state of ['Enabled', 'Disabled', 'PendingDeletion'] as const) {
      const outcome = states[state]
      const name = role === undefined ? operation : `${operation} (${role})`
      test(`${name}, ${state}: ${outcome}`, async () => {
        const subject = await makeSubject(kms, state, kind)
        const healthy = await makeSubject(kms, 'Enabled', kind)
        const answer = await kms.kms(operation, input(subject, healthy))
        if (outcome === 'ok') {
          assert.equal(answer.status, 200, answer.text)
          return
        }
        const [code, text] = REFUSALS[outcome]
        refused(answer, code, `${subject.arn} ${text}`)
      })
    }
  }

  test('the table has every operation but those that have no key, or a table of their own', () => {
    const covered = new Set([...STATE_CASES.map(({ operation }) => operation), ...ELSEWHERE])
    const missing = Object.keys(KMS_OPERATIONS).filter((operation) => !covered.has(operation))
    assert.deepEqual(missing, [])
  })
})
