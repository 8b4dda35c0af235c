import { assert } from '../../../core/assert.ts'
import type { KeyId, Region } from '../../../core/ids.ts'
import type { BackingKey, ImportedMaterial, Key } from '../../../core/key.ts'
import type { Records, RecordsTransaction, Stored } from '../../../core/records.ts'
import { BACKING_KEYS } from '../../../core/tables.ts'

/** How many backing keys are read together. */
const PAGE = 1000

/** What names the generations of a key. */
export interface GenerationsOf {
  readonly region: Region
  readonly keyId: KeyId
}

/** Every backing key of a key, in no order that means anything. */
export async function* generationsOf(
  records: Records,
  { region, keyId }: GenerationsOf,
): AsyncGenerator<Stored<BackingKey>, void, undefined> {
  let after: readonly string[] | undefined
  for (;;) {
    const page = await records.page(BACKING_KEYS, {
      index: 'key',
      equals: [region, keyId],
      ...(after && { after }),
      limit: PAGE,
    })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = [last.record.materialId]
  }
}

/** Imported material as another Region has it before it was imported there. */
export const NOT_IMPORTED_HERE: ImportedMaterial = {
  isPresent: false,
  expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
}

/**
 * Gives the related key of a multi-Region key in another Region the same generations: the same
 * material under the same ids, wrapped for rows of their own. Material that was imported has to be
 * imported there again, so that of it only the ids go.
 * Source: AWS KMS Developer Guide, Multi-Region keys, importing key material.
 */
export async function copyGenerations(
  tx: RecordsTransaction,
  from: Key,
  to: Region,
): Promise<void> {
  assert(from.multiRegion !== undefined, 'only a multi-Region key has related keys')
  for await (const stored of generationsOf(tx, from)) {
    const { imported } = stored.record
    const copy: BackingKey = { ...stored.record, region: to }
    if (imported !== undefined) {
      const description = imported.description
      await tx.insert(BACKING_KEYS, { ...copy, imported: { ...NOT_IMPORTED_HERE, description } })
      continue
    }
    using material = tx.unwrap(BACKING_KEYS, stored)
    await tx.insert(BACKING_KEYS, copy, material)
  }
}
