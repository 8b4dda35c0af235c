import { ServiceError } from '../../core/errors.ts'
import { validationError } from './keys/key-errors.ts'

/** A page marker that was altered or comes from another listing. */
export const invalidMarker = (): ServiceError =>
  new ServiceError('InvalidMarkerException', 'Invalid marker')

/** How a listing is cut into pages. Source: AWS KMS API Reference, the Limit member of each listing. */
export interface PageLimits {
  readonly default: number
  readonly max: number
}

/** The page size asked for. @throws ServiceError ValidationException above what the operation allows */
export function pageLimit(limit: number | undefined, limits: PageLimits): number {
  if (limit === undefined) return limits.default
  if (limit > limits.max) {
    throw validationError(
      `1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to ${limits.max}`,
    )
  }
  return limit
}
