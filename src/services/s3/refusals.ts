import { ServiceError } from '../../core/errors.ts'

/**
 * The refusals of S3. **Source:** Amazon S3 API Reference, Error responses; replies of S3 as clients report
 * them, where not said otherwise.
 */

export const accessDenied = (): ServiceError =>
  new ServiceError('AccessDeniedException', 'Access Denied')

export const noSuchBucket = (): ServiceError =>
  new ServiceError('NoSuchBucket', 'The specified bucket does not exist')

export const noSuchKey = (): ServiceError =>
  new ServiceError('NoSuchKey', 'The specified key does not exist.')

export const invalidArgument = (message: string): ServiceError =>
  new ServiceError('InvalidArgument', message)

export const invalidRange = (): ServiceError =>
  new ServiceError('InvalidRange', 'The requested range is not satisfiable')

export const preconditionFailed = (): ServiceError =>
  new ServiceError(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
  )

export const notModified = (): ServiceError => new ServiceError('NotModified')

/** The last part is ours. */
export const readOnly = (): ServiceError =>
  new ServiceError(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource: the audit bucket is read-only.',
  )

export const oldSignature = (): ServiceError =>
  new ServiceError(
    'InvalidRequest',
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  )

export const invalidToken = (): ServiceError =>
  invalidArgument('The continuation token provided is incorrect')

/** Buckets have no versions here. */
export const invalidVersion = (): ServiceError => invalidArgument('Invalid version id specified')
