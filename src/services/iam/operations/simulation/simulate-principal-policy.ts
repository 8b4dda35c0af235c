import { entityPermission } from '../../entity-operations.ts'
import { defineOperation } from '../../iam-operation.ts'
import {
  boundarySources,
  controlSources,
  entitySources,
  getSimulatedEntity,
  givenPolicies,
} from '../../simulation/policy-sources.ts'
import { simulate } from '../../simulation/simulate.ts'

/**
 * What a user, a group or a role may do, and what it might with further policies.
 * Source: AWS IAM API Reference, SimulatePrincipalPolicy.
 */
export const simulatePrincipalPolicy = defineOperation({
  name: 'SimulatePrincipalPolicy',
  effect: 'read',
  resolve: () => undefined,
  permissions: ({ PolicySourceArn: arn }, _target, home) => [
    entityPermission('iam:SimulatePrincipalPolicy', home, { arn }),
  ],

  async handle(input, _target, scope) {
    const entity = await getSimulatedEntity(scope, input.PolicySourceArn)
    const own = await entitySources(scope, entity)
    const bound = givenPolicies(
      'PermissionsBoundaryPolicyInputList',
      input.PermissionsBoundaryPolicyInputList,
    )
    return simulate(input, scope, {
      identity: [...own, ...givenPolicies('PolicyInputList', input.PolicyInputList)],
      boundary: bound.length > 0 ? bound : await boundarySources(scope, entity),
      control: await controlSources(scope),
      caller: entity.kind === 'group' ? undefined : entity.arn,
    })
  },
})
