import { makeSubject } from '../support/key-subject.ts'
import { blob, createKey, succeeded, textOf, type WireClient } from '../support/wire-client.ts'
import type { AuditCase, World } from './kms-audit-cases.ts'

/** Keys that are not symmetric, and what each made: flat, so that a case can be asked without a world. */
export interface AsymmetricWorld {
  readonly signingId: string
  readonly signingArn: string
  readonly signature: string
  readonly macId: string
  readonly macArn: string
  readonly mac: string
  readonly agreementId: string
  readonly agreementArn: string
  readonly publicKey: string
  readonly kemId: string
  readonly kemArn: string
  readonly encapsulation: string
  readonly rsaId: string
  readonly rsaArn: string
  readonly rsaCiphertext: string
}

const RSA = 'RSAES_OAEP_SHA_256'

/** Makes the keys that the cases are about. */
export async function asymmetricWorld(kms: WireClient): Promise<AsymmetricWorld> {
  const signing = await makeSubject(kms, 'Enabled', 'signing')
  const mac = await makeSubject(kms, 'Enabled', 'mac')
  const agreement = await makeSubject(kms, 'Enabled', 'agreement')
  const kem = await makeSubject(kms, 'Enabled', 'encapsulation')
  const rsa = await createKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
  const input = { KeyId: rsa.id, Plaintext: blob('kept'), EncryptionAlgorithm: RSA }
  return {
    signingId: signing.id,
    signingArn: signing.arn,
    signature: signing.ciphertext,
    macId: mac.id,
    macArn: mac.arn,
    mac: mac.ciphertext,
    agreementId: agreement.id,
    agreementArn: agreement.arn,
    publicKey: agreement.ciphertext,
    kemId: kem.id,
    kemArn: kem.arn,
    encapsulation: kem.ciphertext,
    rsaId: rsa.id,
    rsaArn: rsa.arn,
    rsaCiphertext: textOf(succeeded(await kms.kms('Encrypt', input)), 'CiphertextBlob'),
  }
}

const Message = blob('kept')
const EncryptionContext = { project: 'Ω' }

/** Which key a use is of, and what the call says beside it. */
const uses = (
  operation: string,
  keyOf: (world: World) => readonly [id: string, arn: string],
  input: (world: World) => object,
  recorded: object,
): AuditCase => ({
  operation,
  input: (world) => ({ KeyId: keyOf(world)[0], ...input(world) }),
  expected: (world) => {
    const [keyId, arn] = keyOf(world)
    return { requestParameters: { keyId, ...recorded }, resources: [arn], readOnly: true }
  },
})

const signing = (world: World) => [world.signingId, world.signingArn] as const
const mac = (world: World) => [world.macId, world.macArn] as const
const agreement = (world: World) => [world.agreementId, world.agreementArn] as const
const kem = (world: World) => [world.kemId, world.kemArn] as const
const rsa = (world: World) => [world.rsaId, world.rsaArn] as const

const SigningAlgorithm = 'ECDSA_SHA_256'
const MacAlgorithm = 'HMAC_SHA_256'

/** Never a message, digest, signature, MAC or public key. Source: AWS KMS Developer Guide, example CloudTrail records. */
export const ASYMMETRIC_CASES: readonly AuditCase[] = [
  uses('Sign', signing, () => ({ Message, SigningAlgorithm }), {
    messageType: 'RAW',
    signingAlgorithm: SigningAlgorithm,
  }),
  uses(
    'Sign',
    signing,
    () => ({ Message: blob(Buffer.alloc(32, 3)), MessageType: 'DIGEST', SigningAlgorithm }),
    { messageType: 'DIGEST', signingAlgorithm: SigningAlgorithm },
  ),
  uses(
    'Verify',
    signing,
    ({ signature }) => ({ Message, SigningAlgorithm, Signature: signature }),
    {
      messageType: 'RAW',
      signingAlgorithm: SigningAlgorithm,
    },
  ),
  uses('GenerateMac', mac, () => ({ Message, MacAlgorithm }), { macAlgorithm: MacAlgorithm }),
  uses('VerifyMac', mac, (world) => ({ Message, MacAlgorithm, Mac: world.mac }), {
    macAlgorithm: MacAlgorithm,
  }),
  uses('GetPublicKey', agreement, () => ({}), {}),
  uses(
    'DeriveSharedSecret',
    agreement,
    ({ publicKey }) => ({ KeyAgreementAlgorithm: 'ECDH', PublicKey: publicKey }),
    { keyAgreementAlgorithm: 'ECDH' },
  ),
  uses('Encapsulate', kem, () => ({ EncapsulationAlgorithm: 'ML_KEM' }), {
    encapsulationAlgorithm: 'ML_KEM',
  }),
  uses(
    'Decapsulate',
    kem,
    ({ encapsulation }) => ({
      EncapsulationAlgorithm: 'ML_KEM',
      SharedSecretCiphertextBlob: encapsulation,
    }),
    { encapsulationAlgorithm: 'ML_KEM' },
  ),
  uses('Encrypt', rsa, () => ({ Plaintext: Message, EncryptionAlgorithm: RSA }), {
    encryptionAlgorithm: RSA,
  }),
  {
    operation: 'Decrypt',
    input: ({ rsaArn, rsaCiphertext }) => ({
      KeyId: rsaArn,
      CiphertextBlob: rsaCiphertext,
      EncryptionAlgorithm: RSA,
    }),
    expected: ({ rsaArn }) => ({
      requestParameters: { keyId: rsaArn, encryptionAlgorithm: RSA },
      resources: [rsaArn],
      readOnly: true,
    }),
  },
  {
    operation: 'ReEncrypt',
    input: ({ rsaId, rsaCiphertext, id }) => ({
      SourceKeyId: rsaId,
      SourceEncryptionAlgorithm: RSA,
      CiphertextBlob: rsaCiphertext,
      DestinationKeyId: id,
    }),
    expected: ({ rsaId, rsaArn, id, arn, materialId }) => ({
      requestParameters: {
        sourceEncryptionAlgorithm: RSA,
        sourceKeyId: rsaId,
        destinationKeyId: id,
        destinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      },
      additionalEventData: { destinationKeyMaterialId: materialId },
      resources: [rsaArn, arn],
      readOnly: true,
    }),
  },
  {
    operation: 'ReEncrypt',
    input: ({ rsaId, rsaCiphertext }) => ({
      SourceKeyId: rsaId,
      SourceEncryptionAlgorithm: RSA,
      CiphertextBlob: rsaCiphertext,
      DestinationKeyId: rsaId,
      DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
    }),
    expected: ({ rsaId, rsaArn }) => ({
      requestParameters: {
        sourceEncryptionAlgorithm: RSA,
        sourceKeyId: rsaId,
        destinationKeyId: rsaId,
        destinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
      },
      resources: [rsaArn, rsaArn],
      readOnly: true,
    }),
  },
  ...['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'].map(
    (operation): AuditCase => ({
      operation,
      input: ({ id }) => ({ KeyId: id, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext }),
      expected: ({ id, arn, materialId }) => ({
        requestParameters: {
          keyId: id,
          keyPairSpec: 'ECC_NIST_P256',
          encryptionContext: EncryptionContext,
        },
        additionalEventData: { keyMaterialId: materialId },
        resources: [arn],
        readOnly: true,
      }),
    }),
  ),
]
