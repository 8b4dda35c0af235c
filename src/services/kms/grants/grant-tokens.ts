import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '../../../core/errors.ts'
import { type KeyId, parseKeyId } from '../../../core/ids.ts'
import type { Random } from '../../../core/ports.ts'
import type { Records } from '../../../core/records.ts'
import { GRANTS } from '../../../core/tables.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'

/** The form of the bytes behind the MAC. */
const VERSION = 1
const MAC_BYTES = 32
const NONCE_BYTES = 16
const GRANT_ID_BYTES = 32
/** Where the Region's length stands, behind MAC, version, nonce and grant id. */
const REGION_AT = MAC_BYTES + 1 + NONCE_BYTES + GRANT_ID_BYTES
/** More characters than any token of ours has. */
const TOKEN_MAX = 512

/** Which grant a token is of. */
export interface GrantPlace {
  readonly region: string
  readonly keyId: KeyId
  /** 64 lower-case hex digits. */
  readonly grantId: string
}

/**
 * Grant tokens: they say which grant they are of, and prove that CreateGrant made them. They are
 * stored nowhere and carry no authority of their own: the grant must still be there.
 */
export class GrantTokens {
  readonly #key: KeyObject

  constructor(key: KeyObject) {
    this.#key = key
  }

  /** A token that no other call has: URL-safe base64 without padding. */
  issue({ region, keyId, grantId }: GrantPlace, nonce: Uint8Array): string {
    const payload = Buffer.concat([
      Buffer.of(VERSION),
      nonce,
      Buffer.from(grantId, 'hex'),
      Buffer.of(region.length),
      Buffer.from(region, 'latin1'),
      Buffer.from(keyId, 'latin1'),
    ])
    return Buffer.concat([this.#mac(payload), payload]).toString('base64url')
  }

  /** The grant that a token is of; undefined for text that `issue` did not write. */
  read(token: string): GrantPlace | undefined {
    if (token.length > TOKEN_MAX) return undefined
    const bytes = Buffer.from(token, 'base64url')
    const payload = bytes.subarray(MAC_BYTES)
    const isGenuine =
      bytes.length > REGION_AT &&
      bytes.toString('base64url') === token &&
      timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(payload))
    // The MAC proves the form of all that follows, for the version that it covers.
    if (!isGenuine || bytes[MAC_BYTES] !== VERSION) return undefined
    const keyAt = REGION_AT + 1 + bytes.readUInt8(REGION_AT)
    const keyId = parseKeyId(bytes.toString('latin1', keyAt))
    if (keyId === undefined) return undefined
    return {
      region: bytes.toString('latin1', REGION_AT + 1, keyAt),
      keyId,
      grantId: bytes.toString('hex', REGION_AT - GRANT_ID_BYTES, REGION_AT),
    }
  }

  #mac(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest()
  }
}

/** What makes the tokens of one grant differ. */
export const drawTokenNonce = (random: Random): Uint8Array => random.bytes(NONCE_BYTES)

/** A token that is of no grant, or not of this key's. AWS sends no message here. */
export const invalidGrantToken = (): ServiceError => new ServiceError('InvalidGrantTokenException')

/**
 * Every token must be of a grant of one of these keys that is still there. To be asked only of callers
 * who may use the keys: before that, the answer would tell which grants another account has.
 * @throws ServiceError InvalidGrantTokenException
 */
export async function assertGrantTokens(
  tokens: readonly string[],
  keys: readonly ResolvedKey[],
  scope: { readonly records: Records; readonly grantTokens: GrantTokens },
): Promise<void> {
  for (const token of tokens) {
    const place = scope.grantTokens.read(token)
    if (place === undefined) throw invalidGrantToken()
    const { region, keyId, grantId } = place
    if (!keys.some(({ key }) => key.region === region && key.keyId === keyId)) {
      throw invalidGrantToken()
    }
    const stored = await scope.records.find(GRANTS, [region, keyId, grantId])
    if (stored === undefined) throw invalidGrantToken()
  }
}
