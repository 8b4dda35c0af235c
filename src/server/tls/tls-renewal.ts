import { statSync } from 'node:fs'
import type { Clock, Log } from '../../core/ports.ts'
import type { TlsCredentials } from '../http/http-server.ts'
import { type Repetition, repeat } from '../repeat.ts'
import type { TlsChoice } from './tls-choice.ts'
import { readTlsFiles, type TlsFiles } from './tls-files.ts'

/** How often the files are looked at. */
const FILES_MS = 10_000
/** How often the node's own certificate is asked for: it is the same until it nears its end. */
const OWN_MS = 3_600_000

export interface RenewalParts {
  readonly clock: Clock
  readonly log: Log
  /** Takes other credentials over, for connections to come. @throws where they cannot be used */
  readonly use: (credentials: TlsCredentials) => void
}

/** Follows the certificate of an endpoint, so that it is renewed without a restart; undefined for one without. */
export function followCertificate(
  tls: TlsChoice,
  present: TlsCredentials | undefined,
  parts: RenewalParts & { readonly issue: () => Promise<TlsCredentials> },
): Repetition | undefined {
  if (present === undefined || tls.kind === 'plain') return undefined
  const look = tls.kind === 'files' ? fileFollower(tls, parts) : ownFollower(present, parts)
  return repeat(look, tls.kind === 'files' ? FILES_MS : OWN_MS, (error) =>
    parts.log.error({}, 'the TLS certificate could not be looked at', error),
  )
}

/**
 * Looks at the operator's own files. They may be replaced one after the other, by any program: they are used
 * once they fit each other, and until then the old ones go on. What is wrong is told once.
 */
export function fileFollower(
  files: TlsFiles,
  { clock, log, use }: RenewalParts,
): () => Promise<void> {
  const names = [files.certFile, files.keyFile]
  let seen = marksOf(names)
  let told = ''
  return async () => {
    try {
      const marks = marksOf(names)
      if (marks === seen) return
      use(await readTlsFiles(files, clock.now()))
      seen = marks
      told = ''
      log.info({ file: files.certFile }, 'the TLS certificate was read again')
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== told) {
        log.error({}, 'the TLS files were changed and cannot be used; the old ones go on', error)
      }
      told = message
    }
  }
}

/** What changes when a file is replaced or written. A link is followed: mounted secrets are exchanged that way. */
export const marksOf = (files: readonly string[]): string =>
  files
    .map((file) => {
      const { ino, size, mtimeMs } = statSync(file)
      return `${ino}/${size}/${mtimeMs}`
    })
    .join(' ')

/** Looks whether the node's own certificate is another one by now. */
export function ownFollower(
  present: TlsCredentials,
  { issue, log, use }: RenewalParts & { readonly issue: () => Promise<TlsCredentials> },
): () => Promise<void> {
  let cert = String(present.cert)
  return async () => {
    const next = await issue()
    if (String(next.cert) === cert) return
    use(next)
    cert = String(next.cert)
    log.info({}, 'the TLS certificate of the node was renewed')
  }
}
