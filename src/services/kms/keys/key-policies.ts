import { POLICY_SIZE_MAX, policyProblem } from '../../../authz/policy-syntax.ts'
import { rootArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { AccountId, Region } from '../../../core/ids.ts'
import { partitionOf } from '../../../core/regions.ts'

/** The only name that a key policy can have. */
export const POLICY_NAME = 'default'

/** The policy of a key that was created without one. Source: AWS KMS Developer Guide, Default key policy. */
export const defaultKeyPolicy = (accountId: AccountId, region: Region): string =>
  `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "${rootArn(partitionOf(region), accountId)}"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`

/** @throws ServiceError LimitExceededException, MalformedPolicyDocumentException */
export function assertKeyPolicy(text: string): void {
  if (Buffer.byteLength(text) > POLICY_SIZE_MAX.key) {
    throw new ServiceError(
      'LimitExceededException',
      `The key policy is larger than ${POLICY_SIZE_MAX.key} bytes.`,
    )
  }
  const problem = policyProblem(text)
  if (problem !== undefined) throw new ServiceError('MalformedPolicyDocumentException', problem)
}

/** @throws ServiceError NotFoundException for any other name than the one there is */
export function assertPolicyName(name: string | undefined): void {
  if (name !== undefined && name !== POLICY_NAME) {
    throw new ServiceError('NotFoundException', 'No such policy exists')
  }
}
