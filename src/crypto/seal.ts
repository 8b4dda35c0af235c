import type { Secret } from '../core/secret.ts'

/** Costs of Argon2id, and the salt. */
export interface Argon2Parameters {
  readonly memoryKiB: number
  readonly passes: number
  readonly parallelism: number
  /** 16 bytes. */
  readonly salt: Uint8Array
}

/** What the custody setting says about the seal: enough to find or open the root key, with the seal's secret. */
export type SealRecord =
  | { readonly kind: 'keyfile'; readonly rootKeyId: string }
  | {
      readonly kind: 'passphrase'
      readonly rootKeyId: string
      readonly argon2: Argon2Parameters
      readonly wrapped: Uint8Array
    }
  | {
      readonly kind: 'shares'
      readonly rootKeyId: string
      /** How many shares give the root key. */
      readonly threshold: number
      /** SHA-256 of each share. */
      readonly shareHashes: readonly Uint8Array[]
    }

/** A root key that was just made, durable in its seal if the seal keeps any. The caller owns the secret. */
export interface SealedRootKey {
  readonly record: SealRecord
  readonly rootKey: Secret
}

/** How the root key is obtained. Every method rejects with `OperatorError` for what a person can mend. */
export interface Seal {
  readonly kind: SealRecord['kind']
  /** Where it keeps the root key, if that is a place. */
  readonly location: string | undefined
  /**
   * Makes the root key of a new store, or takes up what an interrupted first start has made. Never
   * replaces a root key that some store may name.
   */
  create(): Promise<SealedRootKey>
  /** The root key that `record` names; the caller owns it. */
  open(record: SealRecord): Promise<Secret>
  /**
   * Makes the root key that follows `current`. Whatever is there stays and still opens; a seal that
   * does not hold `current` is refused, because what it holds belongs to another store.
   */
  prepareNext(current: SealRecord): Promise<SealedRootKey>
  /**
   * Forgets every root key but the one that the store names. Call it only after that setting was
   * committed, or read from a store that no other process can write. True if something changed.
   */
  settle(rootKeyId: string): Promise<boolean>
}
