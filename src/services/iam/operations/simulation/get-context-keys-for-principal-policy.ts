import { entityPermission } from '../../entity-operations.ts'
import { defineOperation } from '../../iam-operation.ts'
import {
  entitySources,
  getSimulatedEntity,
  givenPolicies,
} from '../../simulation/policy-sources.ts'
import { contextKeysOf } from '../../simulation/policy-text.ts'

/**
 * The condition keys and variables that the policies of a user, a group or a role read, and given ones.
 * Source: AWS IAM API Reference, GetContextKeysForPrincipalPolicy.
 */
export const getContextKeysForPrincipalPolicy = defineOperation({
  name: 'GetContextKeysForPrincipalPolicy',
  effect: 'read',
  resolve: () => undefined,
  permissions: ({ PolicySourceArn: arn }, _target, home) => [
    entityPermission('iam:GetContextKeysForPrincipalPolicy', home, { arn }),
  ],

  async handle(input, _target, scope) {
    const own = await entitySources(scope, await getSimulatedEntity(scope, input.PolicySourceArn))
    const policies = [...own, ...givenPolicies('PolicyInputList', input.PolicyInputList)]
    return { ContextKeyNames: contextKeysOf(policies.map(({ text }) => text)) }
  },
})
