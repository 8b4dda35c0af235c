import type { OperatorCertificateOptions } from '../../cli/serving-program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { OperatorFiles } from './operator-trust.ts'
import type { TlsChoice } from './tls-choice.ts'

/** Names the operator CA of the installation itself, in place of a file. */
const OWN = 'own'

/** Whose certificates are those of operators. */
export type OperatorChoice = ({ readonly kind: 'files' } & OperatorFiles) | { readonly kind: 'own' }

/**
 * Whose certificates operators have to show; undefined where they are asked for none.
 * @throws OperatorError where there is no TLS to show one in, and for a revocation list of nobody
 */
export function chooseOperators(
  { operatorCa, operatorCrl }: OperatorCertificateOptions,
  tls: TlsChoice,
): OperatorChoice | undefined {
  if (operatorCa === undefined) {
    if (operatorCrl === undefined) return undefined
    throw new OperatorError('--operator-crl goes with --operator-ca', 'name the CA as well')
  }
  if (tls.kind === 'plain') {
    throw new OperatorError(
      '--operator-ca asks for certificates, and plain HTTP has none',
      'add --tls, or --tls-cert and --tls-key; a proxy that ends TLS has to ask for them itself',
    )
  }
  if (operatorCa !== OWN) {
    return { kind: 'files', caFile: operatorCa, ...(operatorCrl && { crlFile: operatorCrl }) }
  }
  if (operatorCrl === undefined) return { kind: 'own' }
  throw new OperatorError(
    "the node's own operator CA has no revocation list",
    'strongroom tls replace-operator-ca makes another CA: every certificate of the old one is void',
  )
}
