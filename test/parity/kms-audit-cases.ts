import type { WireAnswer } from '../support/wire-client.ts'
import { blob } from '../support/wire-client.ts'
import type { AsymmetricWorld } from './kms-audit-asymmetric-cases.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const POLICY = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}'
const CONTEXT = { project: 'Ω' }

/** What a case may name. */
export interface World extends AsymmetricWorld {
  readonly id: string
  readonly arn: string
  readonly materialId: string
  readonly otherArn: string
  readonly otherId: string
  readonly otherMaterialId: string
  readonly ciphertext: string
  /** A multi-Region primary without replicas. */
  readonly relatedId: string
  readonly relatedArn: string
  /** A key without its material, and a request that brings it. */
  readonly importedId: string
  readonly importedArn: string
  readonly importedMaterialId: string
  readonly importInput: object
  /** External key stores, named as these members are. */
  readonly storeId: string
  readonly idleStoreId: string
  /** Grants on the first key, and a token of the first of them. */
  readonly retiredGrantId: string
  readonly revokedGrantId: string
  readonly grantToken: string
}

interface Expected {
  readonly requestParameters: unknown
  readonly responseElements?: unknown
  readonly additionalEventData?: unknown
  /** ARNs; none where absent. */
  readonly resources?: readonly string[]
  readonly readOnly: boolean
}

export interface AuditCase {
  readonly operation: string
  readonly input: (world: World) => object
  readonly expected: (world: World, answer: WireAnswer) => Expected
}

const alias = (name: string): string => `arn:aws:kms:${REGION}:${ACCOUNT}:alias/${name}`

/** A read of one key: what it was asked, and the key. */
const read = (operation: string, more: object = {}, recorded: object = more): AuditCase => ({
  operation,
  input: ({ id }) => ({ KeyId: id, ...more }),
  expected: ({ id, arn }) => ({
    requestParameters: { keyId: id, ...recorded },
    resources: [arn],
    readOnly: true,
  }),
})

/** A change of one key: the reply is empty or names the key, the record names it always. */
const change = (operation: string, more: object = {}, recorded: object = {}): AuditCase => ({
  operation,
  input: ({ arn }) => ({ KeyId: arn, ...more }),
  expected: ({ arn }) => ({
    requestParameters: { keyId: arn, ...recorded },
    responseElements: { keyId: arn },
    resources: [arn],
    readOnly: false,
  }),
})

const listing = (operation: string, input: object, requestParameters: unknown): AuditCase => ({
  operation,
  input: () => input,
  expected: () => ({ requestParameters, readOnly: true }),
})

