/** What one KMS key looks like from outside. */
export interface KeyFacts {
  readonly state: 'Enabled' | 'Disabled' | 'PendingDeletion'
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  /** The `Id` of its policy: every policy of the load has one of its own. */
  readonly policyId: string
}

/** A change that was sent, and what the object looks like when it has happened. */
export type Mutation = {
  readonly operation: string
  readonly input: object
  /** Unique, and recorded by the audit log: finds the record of a call that got no answer. */
  readonly userAgent: string
} & (
  | { readonly kind: 'create'; readonly after: KeyFacts }
  | { readonly kind: 'key'; readonly keyId: string; readonly after: KeyFacts }
  | { readonly kind: 'alias'; readonly alias: string; readonly after: string | undefined }
)

export interface Ciphertext {
  readonly keyId: string
  readonly blob: string
  /** Base64. */
  readonly plaintext: string
  readonly context: Readonly<Record<string, string>>
}

/** Deterministic numbers from a seed: mulberry32. Good enough to choose operations with. */
export class SeededChoice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 ≤ x < 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  /** Undefined only of an empty list. */
  of<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)]
  }
}

/**
 * Everything that must be true after a restart. An object is worked on by one lane alone, which
 * waits for each answer, so that at most one mutation of an object is without an answer.
 */
export class Model {
  readonly keys = new Map<string, KeyFacts>()
  /** Alias name to key id. */
  readonly aliases = new Map<string, string>()
  readonly ciphertexts: Ciphertext[] = []
  /** Request ids of every call that was answered, refusals included. */
  readonly acknowledged: string[] = []
  /** Sent, and no answer yet. */
  readonly unanswered = new Set<Mutation>()
  /** Keys touched since the last check. */
  readonly touched = new Set<string>()

  apply(mutation: Mutation, createdKeyId?: string): void {
    if (mutation.kind === 'alias') {
      if (mutation.after === undefined) this.aliases.delete(mutation.alias)
      else this.aliases.set(mutation.alias, mutation.after)
      return
    }
    const keyId = mutation.kind === 'key' ? mutation.keyId : createdKeyId
    if (keyId === undefined) throw new Error('a created key without an id')
    this.keys.set(keyId, mutation.after)
    this.touched.add(keyId)
  }
}
