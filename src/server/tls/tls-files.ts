import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { OperatorError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'
import { systemCodeOf } from '../http/http-listen.ts'
import type { TlsCredentials } from '../http/http-server.ts'

export interface TlsFiles {
  /** The server's certificate in PEM, followed by its intermediates. */
  readonly certFile: string
  /** Its private key in PEM, without a passphrase. */
  readonly keyFile: string
}

/**
 * Reads the operator's own certificate and key, and makes sure that clients will accept what can be
 * checked here: both are PEM, they belong together, and the certificate is valid now.
 * @throws {OperatorError} that names the file and what is wrong with it.
 */
export async function readTlsFiles(files: TlsFiles, now: Instant): Promise<TlsCredentials> {
  const { certFile, keyFile } = files
  const cert = await readTlsFile(certFile, 'certificate')
  const key = await readTlsFile(keyFile, 'private key')
  const certificate = parseCertificate(certFile, cert)
  if (!certificate.checkPrivateKey(parseKey(keyFile, key))) {
    throw new OperatorError(
      `the private key in ${keyFile} does not belong to the certificate in ${certFile}`,
      'The server certificate must be the first one in its file, before its intermediates.',
    )
  }
  if (certificate.validToDate.getTime() <= now) {
    throw new OperatorError(
      `the certificate in ${certFile} expired on ${certificate.validToDate.toISOString()}`,
      'Have it renewed, and start again.',
    )
  }
  if (certificate.validFromDate.getTime() > now) {
    throw new OperatorError(
      `the certificate in ${certFile} is not valid before ${certificate.validFromDate.toISOString()}`,
      "Check this machine's clock.",
    )
  }
  return { cert, key }
}

/** The bytes of a file of certificates or a key. @throws OperatorError that names the file */
export async function readTlsFile(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const code = systemCodeOf(cause)
    const reason =
      code === 'ENOENT'
        ? `the ${what} file ${file} does not exist`
        : code === 'EACCES'
          ? `this user may not read the ${what} file ${file}`
          : `the ${what} file ${file} cannot be read`
    throw new OperatorError(reason, undefined, { cause })
  }
}

function parseCertificate(file: string, pem: Buffer): X509Certificate {
  try {
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return new X509Certificate(pem)
  } catch (cause) {
    throw new OperatorError(`the certificate in ${file} is damaged`, undefined, { cause })
  }
  throw new OperatorError(`${file} contains no certificate in PEM`, 'Convert it with openssl x509.')
}

function parseKey(file: string, pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new OperatorError(
      `the private key in ${file} is protected by a passphrase`,
      'Give a file without one, readable by the server alone: openssl pkey removes it.',
    )
  }
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new OperatorError(`${file} contains no private key in PEM`, undefined, { cause })
  }
}
