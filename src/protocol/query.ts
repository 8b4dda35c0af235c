import { isUtf8 } from 'node:buffer'
import { type ErrorCode, ServiceError } from '../core/errors.ts'
import type { QueryFacts } from '../core/model.ts'
import type { HttpReply, HttpRequest } from '../core/transport.ts'
import {
  FORM_BYTES_MAX,
  FORM_PARAMETERS_MAX,
  type FormParameters,
  type FormValue,
  nestParameters,
  parseForm,
} from './form.ts'
import { queryErrorOf } from './query-errors.ts'
import { escapeXml, type XmlValue, xmlElement } from './xml.ts'

/**
 * The AWS Query protocol, which STS and IAM speak: a form goes in, XML comes out.
 *
 * **Source:** Smithy 2.0, AWS query protocol.
 */

/** A request whose syntax is understood. */
export interface QueryCall {
  readonly operation: string
  /** Without `Action`, `Version` and the parameters of a presigned query. */
  readonly input: Readonly<Record<string, FormValue>>
}

const FORM_TYPE = 'application/x-www-form-urlencoded'

/**
 * The call that a GET or POST asks for. Parameters may be in the target, in the body or in both:
 * presigned requests have them in the target even where the method is POST.
 * @throws {ServiceError} UnknownOperationException for a wrong method, Action or Version;
 * SerializationException, RequestEntityTooLargeException
 */
export function readQueryCall(request: HttpRequest, service: QueryFacts): QueryCall {
  if (request.method !== 'POST' && request.method !== 'GET') throw noAction()
  const parameters = readParameters(request)
  const operation = parameters.get('Action')
  const version = parameters.get('Version')
  if (!operation) throw noAction()
  if (version !== service.version) throw unknownAction(operation, version ?? '')
  parameters.delete('Action')
  parameters.delete('Version')
  return { operation, input: nestParameters(parameters) }
}

/**
 * Whether a request that has no credential scope names an operation of a Query service, and which:
 * for routing. Never throws.
 */
export function peekQueryAction(
  request: HttpRequest,
): { readonly action: string; readonly version: string } | undefined {
  try {
    const parameters = readParameters(request)
    const action = parameters.get('Action')
    const version = parameters.get('Version')
    return action && version ? { action, version } : undefined
  } catch (error) {
    if (error instanceof ServiceError) return undefined
    throw error
  }
}

function readParameters(request: HttpRequest): Map<string, string> {
  const { target } = request
  const mark = target.indexOf('?')
  const parameters = new Map<string, string>()
  if (mark !== -1) {
    for (const [name, value] of parseForm(target.slice(mark + 1), 'target')) {
      if (!name.startsWith('X-Amz-')) parameters.set(name, value)
    }
  }
  for (const [name, value] of readBody(request)) {
    if (parameters.has(name)) {
      throw new ServiceError('SerializationException', `Duplicate parameter '${name}'`)
    }
    parameters.set(name, value)
  }
  if (parameters.size > FORM_PARAMETERS_MAX) {
    throw new ServiceError('RequestEntityTooLargeException')
  }
  return parameters
}

const NO_PARAMETERS: FormParameters = new Map()

function readBody({ body, headers }: HttpRequest): FormParameters {
  if (body.length === 0) return NO_PARAMETERS
  if (body.length > FORM_BYTES_MAX) throw new ServiceError('RequestEntityTooLargeException')
  const contentType = headers['content-type'] ?? ''
  const semicolon = contentType.indexOf(';')
  const mediaType = semicolon === -1 ? contentType : contentType.slice(0, semicolon)
  if (mediaType.trim().toLowerCase() !== FORM_TYPE) {
    throw new ServiceError('SerializationException', `Content-Type must be ${FORM_TYPE}`)
  }
  if (!isUtf8(body)) throw new ServiceError('SerializationException', 'The body is not UTF-8')
  return parseForm(body.toString('utf8'), 'body')
}

const noAction = (): ServiceError =>
  new ServiceError('UnknownOperationException', 'The request must contain the parameter Action')

/** **Source:** recorded replies of STS and EC2. */
export const unknownAction = (action: string, version: string): ServiceError =>
  new ServiceError(
    'UnknownOperationException',
    `Could not find operation ${action} for version ${version}`,
  )

/** A success. `output` is absent for operations that answer nothing. */
export function queryReply(reply: {
  readonly service: QueryFacts
  readonly operation: string
  readonly output: { readonly [name: string]: XmlValue } | undefined
  readonly requestId: string
}): HttpReply {
  const { service, operation, output, requestId } = reply
  const name = `${operation}Response`
  const content =
    xmlElement(`${operation}Result`, output) +
    xmlElement('ResponseMetadata', { RequestId: requestId })
  return httpReply(200, rootElement(name, service, content), requestId)
}

/** A failure. */
export function queryErrorReply(reply: {
  readonly service: QueryFacts
  readonly error: { readonly code: ErrorCode; readonly publicMessage: string | undefined }
  readonly requestId: string
}): HttpReply {
  const { service, error, requestId } = reply
  const { code, httpStatus, type } = queryErrorOf(error.code)
  const content =
    xmlElement('Error', { Type: type, Code: code, Message: error.publicMessage }) +
    xmlElement('RequestId', requestId)
  return httpReply(httpStatus, rootElement('ErrorResponse', service, content), requestId)
}

const rootElement = (name: string, { xmlNamespace }: QueryFacts, content: string): string =>
  `<${name} xmlns="${escapeXml(xmlNamespace)}">${content}</${name}>`

const httpReply = (status: number, body: string, requestId: string): HttpReply => ({
  status,
  headers: ['x-amzn-RequestId', requestId, 'Content-Type', 'text/xml'],
  body,
})
