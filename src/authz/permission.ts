import type { AttestationFacts } from '../core/attestation.ts'
import type { AccountId } from '../core/ids.ts'

/** One thing that a caller must be allowed to do, on one resource. */
export interface Permission {
  /** `kms:Encrypt` */
  readonly action: string
  /** Absent for actions on no resource in particular. */
  readonly resource?: {
    readonly accountId: AccountId
    readonly arn: string
  }
  /**
   * Whose root may do this in place of the owner's: for what a grant decides, which no policy gives.
   */
  readonly decidedFor?: readonly AccountId[]
  /** How a denial names the resource: its ARN, or the ciphertext that it was found by. */
  readonly namedBy?: 'arn' | 'ciphertext'
  /** What a verified attestation document says of the caller's machine: `kms:RecipientAttestation:…`. */
  readonly attestation?: AttestationFacts
}

/** The outcome of a decision, with its reason. */
export type Decision =
  | { readonly allowed: true; readonly reason: string }
  | { readonly allowed: false; readonly reason: string; readonly message: string }
