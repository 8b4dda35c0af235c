import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { FOR_ROTATION_SETTING } from '../keys/key-states.ts'
import { familyOf } from '../keys/multi-region.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { assertRotatesByItself } from '../material/rotation.ts'

/**
 * Ends the automatic rotation of a key; where it is off, nothing happens.
 * Source: AWS KMS API Reference, DisableKeyRotation.
 */
export const disableKeyRotation = defineKeyOperation({
  name: 'DisableKeyRotation',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_ROTATION_SETTING },
  admit: (_input, target) => assertRotatesByItself(target),

  async handle(_input, target, scope) {
    if (target.key.rotation === undefined) return undefined
    for (const related of await familyOf(scope.tx, target, scope)) {
      await changeKey(scope, related, { rotation: undefined })
    }
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId },
    responseElements: keyIdElement(target),
  }),
})
