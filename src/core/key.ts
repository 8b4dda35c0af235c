import type { AccountId, Instant, KeyId, KeyMaterialId, Region } from './ids.ts'

/** Source: AWS KMS API Reference, CreateKey, KeySpec. */
export const KEY_SPECS = {
  SYMMETRIC_DEFAULT: {
    family: 'symmetric',
    usages: ['ENCRYPT_DECRYPT'],
    encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    materialBytes: 32,
    plaintextBytesMax: 4096,
  },
} as const
export type KeySpec = keyof typeof KEY_SPECS
export type KeyUsage = (typeof KEY_SPECS)[KeySpec]['usages'][number]
export type KeyOrigin = 'AWS_KMS'

/** Source: AWS KMS Developer Guide, Key states. A state carries what only it has. */
export type KeyState =
  | { readonly name: 'Enabled' | 'Disabled' }
  | { readonly name: 'PendingDeletion'; readonly deletionDate: Instant }

/** A KMS key: the logical resource. Its backing keys are records of their own. */
export interface Key {
  readonly accountId: AccountId
  readonly region: Region
  readonly keyId: KeyId
  readonly spec: KeySpec
  readonly usage: KeyUsage
  readonly origin: KeyOrigin
  readonly description: string
  readonly createdAt: Instant
  readonly state: KeyState
  /** By tag key. */
  readonly tags: Readonly<Record<string, string>>
  readonly currentMaterialId: KeyMaterialId
}

/** One generation of key material behind a KMS key. Its bytes are the record's wrapped secret. */
export interface BackingKey {
  readonly accountId: AccountId
  readonly region: Region
  readonly keyId: KeyId
  readonly materialId: KeyMaterialId
  readonly createdAt: Instant
}

/** Past its deletion date a key is gone on read, whether or not the worker came by. */
export const isGone = (key: Key, now: Instant): boolean =>
  key.state.name === 'PendingDeletion' && key.state.deletionDate <= now
