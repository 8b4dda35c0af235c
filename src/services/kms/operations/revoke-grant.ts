import { GRANTS } from '../../../core/tables.ts'
import { assertGrantId, getGrant } from '../grants/grants.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Ends a grant, by those who administer the key: no request that arrives after the reply is allowed by it.
 * Source: AWS KMS API Reference, RevokeGrant.
 */
export const revokeGrant = defineKeyOperation({
  name: 'RevokeGrant',
  effect: 'write',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  check: ({ GrantId }) => assertGrantId(GrantId),
  rehearse: async ({ GrantId }, { key }, { records }) =>
    void (await getGrant(records, key, GrantId)),

  async handle({ GrantId }, { key }, { tx }) {
    await tx.remove(GRANTS, await getGrant(tx, key, GrantId))
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId, grantId: input.GrantId },
    responseElements: keyIdElement(target),
  }),
})
