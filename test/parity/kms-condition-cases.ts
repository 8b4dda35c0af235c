import { ACCOUNT, policyOf, ROOT } from '../support/service-bench.ts'
import { blob } from '../support/wire-client.ts'

/** An operation of which conditions are asked, on a key of its own for each question. */
export interface AskedOperation {
  readonly operation: string
  /** How its key is made. */
  readonly key?: object
  /** Besides `KeyId`. */
  readonly input?: object
  /** Whether the key is named by an alias. */
  readonly byAlias?: boolean
}

/** One condition key of one operation: what it is, and something else that it could be; neither where it is absent. */
type Expectation = readonly [key: string, value?: string, other?: string]

interface Case extends AskedOperation {
  readonly keys: readonly Expectation[]
}

const RSA = { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }
const SIGNING = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }
const HMAC = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }
const AGREEMENT = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }
const EXTERNAL = { Origin: 'EXTERNAL' }
const MULTI = { MultiRegion: true }
const CONTEXT = { EncryptionContext: { Project: 'alpha', 'aws:ebs:id': 'vol-1' } }
const WITH_CONTEXT: readonly Expectation[] = [
  ['kms:EncryptionAlgorithm', 'SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1'],
  ['kms:EncryptionContext:Project', 'alpha', 'beta'],
  ['kms:EncryptionContext:pROJECT', 'alpha', 'ALPHA'],
  ['kms:EncryptionContext:aws:ebs:id', 'vol-1', 'vol-2'],
  ['kms:EncryptionContext:other'],
  ['kms:RequestAlias'],
  ['kms:RecipientAttestation:PCR0'],
]
const NOTHING_OF_REQUESTS: readonly Expectation[] = [
  ['kms:EncryptionAlgorithm'],
  ['kms:EncryptionContext:Project'],
  ['kms:EncryptionContextKeys'],
  ['kms:RequestAlias'],
  ['kms:GrantOperations'],
  ['kms:GranteePrincipal'],
  ['kms:GrantIsForAWSResource'],
  ['kms:SigningAlgorithm'],
  ['kms:MessageType'],
  ['kms:BypassPolicyLockoutSafetyCheck'],
  ['kms:ReplicaRegion'],
  ['kms:TrailingDaysWithoutKeyUsage'],
]
const GRANT = { GranteePrincipal: ROOT, Operations: ['Decrypt'] }
const DIGEST = blob(new Uint8Array(32))

