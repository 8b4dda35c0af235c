import type { Role, User } from '../../core/identity.ts'
import type { RecordsTransaction } from '../../core/records.ts'
import type { IamScope } from './iam-operation.ts'
import { link, unlink } from './links.ts'
import { findPolicy } from './managed-policies.ts'
import type { AttachedPermissionsBoundary } from './model.ts'
import { boundaryNotFound } from './refusals.ts'

/** The boundary as replies have it. */
export const shownBoundary = (
  arn: string | undefined,
): { readonly PermissionsBoundary?: AttachedPermissionsBoundary } =>
  arn === undefined
    ? {}
    : {
        PermissionsBoundary: {
          PermissionsBoundaryType: 'PermissionsBoundaryPolicy',
          PermissionsBoundaryArn: arn,
        },
      }

/** `iam:PermissionsBoundary` as conditions look at it. */
export const boundaryKey = (arn: string | undefined): ReadonlyMap<string, string> =>
  new Map(arn === undefined ? [] : [['iam:permissionsboundary', arn]])

/** @throws ServiceError NoSuchEntityException unless the ARN names a managed policy */
export async function assertBoundary(scope: IamScope, arn: string | undefined): Promise<void> {
  if (arn !== undefined && (await findPolicy(scope, arn)) === undefined) {
    throw boundaryNotFound(arn)
  }
}

/** Notes whose boundary a policy is, instead of what was noted before. */
export async function linkBoundary(
  tx: RecordsTransaction,
  { accountId, boundaryArn }: Pick<User | Role, 'accountId' | 'boundaryArn'>,
  { source, arn }: { readonly source: string; readonly arn: string | undefined },
): Promise<void> {
  const kind = 'boundary'
  if (boundaryArn !== undefined) await unlink(tx, { accountId, kind, target: boundaryArn, source })
  if (arn !== undefined) await link(tx, { accountId, kind, target: arn, source })
}
