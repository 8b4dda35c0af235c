import { changeKey, keyIdElement } from '../key-changes.ts'
import { FOR_ENABLING } from '../key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Makes a disabled key usable again; an enabled one stays as it is.
 * Source: AWS KMS API Reference, EnableKey.
 */
export const enableKey = defineKeyOperation({
  name: 'EnableKey',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_ENABLING },

  async handle(_input, target, scope) {
    if (target.key.state.name !== 'Enabled')
      await changeKey(scope, target, { state: { name: 'Enabled' } })
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId },
    responseElements: keyIdElement(target),
  }),
})
