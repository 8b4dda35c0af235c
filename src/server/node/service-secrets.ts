import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock, Random } from '../../core/ports.ts'
import type { RecordStore, Stored } from '../../core/records.ts'
import type { Secret } from '../../core/secret.ts'
import { SERVICE_SECRETS, type ServiceSecret } from '../../core/tables.ts'

export interface SecretParts {
  readonly records: RecordStore
  readonly clock: Clock
  readonly random: Random
}

/** A secret of the service by name; made by `draw` the first time. Of two nodes that make it at once one wins. */
export async function ensureServiceSecret(
  { records, clock }: SecretParts,
  name: string,
  draw: () => Promise<{ readonly secret: Secret; readonly publicPart: string }>,
): Promise<Stored<ServiceSecret>> {
  const present = await records.find(SERVICE_SECRETS, [name])
  if (present !== undefined) return present
  const { secret, publicPart } = await draw()
  using _ = secret
  await records.transaction(async (tx) => {
    if ((await tx.find(SERVICE_SECRETS, [name])) !== undefined) return
    await tx.insert(SERVICE_SECRETS, { name, createdAt: clock.now(), publicPart }, secret)
  })
  const stored = await records.find(SERVICE_SECRETS, [name])
  if (stored === undefined) throw new TypeError(`the service secret ${name} was not stored`)
  return stored
}

/** Bytes of a symmetric secret of the service. */
const KEY_BYTES = 32

/** A symmetric key of the service by name; drawn the first time. */
export async function ensureServiceKey(parts: SecretParts, name: string): Promise<KeyObject> {
  const stored = await ensureServiceSecret(parts, name, () =>
    Promise.resolve({ secret: parts.random.secret(KEY_BYTES), publicPart: '' }),
  )
  using opened = parts.records.unwrap(SERVICE_SECRETS, stored)
  return createSecretKey(opened.expose())
}
