import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { OperatorError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'

/** The public keys that digests may be signed with. */
export interface TrustedKeys {
  /** MD5 of the PKCS #1 DER, 32 hex digits, of every key. */
  readonly fingerprints: readonly string[]
  /** Whether this is the signature of `text` by the key of that fingerprint; undefined for a key that is not trusted. */
  verifies(
    fingerprint: string,
    signed: { readonly text: string; readonly signature: string },
  ): boolean | undefined
  /** Whether a key was valid at a time, as far as the file says: a key of long ago may have been stolen since. */
  isValidAt(fingerprint: string, time: Instant): boolean
}

/** A block, with the lines that `strongroom audit public-key` puts in front of it. */
const PEM_BLOCK =
  /(?:^Valid from: +(?<from>\S+)\nValid to: +(?<to>\S+)\n)?(?<pem>-----BEGIN (?<kind>(?:RSA )?PUBLIC KEY)-----[A-Za-z0-9+/=\s]+-----END \k<kind>-----)/gm

interface TrustedKey {
  readonly key: KeyObject
  /** When it could sign. Unit: milliseconds since the Unix epoch. */
  readonly from: number
  readonly to: number
}

/** As CloudTrail tells keys apart. Source: AWS CLI, `cloudtrail validate-logs`. */
const fingerprintOf = (key: KeyObject): string =>
  hash('md5', key.export({ format: 'der', type: 'pkcs1' }), 'hex')

function parseKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch (cause) {
    throw new OperatorError('the public key file holds a block that is no public key', HINT, {
      cause,
    })
  }
  throw new OperatorError('the public key file holds a key that is no RSA key', HINT)
}

const HINT = 'it is what `strongroom audit public-key` prints'

/** A time of the file; `otherwise` where there is none. */
function parseTime(text: string | undefined, otherwise: number): number {
  const time = text === undefined ? otherwise : Date.parse(text)
  if (Number.isNaN(time))
    throw new OperatorError('the public key file holds a time that is none', HINT)
  return time
}

/**
 * Reads a file of PEM blocks, one or more; text between them is passed over, but for when a key is valid.
 * @throws {OperatorError} where it holds no key, or a block that is none
 */
export function parseTrustedKeys(text: string): TrustedKeys {
  const blocks = [...text.replaceAll('\r\n', '\n').matchAll(PEM_BLOCK)]
  const isWhole = blocks.length > 0 && text.split('-----BEGIN').length === blocks.length + 1
  if (!isWhole) throw new OperatorError('the public key file holds no whole public key', HINT)
  const keys = new Map<string, TrustedKey>()
  for (const { groups = {} } of blocks) {
    const key = parseKey(groups['pem'] ?? '')
    const from = parseTime(groups['from'], Number.NEGATIVE_INFINITY)
    const to = parseTime(groups['to'], Number.POSITIVE_INFINITY)
    keys.set(fingerprintOf(key), { key, from, to })
  }
  return {
    fingerprints: [...keys.keys()],
    verifies: (fingerprint, { text: signedText, signature }) => {
      const trusted = keys.get(fingerprint)
      if (trusted === undefined) return undefined
      return verify('sha256', Buffer.from(signedText), trusted.key, Buffer.from(signature, 'hex'))
    },
    isValidAt: (fingerprint, time) => {
      const trusted = keys.get(fingerprint)
      return trusted !== undefined && trusted.from <= time && time <= trusted.to
    },
  }
}
