import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  CreateKeyCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KeyUsageType,
  KMSClient,
} from '@aws-sdk/client-kms'

/** The account whose root calls. */
export const ACCOUNT = '111122223333'
export const REGION = 'eu-central-1'
/** A Region that has SM2. */
export const CHINA = 'cn-north-1'

/** The unmodified SDK; an error comes at once instead of after retries. */
export const kmsClient = (endpoint: string, region: string = REGION): KMSClient =>
  new KMSClient({
    endpoint,
    region,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
    maxAttempts: 1,
  })

/** Makes a key and gives its ARN. */
export async function newKey(
  kms: KMSClient,
  keySpec: KeySpec,
  keyUsage: KeyUsageType,
): Promise<string> {
  const made = await kms.send(new CreateKeyCommand({ KeySpec: keySpec, KeyUsage: keyUsage }))
  assert.ok(made.KeyMetadata?.Arn)
  return made.KeyMetadata.Arn
}

/** SubjectPublicKeyInfo, DER. */
export async function publicKeyOf(kms: KMSClient, keyId: string): Promise<Uint8Array> {
  const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }))
  assert.ok(PublicKey)
  return PublicKey
}

export const parsedPublicKey = (der: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })

/** A member of a reply that must be there. */
export function present<T>(value: T | undefined): T {
  assert.ok(value !== undefined, 'the reply has the member')
  return value
}
