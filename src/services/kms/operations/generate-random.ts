import { ServiceError } from '../../../core/errors.ts'
import { validationError } from '../key-errors.ts'
import { defineOperation } from '../kms-operation.ts'

/**
 * Random bytes, 1 to 1,024 of them.
 * Source: AWS KMS API Reference, GenerateRandom.
 */
export const generateRandom = defineOperation({
  name: 'GenerateRandom',
  effect: 'read',
  check(input) {
    if (input.NumberOfBytes === undefined) throw validationError('NumberOfBytes is required.')
  },
  resolve(input) {
    // There are no custom key stores yet, so that no id can name one. AWS sends no message here.
    if (input.CustomKeyStoreId !== undefined) {
      throw new ServiceError('CustomKeyStoreNotFoundException')
    }
    return undefined
  },
  permissions: () => [{ action: 'kms:GenerateRandom' }],
  handle: (input, _target, scope) => ({ Plaintext: scope.random.secret(input.NumberOfBytes ?? 0) }),
  audit: () => ({ requestParameters: null }),
})
