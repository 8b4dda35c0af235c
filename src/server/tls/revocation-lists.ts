import type { X509Certificate as NodeCertificate } from 'node:crypto'
import type { X509Certificate, X509Crl } from '@peculiar/x509'
import { OperatorError } from '../../core/errors.ts'
import { type Instant, instant } from '../../core/ids.ts'
import { readTlsFile } from './tls-files.ts'
import { loadX509 } from './tls-x509.ts'

/** What an authority has revoked. */
export interface RevocationList {
  /** As `serialOf` writes them. */
  readonly serials: ReadonlySet<string>
  /** By when there is a later list: from then on this one says nothing. Source: RFC 5280, 5.1.2.5. */
  readonly nextUpdate: Instant
}

/** The second label is an old one. Source: RFC 7468, 7. */
const LIST = /-----BEGIN (X509 CRL|CRL)-----([\s\S]+?)-----END \1-----/g

/** One spelling of a serial number in hexadecimal. */
export const serialOf = (hex: string): string => hex.toLowerCase().replace(/^0+(?=.)/, '')

/**
 * The list of each authority, in their order; undefined for one that has none in the file.
 * @throws OperatorError for a list that is damaged, out of date, signed by somebody else, or of a kind that is not understood
 */
export async function readRevocationLists(
  file: string,
  authorities: readonly NodeCertificate[],
  now: Instant,
): Promise<readonly (RevocationList | undefined)[]> {
  const bytes = await readTlsFile(file, 'revocation list')
  const x509 = await loadX509()
  const texts = [...bytes.toString('latin1').matchAll(LIST)].map(([, , text = '']) => text)
  const parts = texts.length === 0 ? [bytes] : texts.map((text) => Buffer.from(text, 'base64'))
  let lists: readonly X509Crl[]
  try {
    lists = parts.map((part) => new x509.X509Crl(part))
  } catch (cause) {
    throw new OperatorError(`${file} contains no revocation list`, 'It is PEM or DER.', { cause })
  }
  const read: (RevocationList | undefined)[] = []
  for (const { raw } of authorities) {
    const issuer = new x509.X509Certificate(raw)
    const named = lists.filter((list) => list.issuer === issuer.subject)
    if (named.length === 0) {
      read.push(undefined)
      continue
    }
    // An authority that was renewed with another key has the same name.
    const signed: X509Crl[] = []
    for (const list of named) if (await isSignedBy(list, issuer)) signed.push(list)
    const [newest] = signed.toSorted((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime())
    if (newest === undefined) {
      throw new OperatorError(
        `the revocation list of ${issuer.subject} in ${file} is not signed by that CA`,
      )
    }
    read.push(readList(file, newest, now))
  }
  return read
}

const isSignedBy = (list: X509Crl, issuer: X509Certificate): Promise<boolean> =>
  list.verify({ publicKey: issuer }).catch(() => false)

function readList(file: string, list: X509Crl, now: Instant): RevocationList {
  const name = `the revocation list of ${list.issuer} in ${file}`
  // A list of changes only, or of some certificates only, says so in an extension that must be understood.
  const foreign = list.extensions.find(({ critical }) => critical)
  if (foreign !== undefined) {
    throw new OperatorError(
      `${name} has the critical extension ${foreign.type}`,
      'Give a complete list, not one of changes or of some certificates.',
    )
  }
  if (list.nextUpdate === undefined) {
    throw new OperatorError(`${name} does not say when the next one comes`)
  }
  const nextUpdate = instant(list.nextUpdate.getTime())
  if (nextUpdate <= now) {
    throw new OperatorError(
      `${name} is out of date since ${list.nextUpdate.toISOString()}`,
      'Fetch the present one.',
    )
  }
  return { serials: new Set(list.entries.map((entry) => serialOf(entry.serialNumber))), nextUpdate }
}
