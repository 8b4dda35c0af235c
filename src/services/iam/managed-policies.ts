import { ServiceError } from '../../core/errors.ts'
import type { ManagedPolicy, PolicyVersion, Tags } from '../../core/identity.ts'
import { parseIdentityArn, policyArn } from '../../core/identity-arns.ts'
import { MANAGED_POLICIES, nameKey } from '../../core/identity-tables.ts'
import type { Stored } from '../../core/records.ts'
import {
  type AwsManagedPolicy,
  awsManagedPolicyArn,
  findAwsManagedPolicy,
} from '../../identity/aws-managed-policies.ts'
import type { Call } from '../../pipeline/call.ts'
import {
  type Conditions,
  defineEntityOperation,
  type EntityDefinition,
  type EntityKind,
  type OperationNaming,
} from './entity-operations.ts'
import type { Effects, Home, IamScope } from './iam-operation.ts'
import { countLinks } from './links.ts'
import type { Policy as ShownPolicy, PolicyVersion as ShownVersion } from './model.ts'
import { encodedPolicy } from './policy-documents.ts'
import { invalidInput, policyNotFound, versionNotFound } from './refusals.ts'
import { shownTagsIfAny } from './tags.ts'

/** A managed policy, whosever: of the account, or one of AWS's. */
export interface Policy extends AwsManagedPolicy {
  readonly arn: string
  readonly tags: Tags
  /** Absent for AWS's, which nobody changes. */
  readonly own: Stored<ManagedPolicy> | undefined
}

export const ownPolicy = ({ partition }: Home, own: Stored<ManagedPolicy>): Policy => ({
  ...own.record,
  arn: policyArn(partition, own.record),
  own,
})

export const awsPolicy = ({ partition }: Home, policy: AwsManagedPolicy): Policy => ({
  ...policy,
  arn: awsManagedPolicyArn(partition, policy),
  tags: {},
  own: undefined,
})

const POLICY_ARN = /^arn:[a-z-]+:iam::(\d{12}|aws):policy\/[\x21-\x7e]+$/

/** @throws ServiceError InvalidInputException */
function assertPolicyArn(arn: string): void {
  if (!POLICY_ARN.test(arn)) throw invalidInput(`ARN ${arn} is not valid.`)
}

/**
 * The policy that an ARN names, which is the account's own or AWS's.
 * @throws ServiceError InvalidInputException for what is no ARN of a policy
 */
export async function findPolicy(scope: IamScope, arn: string): Promise<Policy | undefined> {
  assertPolicyArn(arn)
  const { home, records } = scope
  const ofAws = findAwsManagedPolicy(arn)
  if (ofAws !== undefined) {
    const policy = awsPolicy(home, ofAws)
    return policy.arn === arn ? policy : undefined
  }
  const ref = parseIdentityArn(arn, home.partition)
  if (ref?.kind !== 'policy' || ref.accountId !== home.accountId) return undefined
  const own = await records.find(MANAGED_POLICIES, [home.accountId, nameKey(ref.name)])
  const policy = own && ownPolicy(home, own)
  // IAM's ARNs tell case and path.
  return policy?.arn === arn ? policy : undefined
}

const POLICY: EntityKind<Policy> = {
  async find(scope, arn) {
    const policy = await findPolicy(scope, arn)
    return policy && { record: policy, version: policy.own?.version ?? 1, secret: null }
  },
  arnOf: (_home, policy) => policy.arn,
  arnOfNone: (_home, arn) => arn,
  notFound: policyNotFound,
  label: 'policy',
  tagsOf: (policy) => policy.tags,
}

/** Defines an operation on the managed policy that `PolicyArn` names. */
export const definePolicyOperation = <
  Name extends OperationNaming<'PolicyArn'>,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: EntityDefinition<Name, Effect, Policy, Prepared>,
) => defineEntityOperation(POLICY, (input) => input.PolicyArn, definition)

/** The account's own policy, to be changed. @throws ServiceError AccessDeniedException for one of AWS's */
export function ownRecord({ own, arn }: Policy, call: Call): Stored<ManagedPolicy> {
  if (own !== undefined) return own
  throw new ServiceError(
    'AccessDeniedException',
    `User: ${call.caller.arn} is not authorized to perform: iam:${call.operation} on resource: policy ${arn}`,
  )
}

/** @throws ServiceError NoSuchEntityException */
export function getVersion(policy: Policy, versionId: string): PolicyVersion {
  const version = policy.versions.find((known) => known.versionId === versionId)
  if (version === undefined) throw versionNotFound(policy.arn, versionId)
  return version
}

/** A version as listings show it; a single one is shown with its text. */
export const listedVersion = (
  policy: Pick<Policy, 'defaultVersionId'>,
  version: PolicyVersion,
): ShownVersion => ({
  VersionId: version.versionId,
  IsDefaultVersion: version.versionId === policy.defaultVersionId,
  CreateDate: version.createdAt,
})

export const shownVersion = (policy: Policy, version: PolicyVersion): ShownVersion => ({
  Document: encodedPolicy(version.text),
  ...listedVersion(policy, version),
})

/** How many have the policy, and for how many it is the boundary. */
export async function policyUse({ records, home }: IamScope, { arn }: Policy) {
  const target = { accountId: home.accountId, target: arn }
  const [attachments, boundaries] = [
    await countLinks(records, { ...target, kind: 'attachment' }),
    await countLinks(records, { ...target, kind: 'boundary' }),
  ]
  return { attachments, boundaries }
}

/** A policy as listings show it. */
export async function listedPolicy(scope: IamScope, policy: Policy): Promise<ShownPolicy> {
  const { attachments, boundaries } = await policyUse(scope, policy)
  return {
    PolicyName: policy.name,
    PolicyId: policy.policyId,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersionId,
    AttachmentCount: attachments,
    PermissionsBoundaryUsageCount: boundaries,
    IsAttachable: true,
    CreateDate: policy.createdAt,
    UpdateDate: policy.updatedAt,
  }
}

/** A policy that was just made: nobody has it. */
export const newPolicy = ({ partition }: Home, policy: ManagedPolicy): ShownPolicy => ({
  PolicyName: policy.name,
  PolicyId: policy.policyId,
  Arn: policyArn(partition, policy),
  Path: policy.path,
  DefaultVersionId: policy.defaultVersionId,
  AttachmentCount: 0,
  PermissionsBoundaryUsageCount: 0,
  IsAttachable: true,
  CreateDate: policy.createdAt,
  UpdateDate: policy.updatedAt,
  ...shownTagsIfAny(policy.tags),
})

/** `iam:PolicyARN`, and the boundary of whom the policy is attached to or taken from. */
export const attachmentKeys = (
  { PolicyArn: arn }: { readonly PolicyArn: string },
  boundaryArn: string | undefined,
): Conditions => ({
  serviceKeys: new Map([
    ['iam:policyarn', arn],
    ...(boundaryArn === undefined ? [] : [['iam:permissionsboundary', boundaryArn] as const]),
  ]),
})
