import type { InstanceProfile } from '../../../../core/identity.ts'
import { instanceProfileArn } from '../../../../core/identity-arns.ts'
import { INSTANCE_PROFILES, nameKey } from '../../../../core/identity-tables.ts'
import { drawUniqueId } from '../../../../identity/access-keys.ts'
import { creationPermissions } from '../../entity-operations.ts'
import { defineOperation } from '../../iam-operation.ts'
import { listedProfile } from '../../instance-profiles.ts'
import { assertRoom } from '../../quotas.ts'
import { profileTaken } from '../../refusals.ts'
import { shownTagsIfAny, withTags } from '../../tags.ts'

/**
 * Makes an instance profile, without a role yet.
 * Source: AWS IAM API Reference, CreateInstanceProfile.
 */
export const createInstanceProfile = defineOperation({
  name: 'CreateInstanceProfile',
  effect: 'write',
  prepare: (_input, { random }) => drawUniqueId(random, 'AIPA'),
  resolve: () => undefined,
  permissions: ({ InstanceProfileName: name, Path: path = '/', Tags: tags }, _target, home) =>
    creationPermissions(['iam:CreateInstanceProfile', 'iam:TagInstanceProfile'], home, {
      arn: instanceProfileArn(home.partition, { accountId: home.accountId, name, path }),
      shownAs: `instance profile ${name}`,
      tags,
    }),

  async handle(input, _target, scope, profileId) {
    const { tx, call, home } = scope
    const { accountId } = home
    const profile: InstanceProfile = {
      accountId,
      profileId,
      name: input.InstanceProfileName,
      path: input.Path ?? '/',
      createdAt: call.time,
      tags: withTags({}, input.Tags),
    }
    if ((await tx.find(INSTANCE_PROFILES, [accountId, nameKey(profile.name)])) !== undefined) {
      throw profileTaken(profile.name)
    }
    const quota = 'InstanceProfilesPerAccount'
    await assertRoom(tx, INSTANCE_PROFILES, { index: 'key', accountId, quota })
    await tx.insert(INSTANCE_PROFILES, profile)
    const shown = await listedProfile(scope, profile)
    return { InstanceProfile: { ...shown, ...shownTagsIfAny(profile.tags) } }
  },
})