/** In the order in which they are called. Source: AWS KMS Developer Guide, example CloudTrail records. */
export const CASES: readonly AuditCase[] = [
  {
    operation: 'CreateKey',
    input: () => ({ Description: 'made', Tags: [{ TagKey: 'k', TagValue: 'v' }], Policy: POLICY }),
    expected: (_world, answer) => {
      const { KeyMetadata: made } = answer.json as { KeyMetadata: Record<string, string> }
      return {
        requestParameters: {
          policy: POLICY,
          description: 'made',
          origin: 'AWS_KMS',
          keySpec: 'SYMMETRIC_DEFAULT',
          customerMasterKeySpec: 'SYMMETRIC_DEFAULT',
          keyUsage: 'ENCRYPT_DECRYPT',
          multiRegion: false,
          bypassPolicyLockoutSafetyCheck: false,
          tags: [{ tagKey: 'k', tagValue: 'v' }],
        },
        responseElements: {
          keyMetadata: {
            aWSAccountId: ACCOUNT,
            keyId: made['KeyId'],
            arn: made['Arn'],
            creationDate: 'Jan 15, 2026, 10:00:00 AM',
            enabled: true,
            description: 'made',
            keyUsage: 'ENCRYPT_DECRYPT',
            keyState: 'Enabled',
            origin: 'AWS_KMS',
            keyManager: 'CUSTOMER',
            customerMasterKeySpec: 'SYMMETRIC_DEFAULT',
            keySpec: 'SYMMETRIC_DEFAULT',
            encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
            multiRegion: false,
            currentKeyMaterialId: made['CurrentKeyMaterialId'],
          },
        },
        resources: [String(made['Arn'])],
        readOnly: false,
      }
    },
  },
  {
    operation: 'Encrypt',
    input: ({ id }) => ({ KeyId: id, Plaintext: blob('x'), EncryptionContext: CONTEXT }),
    expected: ({ id, arn, materialId }) => ({
      requestParameters: {
        encryptionContext: CONTEXT,
        keyId: id,
        encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      },
      additionalEventData: { keyMaterialId: materialId },
      resources: [arn],
      readOnly: true,
    }),
  },
  {
    operation: 'Decrypt',
    input: ({ ciphertext }) => ({ CiphertextBlob: ciphertext }),
    expected: ({ arn, materialId }) => ({
      requestParameters: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
      additionalEventData: { keyMaterialId: materialId },
      resources: [arn],
      readOnly: true,
    }),
  },
  {
    operation: 'Decrypt',
    input: ({ ciphertext, arn }) => ({ CiphertextBlob: ciphertext, KeyId: arn }),
    expected: ({ arn, materialId }) => ({
      requestParameters: { keyId: arn, encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
      additionalEventData: { keyMaterialId: materialId },
      resources: [arn],
      readOnly: true,
    }),
  },
  {
    operation: 'ReEncrypt',
    input: ({ ciphertext, otherId }) => ({
      CiphertextBlob: ciphertext,
      DestinationKeyId: otherId,
      DestinationEncryptionContext: CONTEXT,
    }),
    expected: ({ arn, otherArn, otherId, materialId, otherMaterialId }) => ({
      requestParameters: {
        sourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        destinationKeyId: otherId,
        destinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        destinationEncryptionContext: CONTEXT,
      },
      additionalEventData: {
        sourceKeyMaterialId: materialId,
        destinationKeyMaterialId: otherMaterialId,
      },
      resources: [arn, otherArn],
      readOnly: true,
    }),
  },
  ...['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'].map(
    (operation): AuditCase => ({
      operation,
      input: ({ id }) => ({ KeyId: id, NumberOfBytes: 24, EncryptionContext: CONTEXT }),
      expected: ({ id, arn, materialId }) => ({
        requestParameters: { keyId: id, numberOfBytes: 24, encryptionContext: CONTEXT },
        additionalEventData: { keyMaterialId: materialId },
        resources: [arn],
        readOnly: true,
      }),
    }),
  ),
  listing('GenerateRandom', { NumberOfBytes: 8 }, null),
  listing('ListKeys', {}, null),
  listing('ListKeys', { Limit: 3 }, { limit: 3 }),
  listing('ListAliases', {}, null),
  listing('ListAliases', { Limit: 3 }, { limit: 3 }),
  read('DescribeKey'),
  read('GetKeyPolicy', {}, { policyName: 'default' }),
  read('ListKeyPolicies', { Limit: 5 }, { limit: 5 }),
  read('ListResourceTags'),
  {
    operation: 'CreateAlias',
    input: ({ id }) => ({ AliasName: 'alias/audited', TargetKeyId: id }),
    expected: ({ id, arn }) => ({
      requestParameters: { aliasName: 'alias/audited', targetKeyId: id },
      responseElements: { keyId: arn },
      resources: [arn, alias('audited')],
      readOnly: false,
    }),
  },
  {
    operation: 'UpdateAlias',
    input: ({ otherArn }) => ({ AliasName: 'alias/audited', TargetKeyId: otherArn }),
    expected: ({ otherArn }) => ({
      requestParameters: { aliasName: 'alias/audited', targetKeyId: otherArn },
      responseElements: { keyId: otherArn },
      resources: [otherArn, alias('audited')],
      readOnly: false,
    }),
  },
  {
    operation: 'DeleteAlias',
    input: () => ({ AliasName: 'alias/audited' }),
    expected: ({ otherArn }) => ({
      requestParameters: { aliasName: 'alias/audited' },
      responseElements: { keyId: otherArn },
      resources: [otherArn, alias('audited')],
      readOnly: false,
    }),
  },
  change('DisableKey'),
  change('EnableKey'),
  change('UpdateKeyDescription', { Description: 'new' }, { description: 'new' }),
  change(
    'TagResource',
    { Tags: [{ TagKey: 'a', TagValue: 'b' }] },
    { tags: [{ tagKey: 'a', tagValue: 'b' }] },
  ),
  change('UntagResource', { TagKeys: ['a'] }, { tagKeys: ['a'] }),
  change(
    'PutKeyPolicy',
    { Policy: POLICY },
    { policyName: 'default', policy: POLICY, bypassPolicyLockoutSafetyCheck: false },
  ),
  {
    operation: 'ScheduleKeyDeletion',
    input: ({ id }) => ({ KeyId: id, PendingWindowInDays: 7 }),
    expected: ({ id, arn }) => ({
      requestParameters: { keyId: id, pendingWindowInDays: 7 },
      responseElements: {
        keyId: arn,
        keyState: 'PendingDeletion',
        deletionDate: 'Jan 22, 2026, 10:00:00 AM',
        pendingWindowInDays: 7,
      },
      resources: [arn],
      readOnly: false,
    }),
  },
  change('CancelKeyDeletion'),
  // A key whose deletion was cancelled is disabled.
  change('EnableKey'),
]
