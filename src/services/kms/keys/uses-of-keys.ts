import type { KeyLastUsageTrackingOperation } from '../model.ts'

/**
 * The operations that use a key.
 * Source: AWS KMS API Reference, KeyLastUsageData, Operation; AWS KMS Developer Guide, monitoring with CloudWatch.
 */
export const USES_OF_KEYS: ReadonlyMap<string, KeyLastUsageTrackingOperation> = new Map(
  (
    [
      'Decapsulate',
      'Decrypt',
      'DeriveSharedSecret',
      'Encapsulate',
      'Encrypt',
      'GenerateDataKey',
      'GenerateDataKeyPair',
      'GenerateDataKeyPairWithoutPlaintext',
      'GenerateDataKeyWithoutPlaintext',
      'GenerateMac',
      'ReEncrypt',
      'Sign',
      'Verify',
      'VerifyMac',
    ] as const
  ).map((operation) => [operation, operation]),
)