/** What each operation has, and some of what it must not have. Source: Service Authorization Reference, AWS KMS. */
export const CASES: readonly Case[] = [
  {
    operation: 'DescribeKey',
    keys: [
      ['kms:CallerAccount', ACCOUNT, '444455556666'],
      ['kms:KeySpec', 'SYMMETRIC_DEFAULT', 'RSA_2048'],
      ['kms:CustomerMasterKeySpec', 'SYMMETRIC_DEFAULT', 'RSA_2048'],
      ['kms:KeyUsage', 'ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
      ['kms:CustomerMasterKeyUsage', 'ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
      ['kms:KeyOrigin', 'AWS_KMS', 'EXTERNAL'],
      ['kms:MultiRegion', 'false', 'true'],
      ['kms:MultiRegionKeyType'],
      ['kms:ViaService'],
      ['aws:ResourceAccount', ACCOUNT, '444455556666'],
      ['aws:ResourceTag/Team'],
      ...NOTHING_OF_REQUESTS,
    ],
  },
  {
    operation: 'DescribeKey',
    key: { ...MULTI, Tags: [{ TagKey: 'Team', TagValue: 'blue' }] },
    byAlias: true,
    keys: [
      ['kms:MultiRegion', 'true', 'false'],
      ['kms:MultiRegionKeyType', 'PRIMARY', 'REPLICA'],
      ['kms:RequestAlias', 'alias/asked', 'alias/other'],
      ['aws:ResourceTag/team', 'blue', 'Blue'],
      ['aws:RequestTag/Team'],
      ['aws:TagKeys'],
    ],
  },
  { operation: 'Encrypt', input: { Plaintext: 'AAAA', ...CONTEXT }, keys: WITH_CONTEXT },
  {
    operation: 'Encrypt',
    input: { Plaintext: 'AAAA' },
    byAlias: true,
    keys: [
      ['kms:RequestAlias', 'alias/asked', 'alias/other'],
      ['kms:EncryptionContextKeys'],
      ['kms:EncryptionContext:Project'],
    ],
  },
  {
    operation: 'Encrypt',
    key: RSA,
    input: { Plaintext: 'AAAA', EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' },
    keys: [
      ['kms:EncryptionAlgorithm', 'RSAES_OAEP_SHA_256', 'SYMMETRIC_DEFAULT'],
      ['kms:KeySpec', 'RSA_2048', 'SYMMETRIC_DEFAULT'],
    ],
  },
  { operation: 'Decrypt', input: { CiphertextBlob: 'AAAA', ...CONTEXT }, keys: WITH_CONTEXT },
  { operation: 'GenerateDataKey', input: { NumberOfBytes: 32, ...CONTEXT }, keys: WITH_CONTEXT },
  {
    operation: 'GenerateDataKeyWithoutPlaintext',
    input: { NumberOfBytes: 32, ...CONTEXT },
    keys: WITH_CONTEXT,
  },
  ...['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'].map((operation) => ({
    operation,
    input: { KeyPairSpec: 'ECC_NIST_P256', ...CONTEXT },
    keys: [['kms:DataKeyPairSpec', 'ECC_NIST_P256', 'RSA_2048'] as const, ...WITH_CONTEXT],
  })),
  {
    operation: 'Sign',
    key: SIGNING,
    input: { Message: DIGEST, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' },
    keys: [
      ['kms:SigningAlgorithm', 'ECDSA_SHA_256', 'ECDSA_SHA_384'],
      ['kms:MessageType', 'DIGEST', 'RAW'],
      ['kms:EncryptionAlgorithm'],
      ['kms:RequestAlias'],
    ],
  },
  {
    operation: 'Verify',
    key: SIGNING,
    input: { Message: DIGEST, Signature: 'AAAA', SigningAlgorithm: 'ECDSA_SHA_256' },
    byAlias: true,
    keys: [
      ['kms:SigningAlgorithm', 'ECDSA_SHA_256', 'ECDSA_SHA_384'],
      ['kms:MessageType', 'RAW', 'DIGEST'],
      ['kms:RequestAlias', 'alias/asked', 'alias/other'],
    ],
  },
  {
    operation: 'GenerateMac',
    key: HMAC,
    input: { Message: 'AAAA', MacAlgorithm: 'HMAC_SHA_256' },
    byAlias: true,
    keys: [
      ['kms:MacAlgorithm', 'HMAC_SHA_256', 'HMAC_SHA_512'],
      ['kms:RequestAlias', 'alias/asked', 'alias/other'],
      ['kms:MessageType'],
    ],
  },
  {
    operation: 'VerifyMac',
    key: HMAC,
    input: { Message: 'AAAA', Mac: 'AAAA', MacAlgorithm: 'HMAC_SHA_256' },
    keys: [['kms:MacAlgorithm', 'HMAC_SHA_256', 'HMAC_SHA_512']],
  },
  {
    operation: 'DeriveSharedSecret',
    key: AGREEMENT,
    input: { KeyAgreementAlgorithm: 'ECDH', PublicKey: 'AAAA' },
    byAlias: true,
    keys: [
      ['kms:KeyAgreementAlgorithm', 'ECDH', 'other'],
      ['kms:RequestAlias', 'alias/asked', 'alias/other'],
      ['kms:EncryptionAlgorithm'],
    ],
  },
  {
    operation: 'GetPublicKey',
    key: SIGNING,
    byAlias: true,
    keys: [['kms:RequestAlias', 'alias/asked', 'alias/other'], ['kms:SigningAlgorithm']],
  },
  {
    operation: 'CreateGrant',
    input: {
      ...GRANT,
      RetiringPrincipal: ROOT,
      Constraints: { EncryptionContextSubset: { Project: 'alpha' } },
    },
    keys: [
      ['kms:GrantConstraintType', 'EncryptionContextSubset', 'EncryptionContextEquals'],
      ['kms:GranteePrincipal', ROOT, `${ROOT}2`],
      ['kms:RetiringPrincipal', ROOT, `${ROOT}2`],
      ['kms:GrantIsForAWSResource', 'false', 'true'],
      ['kms:EncryptionContext:project', 'alpha', 'beta'],
      ['kms:GranteeServicePrincipal'],
      ['kms:RetiringServicePrincipal'],
      ['kms:GrantConstraintSourceArn'],
      ['kms:RequestAlias'],
      ['kms:EncryptionAlgorithm'],
    ],
  },
  {
    operation: 'CreateGrant',
    input: {
      GranteeServicePrincipal: 's3.amazonaws.com',
      RetiringServicePrincipal: 'sqs.amazonaws.com',
      Operations: ['Decrypt'],
      Constraints: {
        SourceArn: 'arn:aws:sqs:eu-central-1:111122223333:one',
        EncryptionContextEquals: { Project: 'alpha' },
      },
    },
    keys: [
      ['kms:GranteeServicePrincipal', 's3.amazonaws.com', 'sqs.amazonaws.com'],
      ['kms:RetiringServicePrincipal', 'sqs.amazonaws.com', 's3.amazonaws.com'],
      [
        'kms:GrantConstraintSourceArn',
        'arn:aws:sqs:eu-central-1:111122223333:one',
        'arn:aws:sqs:eu-central-1:111122223333:two',
      ],
      ['kms:GrantConstraintType', 'EncryptionContextEquals', 'EncryptionContextSubset'],
      ['kms:GranteePrincipal'],
      ['kms:RetiringPrincipal'],
    ],
  },
  {
    operation: 'ListGrants',
    input: { GranteePrincipal: ROOT },
    keys: [
      ['kms:GrantIsForAWSResource', 'false', 'true'],
      ['kms:GranteePrincipal'],
      ['kms:RequestAlias'],
    ],
  },
  {
    operation: 'RevokeGrant',
    input: { GrantId: '0'.repeat(64) },
    keys: [['kms:GrantIsForAWSResource', 'false', 'true']],
  },
  {
    operation: 'EnableKeyRotation',
    input: { RotationPeriodInDays: 100 },
    keys: [['kms:RotationPeriodInDays', '100', '101'], ...NOTHING_OF_REQUESTS],
  },
  { operation: 'EnableKeyRotation', keys: [['kms:RotationPeriodInDays']] },
  {
    operation: 'ScheduleKeyDeletion',
    input: { PendingWindowInDays: 8 },
    keys: [
      ['kms:ScheduleKeyDeletionPendingWindowInDays', '8', '7'],
      ['kms:TrailingDaysWithoutKeyUsage', '0', '1'],
    ],
  },
  {
    operation: 'DisableKey',
    keys: [
      ['kms:TrailingDaysWithoutKeyUsage', '0', '1'],
      ['kms:ScheduleKeyDeletionPendingWindowInDays'],
    ],
  },
  {
    operation: 'GetParametersForImport',
    key: EXTERNAL,
    input: { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
    keys: [
      ['kms:WrappingAlgorithm', 'RSAES_OAEP_SHA_256', 'RSA_AES_KEY_WRAP_SHA_256'],
      ['kms:WrappingKeySpec', 'RSA_2048', 'RSA_4096'],
      ['kms:KeyOrigin', 'EXTERNAL', 'AWS_KMS'],
      ['kms:ExpirationModel'],
    ],
  },
  {
    operation: 'ImportKeyMaterial',
    key: EXTERNAL,
    input: {
      ImportToken: 'AAAA',
      EncryptedKeyMaterial: 'AAAA',
      ExpirationModel: 'KEY_MATERIAL_EXPIRES',
      ValidTo: 1_780_000_000,
    },
    keys: [
      ['kms:ExpirationModel', 'KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE'],
      ['kms:ValidTo', '1780000000', '1780000001'],
    ],
  },
  {
    operation: 'ImportKeyMaterial',
    key: EXTERNAL,
    input: {
      ImportToken: 'AAAA',
      EncryptedKeyMaterial: 'AAAA',
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    },
    keys: [['kms:ValidTo']],
  },
  {
    operation: 'ImportKeyMaterial',
    key: EXTERNAL,
    input: { ImportToken: 'AAAA', EncryptedKeyMaterial: 'AAAA', ValidTo: 1_780_000_000 },
    keys: [['kms:ExpirationModel']],
  },
  {
    operation: 'PutKeyPolicy',
    input: { Policy: policyOf(), BypassPolicyLockoutSafetyCheck: true },
    keys: [['kms:BypassPolicyLockoutSafetyCheck', 'true', 'false']],
  },
  {
    operation: 'PutKeyPolicy',
    input: { Policy: policyOf() },
    keys: [['kms:BypassPolicyLockoutSafetyCheck']],
  },
  {
    operation: 'ReplicateKey',
    key: MULTI,
    input: { ReplicaRegion: 'us-east-1', BypassPolicyLockoutSafetyCheck: true },
    keys: [
      ['kms:ReplicaRegion', 'us-east-1', 'us-east-2'],
      ['kms:BypassPolicyLockoutSafetyCheck'],
      ['kms:PrimaryRegion'],
      ['aws:RequestedRegion', 'eu-central-1', 'us-east-1'],
    ],
  },
  {
    operation: 'UpdatePrimaryRegion',
    key: MULTI,
    input: { PrimaryRegion: 'us-east-1' },
    keys: [['kms:PrimaryRegion', 'us-east-1', 'us-east-2'], ['kms:ReplicaRegion']],
  },
  {
    operation: 'TagResource',
    input: { Tags: [{ TagKey: 'Team', TagValue: 'blue' }] },
    keys: [
      ['aws:RequestTag/team', 'blue', 'Blue'],
      ['aws:ResourceTag/Team'],
      ...NOTHING_OF_REQUESTS,
    ],
  },
  {
    operation: 'UntagResource',
    input: { TagKeys: ['Team'] },
    keys: [['aws:RequestTag/Team']],
  },
  ...[
    'CancelKeyDeletion',
    'DeleteImportedKeyMaterial',
    'DisableKeyRotation',
    'EnableKey',
    'GetKeyLastUsage',
    'GetKeyPolicy',
    'GetKeyRotationStatus',
    'ListKeyPolicies',
    'ListKeyRotations',
    'ListResourceTags',
    'RotateKeyOnDemand',
  ].map((operation) => ({
    operation,
    keys: [['kms:KeySpec', 'SYMMETRIC_DEFAULT', 'RSA_2048'] as const, ...NOTHING_OF_REQUESTS],
  })),
  {
    operation: 'UpdateKeyDescription',
    input: { Description: 'x' },
    keys: NOTHING_OF_REQUESTS,
  },
]

/** Multi-valued keys: all of these values, and no other. */
export const LISTS: readonly (AskedOperation & {
  readonly list: string
  readonly values: readonly string[]
})[] = [
  {
    operation: 'Encrypt',
    input: { Plaintext: 'AAAA', ...CONTEXT },
    list: 'kms:EncryptionContextKeys',
    values: ['Project', 'aws:ebs:id'],
  },
  {
    operation: 'CreateGrant',
    input: { ...GRANT, Operations: ['Decrypt', 'DescribeKey'] },
    list: 'kms:GrantOperations',
    values: ['Decrypt', 'DescribeKey'],
  },
  {
    operation: 'CreateGrant',
    input: { ...GRANT, Constraints: { EncryptionContextEquals: { a: '1', b: '2' } } },
    list: 'kms:EncryptionContextKeys',
    values: ['a', 'b'],
  },
  {
    operation: 'TagResource',
    input: { Tags: ['One', 'Two'].map((TagKey) => ({ TagKey, TagValue: '' })) },
    list: 'aws:TagKeys',
    values: ['One', 'Two'],
  },
  {
    operation: 'UntagResource',
    input: { TagKeys: ['One', 'Two'] },
    list: 'aws:TagKeys',
    values: ['One', 'Two'],
  },
  {
    operation: 'DescribeKey',
    byAlias: true,
    list: 'kms:ResourceAliases',
    values: ['alias/asked'],
  },
]
