import type { Instant } from '../../../core/ids.ts'
import { type BackingKey, isHere } from '../../../core/key.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import { isPendingEverywhere, materialsOf } from '../material/imported-material.ts'
import { assertRotates } from '../material/rotation.ts'
import type { RotationsListEntry } from '../model.ts'
import { pageLimit } from '../page-markers.ts'

/** Source: AWS KMS API Reference, ListKeyRotations, Limit. */
const LIMITS = { default: 100, max: 1000 }

/** What only imported material has. */
function importEntry({ imported }: BackingKey, time: Instant): Partial<RotationsListEntry> {
  if (imported === undefined) return {}
  const { description, expirationModel, validTo } = imported
  const isImported = isHere(imported, time)
  return {
    ImportState: isImported ? 'IMPORTED' : 'PENDING_IMPORT',
    KeyMaterialDescription: description,
    ...(isImported && { ExpirationModel: expirationModel, ValidTo: validTo }),
  }
}

/** The state of material; until every related key has imported what waits for its rotation, it waits for that too. */
async function stateOf(
  target: ResolvedKey,
  backing: BackingKey,
  scope: KmsScope,
): Promise<RotationsListEntry['KeyMaterialState']> {
  if (backing.state !== 'PENDING_ROTATION') return backing.state
  const isEverywhere = await isPendingEverywhere(scope.records, target, backing, scope)
  return isEverywhere ? 'PENDING_ROTATION' : 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'
}

async function entryOf(
  target: ResolvedKey,
  backing: BackingKey,
  scope: KmsScope,
): Promise<RotationsListEntry> {
  return {
    KeyId: target.arn,
    KeyMaterialId: backing.materialId,
    KeyMaterialState: await stateOf(target, backing, scope),
    RotationDate: backing.rotated?.date,
    RotationType: backing.rotated?.type,
    ...importEntry(backing, scope.call.time),
  }
}

/**
 * The rotations of a key, oldest first, page by page; with ALL_KEY_MATERIAL also its first material and
 * what waits for its rotation.
 * Source: AWS KMS API Reference, ListKeyRotations.
 */
export const listKeyRotations = defineKeyOperation({
  name: 'ListKeyRotations',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  check: (input) => void pageLimit(input.Limit, LIMITS),
  admit: (_input, target) => assertRotates(target),

  async handle(input, target, scope) {
    const { markers, call } = scope
    const limit = pageLimit(input.Limit, LIMITS)
    const showsAll = input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL'
    const filter = `${target.arn} ${showsAll}`
    const [after] = input.Marker === undefined ? [] : markers.decode(call, filter, input.Marker)
    const listed = (await materialsOf(scope.records, target.key))
      .map(({ record }) => record)
      .filter(({ rotated }) => showsAll || rotated !== undefined)
      .filter(({ generation }) => after === undefined || generation > Number(after))
      .sort((a, b) => a.generation - b.generation)
    const shown = listed.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = listed.length > limit && last !== undefined
    return {
      Rotations: await Promise.all(shown.map((backing) => entryOf(target, backing, scope))),
      Truncated: isTruncated,
      NextMarker: isTruncated ? markers.encode(call, filter, [String(last.generation)]) : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: {
      keyId: input.KeyId,
      includeKeyMaterial: input.IncludeKeyMaterial,
      limit: input.Limit,
      marker: input.Marker,
    },
  }),
})
