import { GROUPS } from '../../../../core/identity-tables.ts'
import { defineGroupOperation } from '../../groups.ts'
import { countLinks } from '../../links.ts'
import { releaseName } from '../../names.ts'
import { assertNoPolicies } from '../../policy-holders.ts'
import { hasMembers } from '../../refusals.ts'

/**
 * Removes a group that nobody is in and that has no policies.
 * Source: AWS IAM API Reference, DeleteGroup.
 */
export const deleteGroup = defineGroupOperation({
  name: 'DeleteGroup',
  effect: 'write',
  async handle(_input, { stored }, { tx }) {
    const { record } = stored
    const { accountId, groupId, name } = record
    const members = await countLinks(tx, { accountId, kind: 'membership', target: groupId })
    if (members > 0) throw hasMembers()
    assertNoPolicies(record)
    await releaseName(tx, { accountId, kind: 'group', name })
    await tx.remove(GROUPS, stored)
    return undefined
  },
})
