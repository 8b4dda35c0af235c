import { X509Certificate } from 'node:crypto'
import { OperatorError } from '../../core/errors.ts'
import type { OperatorCertificate } from '../../core/operator.ts'
import type { Stored } from '../../core/records.ts'
import { SERVICE_SECRETS, type ServiceSecret } from '../../core/tables.ts'
import { ensureServiceSecret, type SecretParts } from '../node/service-secrets.ts'
import { createAuthority, issueClientCertificate } from './tls-authority.ts'

/** Another authority than that of the servers: a server's certificate makes nobody an operator. */
const NAME = 'operator-authority'
/** The name of an operator, and the beginning of file names. */
const OPERATOR_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
const DAYS_DEFAULT = 90
const DAYS_MAX = 397

async function drawAuthority({ clock, random }: SecretParts) {
  const made = await createAuthority({ now: clock.now(), random }, 'operators')
  return { secret: made.privateKeyPem, publicPart: made.certificatePem }
}

/** The authority of the installation that issues certificates to operators, made where there is none. */
export const ensureOperatorAuthority = (parts: SecretParts): Promise<Stored<ServiceSecret>> =>
  ensureServiceSecret(parts, NAME, () => drawAuthority(parts))

/** Issues the certificate of an operator. @throws OperatorError for what can be no name, and for a time that is too long */
export async function issueOperatorCertificate(
  parts: SecretParts,
  request: { readonly name: unknown; readonly days?: unknown },
): Promise<OperatorCertificate> {
  const { name, days = DAYS_DEFAULT } = request
  if (typeof name !== 'string' || !OPERATOR_NAME.test(name)) {
    throw new OperatorError(
      'that cannot be the name of an operator',
      'letters, digits, and . _ @ - within: 64 characters at most',
    )
  }
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 1 || days > DAYS_MAX) {
    throw new OperatorError(`a certificate is valid for 1 to ${DAYS_MAX} days`)
  }
  const stored = await ensureOperatorAuthority(parts)
  const { publicPart: authorityPem } = stored.record
  using privateKeyPem = parts.records.unwrap(SERVICE_SECRETS, stored)
  const issued = await issueClientCertificate(
    { certificatePem: authorityPem, privateKeyPem },
    { now: parts.clock.now(), random: parts.random },
    { name, days },
  )
  using key = issued.privateKeyPem
  const { serialNumber, validToDate } = new X509Certificate(issued.certificatePem)
  return {
    name,
    serialNumber,
    validUntil: validToDate.toISOString(),
    certificatePem: issued.certificatePem,
    privateKeyPem: Buffer.from(key.expose()).toString('latin1'),
  }
}

/** Makes another authority: every certificate of the present one is void once the nodes have seen it. */
export async function replaceOperatorAuthority(parts: SecretParts): Promise<{
  readonly authority: string
}> {
  const present = await ensureOperatorAuthority(parts)
  const { secret, publicPart } = await drawAuthority(parts)
  using _ = secret
  await parts.records.transaction(async (tx) => {
    const stored = (await tx.find(SERVICE_SECRETS, [NAME])) ?? present
    await tx.update(SERVICE_SECRETS, stored, { ...stored.record, publicPart }, secret)
  })
  return { authority: new X509Certificate(publicPart).subject ?? '' }
}
