import { ServiceError } from '../../core/errors.ts'

/**
 * The refusals of CloudTrail. **Source:** AWS CloudTrail API Reference; replies of CloudTrail as clients report
 * them, where not said otherwise.
 */

export const unknownTrail = (name: string, accountId: string): ServiceError =>
  new ServiceError('TrailNotFoundException', `Unknown trail: ${name} for the user: ${accountId}`)

export const invalidTrailName = (message: string): ServiceError =>
  new ServiceError('InvalidTrailNameException', message)

/** Our wording. */
export const invalidTrailArn = (arn: string): ServiceError =>
  new ServiceError('CloudTrailARNInvalidException', `The trail ARN is not valid: ${arn}`)

/** Our wording. */
export const unknownResource = (arn: string): ServiceError =>
  new ServiceError('ResourceNotFoundException', `The resource does not exist: ${arn}`)

/** Our wording: every account has the one trail, and it always records. */
export const trailIsFixed = (): ServiceError =>
  new ServiceError(
    'UnsupportedOperationException',
    'The trail cannot be changed: every account has the one trail strongroom, which always records every management event.',
  )

export const noInsights = (): ServiceError =>
  new ServiceError('InsightNotEnabledException', 'Insights are not enabled on the trail.')

export const startAfterEnd = (): ServiceError =>
  new ServiceError('InvalidTimeRangeException', 'StartTime cannot be greater than EndTime.')

/** Our wording. */
export const beforeHistory = (days: number): ServiceError =>
  new ServiceError(
    'InvalidTimeRangeException',
    `EndTime is out of range: events of the last ${days} days can be looked up.`,
  )

export const invalidMaxResults = (max: number): ServiceError =>
  new ServiceError('InvalidMaxResultsException', `MaxResults must be between 1 and ${max}.`)

export const invalidNextToken = (): ServiceError =>
  new ServiceError('InvalidNextTokenException', 'The NextToken is not valid for this request.')

/** Of listings that have one page: nobody was given a token. */
export const invalidToken = (): ServiceError =>
  new ServiceError('InvalidTokenException', 'The NextToken is not valid.')

export const invalidEventCategory = (): ServiceError =>
  new ServiceError(
    'InvalidEventCategoryException',
    'The event category is not valid: insight is the only one.',
  )

export const invalidLookupAttributes = (message: string): ServiceError =>
  new ServiceError('InvalidLookupAttributesException', message)

export const rateExceeded = (): ServiceError =>
  new ServiceError('ThrottlingException', 'Rate exceeded')
