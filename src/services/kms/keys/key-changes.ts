import type { Key } from '../../../core/key.ts'
import { KEYS } from '../../../core/tables.ts'
import type { JsonObject } from '../../../pipeline/operation.ts'
import type { KmsWriteScope } from '../kms-operation.ts'
import type { ResolvedKey } from './key-resolver.ts'

/** Replaces some members of a key's record. */
export async function changeKey(
  { tx }: Pick<KmsWriteScope, 'tx'>,
  { stored, key }: ResolvedKey,
  change: Partial<Key>,
): Promise<void> {
  await tx.update(KEYS, stored, { ...key, ...change })
}

/** Since December 2022 records of key management carry the key's ARN even where the reply is empty. */
export const keyIdElement = (target: ResolvedKey | undefined): JsonObject | null =>
  target === undefined ? null : { keyId: target.arn }
