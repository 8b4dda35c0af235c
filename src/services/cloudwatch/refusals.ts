import { ServiceError } from '../../core/errors.ts'

/**
 * The refusals of CloudWatch.
 * Source: Amazon CloudWatch API Reference, the errors of each operation; texts as clients report them, where not
 * said otherwise in docs/reference/cloudwatch-operations.md.
 */

export const missingParameter = (name: string): ServiceError =>
  new ServiceError('MissingRequiredParameterException', `The parameter ${name} is required.`)

export const invalidValue = (message: string): ServiceError =>
  new ServiceError('InvalidParameterValueException', message)

export const invalidCombination = (message: string): ServiceError =>
  new ServiceError('InvalidParameterCombinationException', message)

/** GetMetricData has no errors of its own for what is wrong with its queries. */
export const validationError = (message: string): ServiceError =>
  new ServiceError('ValidationException', message)

/** As the listings of metrics say it. */
export const invalidListToken = (): ServiceError =>
  invalidValue('The value for the parameter NextToken is invalid.')

export const invalidNextToken = (): ServiceError =>
  new ServiceError('InvalidNextToken', 'The next token specified is invalid.')

/** Clients of the Query protocol read the code `Throttling`. */
export const rateExceeded = (): ServiceError =>
  new ServiceError('ThrottlingException', 'Rate exceeded')
