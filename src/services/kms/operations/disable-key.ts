import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { FOR_ENABLING } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Stops every use of a key until it is enabled again; a disabled one stays as it is.
 * Source: AWS KMS API Reference, DisableKey.
 */
export const disableKey = defineKeyOperation({
  name: 'DisableKey',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_ENABLING },

  async handle(_input, target, scope) {
    if (target.key.state.name !== 'Disabled')
      await changeKey(scope, target, { state: { name: 'Disabled' } })
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId },
    responseElements: keyIdElement(target),
  }),
})
