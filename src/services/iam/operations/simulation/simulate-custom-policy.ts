import { defineListing } from '../../iam-operation.ts'
import { controlSources, givenPolicies } from '../../simulation/policy-sources.ts'
import { simulate } from '../../simulation/simulate.ts'

/**
 * What given policies would allow, whether or not anybody has them.
 * Source: AWS IAM API Reference, SimulateCustomPolicy.
 */
export const simulateCustomPolicy = defineListing({
  name: 'SimulateCustomPolicy',
  handle: async (input, scope) =>
    simulate(input, scope, {
      identity: givenPolicies('PolicyInputList', input.PolicyInputList),
      boundary: givenPolicies(
        'PermissionsBoundaryPolicyInputList',
        input.PermissionsBoundaryPolicyInputList,
      ),
      control: await controlSources(scope),
    }),
})
