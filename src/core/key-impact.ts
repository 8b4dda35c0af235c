/** What the deletion of a key would touch, as an operator is told of it. Times are ISO 8601. */

/** How an operator names a key. */
export interface KeyImpactRequest {
  /** Id, ARN or alias. */
  readonly key: string
  /** Whose alias it is; may be left out where there is one account. */
  readonly accountId?: string | undefined
  readonly region?: string | undefined
}

export interface LastUse {
  readonly time: string
  readonly operation: string
  /** The `eventID` of the audit record that the key's owner has. */
  readonly eventId: string
  readonly requestId: string
  /** An ARN, a service, or the number of another account. Absent where the audit log does not reach back so far. */
  readonly principal?: string | undefined
  readonly sourceAddress?: string | undefined
}

/** Uses of a key with success, by whom and for what. */
export interface CountedUses {
  /** The user, the role of a session, a service, or the number of another account. */
  readonly principal: string
  readonly operation: string
  readonly count: number
  readonly first: string
  readonly last: string
}

export interface GrantOnKey {
  readonly grantId: string
  readonly name: string
  readonly grantee: string
  readonly operations: readonly string[]
}

/** A key of the same multi-Region family. */
export interface RelatedKey {
  readonly arn: string
  readonly role: 'primary' | 'replica'
  readonly state: string
  readonly lastUse?: LastUse | undefined
}

/** One generation of material that was imported. */
export interface ImportedGeneration {
  readonly materialId: string
  readonly state: string
  readonly isPresent: boolean
  readonly validTo?: string | undefined
}

export interface KeyImpact {
  readonly arn: string
  readonly keyId: string
  readonly accountId: string
  readonly region: string
  readonly description: string
  readonly createdAt: string
  readonly spec: string
  readonly usage: string
  readonly origin: string
  readonly state: string
  /** Of a key that waits for its deletion. */
  readonly deletionDate?: string | undefined
  /** Absent where there was none. */
  readonly lastUse?: LastUse | undefined
  readonly uses: {
    /** How far back uses are counted. */
    readonly days: number
    readonly total: number
    /** The most frequent first. */
    readonly by: readonly CountedUses[]
  }
  readonly aliases: readonly string[]
  readonly grants: {
    readonly total: number
    /** The first of them. */
    readonly some: readonly GrantOnKey[]
  }
  /** Empty for a single-Region key. */
  readonly related: readonly RelatedKey[]
  /** Empty for a key whose material was made here. */
  readonly imported: readonly ImportedGeneration[]
  readonly customKeyStore?:
    | { readonly id: string; readonly name: string; readonly connectionState: string }
    | undefined
  readonly guard?:
    | {
        readonly days: number
        /** Until when ScheduleKeyDeletion is refused; absent where it is not. */
        readonly refusesUntil?: string | undefined
      }
    | undefined
  /** What to think of before the key is deleted, the weightiest first. */
  readonly warnings: readonly string[]
}
