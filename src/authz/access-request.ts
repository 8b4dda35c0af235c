import type { AccountId } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'

/** What a condition key has: one value, or those of a multi-valued key. Numbers, dates and Booleans are text, too. */
export type ConditionValue = string | readonly string[]

/** The condition keys of a request. Values are looked up when a policy asks for them, not before. */
export interface ConditionContext {
  /** By lower-case name: `kms:encryptioncontext:aws:ebs:id`. Undefined where the request has no such key. */
  get(key: string): ConditionValue | undefined
}

/** One action that a principal wants to do to one resource. */
export interface AccessRequest {
  /** `kms:Decrypt` */
  readonly action: string
  readonly principal: Principal
  /** `*` for actions on no resource in particular. */
  readonly resourceArn: string
  /** Whose resource it is; the principal's own account for `*`. */
  readonly resourceAccount: AccountId
  readonly context: ConditionContext
}
