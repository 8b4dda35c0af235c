import { blob, createKey, succeeded, textOf, type WireClient } from './wire-client.ts'

/** The states of a key that calls alone can bring about. */
export type State = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** A key in some state, and what it was given while it was enabled. */
export interface Subject {
  readonly id: string
  readonly arn: string
  readonly ciphertext: string
  readonly alias: string
}

/** Makes a key, gives it an alias and a ciphertext, and brings it into a state. */
export async function makeSubject(kms: WireClient, state: State): Promise<Subject> {
  const { id, arn } = await createKey(kms)
  const alias = `alias/of-${id}`
  succeeded(await kms.kms('CreateAlias', { AliasName: alias, TargetKeyId: id }))
  const encrypted = await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('kept') })
  const ciphertext = textOf(succeeded(encrypted), 'CiphertextBlob')
  if (state === 'Disabled') succeeded(await kms.kms('DisableKey', { KeyId: id }))
  if (state === 'PendingDeletion') succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
  return { id, arn, ciphertext, alias }
}
