import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { OperatorError } from '../../core/errors.ts'

/** The public keys that digests may be signed with. */
export interface TrustedKeys {
  /** MD5 of the PKCS #1 DER, 32 hex digits, of every key. */
  readonly fingerprints: readonly string[]
  /** Whether this is the signature of `text` by the key of that fingerprint; undefined for a key that is not trusted. */
  verifies(
    fingerprint: string,
    signed: { readonly text: string; readonly signature: string },
  ): boolean | undefined
}

const PEM_BLOCK = /-----BEGIN ((?:RSA )?PUBLIC KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----/g

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

/**
 * Reads a file of PEM blocks, one or more; text between them is passed over.
 * @throws {OperatorError} where it holds no key, or a block that is none
 */
export function parseTrustedKeys(text: string): TrustedKeys {
  const blocks = text.match(PEM_BLOCK) ?? []
  const isWhole = blocks.length > 0 && text.split('-----BEGIN').length === blocks.length + 1
  if (!isWhole) throw new OperatorError('the public key file holds no whole public key', HINT)
  const keys = new Map(blocks.map(parseKey).map((key) => [fingerprintOf(key), key]))
  return {
    fingerprints: [...keys.keys()],
    verifies: (fingerprint, { text: signedText, signature }) => {
      const key = keys.get(fingerprint)
      if (key === undefined) return undefined
      return verify('sha256', Buffer.from(signedText), key, Buffer.from(signature, 'hex'))
    },
  }
}
