/**
 * Checks who signed the anchors of a file, with nothing but public keys:
 * `node examples/verify-anchor.ts anchors.jsonl audit.pem [other.pem]`. The second key is the one that has
 * countersigned, where another Strongroom did: what `aws kms get-public-key` gives, as PEM.
 */
import { verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The members of an anchor that are looked at here. */
interface Signatures {
  readonly signature: string
  readonly countersignature?: { readonly signature: string }
}

/** The same object up to a member that stands behind all others. */
const without = (line: string, member: string): string =>
  `${line.slice(0, line.lastIndexOf(`,"${member}":`))}}`

/** Whether the node signed this line. */
export function isSigned(line: string, publicKey: string): boolean {
  const { signature } = JSON.parse(line) as Signatures
  const text = without(line, 'keyFingerprint')
  return verify(
    'sha256',
    Buffer.from(`strongroom anchor\n${text}`),
    publicKey,
    Buffer.from(signature, 'hex'),
  )
}

/** Whether a key of another Strongroom has countersigned it; for ECDSA_SHA_256 and RSASSA_PKCS1_V1_5_SHA_256. */
export function isCountersigned(line: string, publicKey: string): boolean {
  const { countersignature } = JSON.parse(line) as Signatures
  if (countersignature === undefined) return false
  const text = without(line, 'countersignature')
  return verify(
    'sha256',
    Buffer.from(text),
    publicKey,
    Buffer.from(countersignature.signature, 'base64'),
  )
}

if (import.meta.main) {
  const [file = '', key = '', other] = process.argv.slice(2)
  const publicKey = readFileSync(key, 'utf8')
  const otherKey = other === undefined ? undefined : readFileSync(other, 'utf8')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const bad = lines.flatMap((line, index) => {
    const isGood =
      isSigned(line, publicKey) && (otherKey === undefined || isCountersigned(line, otherKey))
    return isGood ? [] : [index + 1]
  })
  console.log(
    `${lines.length} anchors, ${bad.length} not signed${bad.map((n) => ` (line ${n})`).join('')}`,
  )
  process.exitCode = bad.length === 0 ? 0 : 1
}
