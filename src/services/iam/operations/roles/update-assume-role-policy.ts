import { ROLES } from '../../../../core/identity-tables.ts'
import { bindTrustPolicy, defineRoleOperation } from '../../roles.ts'

/**
 * Says anew who may act as a role.
 * Source: AWS IAM API Reference, UpdateAssumeRolePolicy.
 */
export const updateAssumeRolePolicy = defineRoleOperation({
  name: 'UpdateAssumeRolePolicy',
  effect: 'write',
  async handle(input, { stored }, scope) {
    const trustPolicy = await bindTrustPolicy(scope, input.PolicyDocument)
    await scope.tx.update(ROLES, stored, { ...stored.record, trustPolicy })
    return undefined
  },
})
