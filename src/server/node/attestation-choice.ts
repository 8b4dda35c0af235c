import { readFileSync } from 'node:fs'
import { OperatorError } from '../../core/errors.ts'
import type { AttestationCertificate } from '../../crypto/attestation/attestation-certificate.ts'
import { parseAttestationRoots } from '../../crypto/attestation/attestation-roots.ts'

/**
 * The roots that `--attestation-root` names in one PEM file, or undefined where AWS's is to be trusted.
 * Those of a file take its place: who trusts AWS as well adds its root to the file.
 * @throws OperatorError for a file that cannot be read or holds anything but such roots
 */
export function chooseAttestationRoots(
  file: string | undefined,
): readonly AttestationCertificate[] | undefined {
  if (file === undefined) return undefined
  let pem: string
  try {
    pem = readFileSync(file, 'latin1')
  } catch (cause) {
    throw new OperatorError(
      `the attestation root file ${file} cannot be read`,
      "name a PEM file, or leave --attestation-root out to trust AWS's root",
      { cause },
    )
  }
  const roots = parseAttestationRoots(pem)
  if (roots === undefined) {
    throw new OperatorError(
      `the attestation root file ${file} is not right`,
      'it holds 1 to 16 certificates in PEM: of authorities on P-384, signed with SHA-384, that may issue certificates',
    )
  }
  return roots
}
