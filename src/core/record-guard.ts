import type { Secret } from './secret.ts'

/** Names one row: what its MAC and the wrapping of its secret are bound to. */
export interface RowIdentity {
  readonly table: string
  readonly key: readonly string[]
}

/** Protects stored rows. Implemented by custody (`crypto/custody.ts`), used by `storage/record-store.ts`. */
export interface RecordGuard {
  /** A MAC over identity, version, body and secret, with the id of the key that made it in front. */
  mac(identity: RowIdentity, version: number, body: string, secret: Uint8Array | null): Uint8Array
  /** In constant time. False also where the MAC names a key that is not known. */
  checkMac(
    identity: RowIdentity,
    version: number,
    body: string,
    secret: Uint8Array | null,
    mac: Uint8Array,
  ): boolean
  /** Whether the key is known that a MAC names. */
  knows(mac: Uint8Array): boolean
  /** Wraps secret bytes so that they open for this identity alone. */
  wrap(identity: RowIdentity, secret: Secret): Uint8Array
  /** @throws {IntegrityError} when the bytes were altered or belong to another row. */
  unwrap(identity: RowIdentity, wrapped: Uint8Array): Secret
}
