import { INSTANCE_PROFILES, nameKey } from '../../../../core/identity-tables.ts'
import { entityPermission, findTarget, getEntity } from '../../entity-operations.ts'
import { defineProfileOperation } from '../../instance-profiles.ts'
import { link } from '../../links.ts'
import { assertBelow } from '../../quotas.ts'
import { ROLE } from '../../roles.ts'

/**
 * Puts a role into an instance profile, which has room for one.
 * Source: AWS IAM API Reference, AddRoleToInstanceProfile: it takes the permission to pass the role, too.
 */
export const addRoleToInstanceProfile = defineProfileOperation({
  name: 'AddRoleToInstanceProfile',
  effect: 'write',
  // By its own ARN: its path and the case of its name are none of the request's.
  async besides({ RoleName: name }, scope) {
    const { arn, stored } = await findTarget(ROLE, name, scope)
    return { arn, tags: stored?.record.tags, shownAs: `role ${name}` }
  },
  *morePermissions(_input, { besides: role }, home) {
    if (role === undefined) return
    const serviceKeys = new Map([['iam:passedtoservice', 'ec2.amazonaws.com']])
    yield entityPermission('iam:PassRole', home, role, { serviceKeys })
  },
  async handle(input, { stored }, scope) {
    const { record } = stored
    const role = await getEntity(ROLE, input.RoleName, scope)
    assertBelow('InstanceSessionsPerInstanceProfile', record.roleId === undefined ? 0 : 1)
    const { accountId, roleId } = role.stored.record
    await scope.tx.update(INSTANCE_PROFILES, stored, { ...record, roleId })
    const source = nameKey(record.name)
    await link(scope.tx, { accountId, kind: 'profile', target: roleId, source })
    return undefined
  },
})
