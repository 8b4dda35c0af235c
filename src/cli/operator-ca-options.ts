import { InvalidArgumentError, Option } from 'commander'
import { UsageError } from './failures.ts'
import type { ClientCertificateOptions, OperatorCertificateOptions } from './serving-program.ts'

/** Whose certificates are those of operators. */
export interface OperatorCaFlags {
  readonly operatorCa?: string
  readonly operatorCrl?: string
}

export const operatorCaOptions = (): readonly Option[] => [
  new Option(
    '--operator-ca <file>',
    "ask for a client certificate of this CA (PEM) at /-/metrics and the other paths of operators; own for the node's own operator CA",
  ).argParser(parseText),
  new Option(
    '--operator-crl <file>',
    'and refuse those that are in the revocation list of that CA',
  ).argParser(parseText),
]

/** The flags as the program takes them. */
export const operatorCaOf = (flags: OperatorCaFlags): OperatorCertificateOptions => ({
  ...(flags.operatorCa !== undefined && { operatorCa: flags.operatorCa }),
  ...(flags.operatorCrl !== undefined && { operatorCrl: flags.operatorCrl }),
})

/** The certificate that a command shows to a node. */
export interface ClientCertificateFlags {
  readonly clientCert?: string
  readonly clientKey?: string
}

export const clientCertificateOptions = (): readonly Option[] => [
  new Option(
    '--client-cert <file>',
    'with --endpoint: the certificate of an operator (PEM), where the node asks for one',
  ).argParser(parseText),
  new Option('--client-key <file>', 'and its private key (PEM)').argParser(parseText),
]

/** @throws UsageError for half of a pair */
export function clientCertificateOf(flags: ClientCertificateFlags): ClientCertificateOptions {
  const { clientCert: clientCertFile, clientKey: clientKeyFile } = flags
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
    throw new UsageError('--client-cert and --client-key go together: one of them is missing')
  }
  return { clientCertFile, clientKeyFile }
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('must not be empty')
  return text
}
