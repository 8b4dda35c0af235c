import { wrongOrigin } from '../keys/key-errors.ts'
import { FOR_MATERIAL_DELETION } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { materialsOf, removeMaterial } from '../material/imported-material.ts'
import { noSuchMaterial } from '../material/material-errors.ts'

/**
 * Deletes imported key material: the current one unless another is named. What is not here is deleted
 * already.
 * Source: AWS KMS API Reference, DeleteImportedKeyMaterial.
 */
export const deleteImportedKeyMaterial = defineKeyOperation({
  name: 'DeleteImportedKeyMaterial',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_MATERIAL_DELETION },
  admit(_input, { key, arn }) {
    if (key.origin !== 'EXTERNAL') throw wrongOrigin(arn, key.origin)
  },

  async handle(input, target, scope) {
    const materialId = input.KeyMaterialId ?? target.key.currentMaterialId
    const stored = (await materialsOf(scope.tx, target.key)).find(
      ({ record }) => record.materialId === materialId,
    )
    if (input.KeyMaterialId !== undefined && stored === undefined) {
      throw noSuchMaterial(target.arn, input.KeyMaterialId)
    }
    if (stored?.record.imported?.isPresent) await removeMaterial(scope.tx, target, stored, scope)
    return { KeyId: target.arn, KeyMaterialId: materialId }
  },

  audit: (input, _target, output) => ({
    requestParameters: { keyId: input.KeyId, keyMaterialId: input.KeyMaterialId },
    responseElements:
      output === undefined ? null : { keyId: output.KeyId, keyMaterialId: output.KeyMaterialId },
  }),
})
