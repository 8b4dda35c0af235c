import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'

/** RFC 4648, base32. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** An access key id is `AKIA` and 16 characters. */
const ACCESS_KEY_ID_CHARACTERS = 16
/** Behind `AIDA` and its siblings. Source: IAM identifiers that AWS issues have 21 characters. */
const UNIQUE_ID_CHARACTERS = 17
/** 30 bytes are the 40 characters of base64 that AWS's secret access keys have. */
const SECRET_ACCESS_KEY_BYTES = 30

/** What the ids of a kind begin with. Source: IAM User Guide, IAM identifiers, Understanding unique ID prefixes. */
export type UniqueIdPrefix = 'AIDA' | 'AROA' | 'AGPA' | 'ANPA' | 'AIPA'

const drawBase32 = (random: Random, characters: number): string =>
  Array.from(random.bytes(characters), (byte) => BASE32[byte % 32]).join('')

/** An id that nothing ever had: what is deleted and made again is another thing. */
export const drawUniqueId = (random: Random, prefix: UniqueIdPrefix): string =>
  prefix + drawBase32(random, UNIQUE_ID_CHARACTERS)

/** @param prefix `AKIA` for long-term keys, `ASIA` for those of a session */
export const drawAccessKeyId = (random: Random, prefix: 'AKIA' | 'ASIA'): string =>
  prefix + drawBase32(random, ACCESS_KEY_ID_CHARACTERS)

/** A fresh secret access key: the bytes of its 40 characters. The caller owns it. */
export function drawSecretAccessKey(random: Random): Secret {
  using secret = random.secret(SECRET_ACCESS_KEY_BYTES)
  // TextEncoder gives memory of its own, which Buffer.from would cut from a shared pool.
  return new Secret(new TextEncoder().encode(Buffer.from(secret.expose()).toString('base64')))
}
