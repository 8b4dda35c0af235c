import type { KeyObject } from 'node:crypto'
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { RowIdentity } from '../core/record-guard.ts'
import type { Secret } from '../core/secret.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import type { Wrapper } from './wrapping.ts'
import { CUSTODY_KEY_ID_BYTES, createWrapper } from './wrapping.ts'

/** Root, domain and audit keys are 32 random bytes, never used themselves: each use has a derived key. */
export const CUSTODY_KEY_BYTES = 32
const MAC_BYTES = 32
const ROW_MAC_BYTES = CUSTODY_KEY_ID_BYTES + MAC_BYTES
const NO_SALT = new Uint8Array(0)
const NO_SECRET = new Uint8Array(0)

/** **Source:** docs/formats/custody.md, Derived keys; RFC 5869. */
function derive(parent: Secret, use: string): KeyObject {
  const bytes = new Uint8Array(
    hkdfSync('sha256', parent.expose(), NO_SALT, `strongroom ${use}`, CUSTODY_KEY_BYTES),
  )
  try {
    return createSecretKey(bytes)
  } finally {
    bytes.fill(0)
  }
}

/** What a root key is used for: wrapping domain and audit keys, and authenticating the custody setting. */
export interface RootKey {
  readonly id: string
  readonly wrapper: Wrapper
  readonly settingMacKey: KeyObject
}

/** `secret` is borrowed: dispose of it afterwards. */
export const rootKeyOf = (id: string, secret: Secret): RootKey => ({
  id,
  wrapper: createWrapper(id, derive(secret, 'root: wrap keys')),
  settingMacKey: derive(secret, 'root: authenticate setting'),
})

/** What an audit key is used for: the MACs of the audit log. */
export interface AuditKey {
  readonly id: string
  readonly key: KeyObject
}

/** `secret` is borrowed: dispose of it afterwards. */
export const auditKeyOf = (id: string, secret: Secret): AuditKey => ({
  id,
  key: derive(secret, 'audit: authenticate segments'),
})

/** What a domain key is used for: wrapping the secrets of rows, and the MACs of rows. */
export interface DomainKey {
  readonly id: string
  readonly wrapper: Wrapper
  /** A MAC of the row with this key's id in front: 40 bytes. */
  mac(identity: RowIdentity, version: number, body: string, secret: Uint8Array | null): Uint8Array
  /** In constant time. `mac` must be one that names this key. */
  checkMac(
    identity: RowIdentity,
    version: number,
    body: string,
    secret: Uint8Array | null,
    mac: Uint8Array,
  ): boolean
  /** Whether `bytes` has this key's id at an offset. */
  isNamedIn(bytes: Uint8Array, offset: number): boolean
}

/** `secret` is borrowed: dispose of it afterwards. */
export function domainKeyOf(id: string, secret: Secret): DomainKey {
  const idBytes = Buffer.from(id, 'hex')
  const macKey = derive(secret, 'domain: authenticate records')
  const digestOf = (
    identity: RowIdentity,
    version: number,
    body: string,
    wrapped: Uint8Array | null,
  ): Buffer =>
    createHmac('sha256', macKey)
      .update(recordBytes(identity, version, body, wrapped))
      .digest()
  return {
    id,
    wrapper: createWrapper(id, derive(secret, 'domain: wrap secrets')),
    mac(identity, version, body, wrapped) {
      const mac = new Uint8Array(ROW_MAC_BYTES)
      mac.set(idBytes)
      mac.set(digestOf(identity, version, body, wrapped), CUSTODY_KEY_ID_BYTES)
      return mac
    },
    checkMac(identity, version, body, wrapped, mac) {
      if (mac.length !== ROW_MAC_BYTES) return false
      const digest = digestOf(identity, version, body, wrapped)
      return timingSafeEqual(mac.subarray(CUSTODY_KEY_ID_BYTES), digest)
    },
    isNamedIn(bytes, offset) {
      for (let i = 0; i < CUSTODY_KEY_ID_BYTES; i++) {
        if (bytes[offset + i] !== idBytes[i]) return false
      }
      return true
    },
  }
}

/** **Source:** docs/formats/custody.md, MAC of a row. */
const recordBytes = (
  identity: RowIdentity,
  version: number,
  body: string,
  secret: Uint8Array | null,
): Uint8Array =>
  lengthPrefixed([
    'strongroom record v1',
    identity.table,
    String(version),
    body,
    secret === null ? '0' : '1',
    secret ?? NO_SECRET,
    ...identity.key,
  ])
