import { definePolicyOperation, getVersion, shownVersion } from '../../managed-policies.ts'

/**
 * The text of a version of a managed policy.
 * Source: AWS IAM API Reference, GetPolicyVersion.
 */
export const getPolicyVersion = definePolicyOperation({
  name: 'GetPolicyVersion',
  effect: 'read',
  handle(input, { stored: { record } }) {
    return { PolicyVersion: shownVersion(record, getVersion(record, input.VersionId)) }
  },
})
