import { definePolicyOperation, listedPolicy } from '../../managed-policies.ts'
import { shownTags } from '../../tags.ts'

/**
 * A managed policy of the account or of AWS, without its text.
 * Source: AWS IAM API Reference, GetPolicy.
 */
export const getPolicy = definePolicyOperation({
  name: 'GetPolicy',
  effect: 'read',
  async handle(_input, { stored }, scope) {
    const { description, tags } = stored.record
    return {
      Policy: {
        ...(await listedPolicy(scope, stored.record)),
        Description: description === '' ? undefined : description,
        Tags: shownTags(tags),
      },
    }
  },
})
