import type { HttpReply } from '../../core/transport.ts'

/** Why the transport itself answers a request that no handler will see. */
export type RefusalReason =
  | 'malformed'
  | 'bodyTooLarge'
  | 'headTooLarge'
  | 'tooSlow'
  | 'expectation'
  | 'connect'
  | 'bug'

const JSON_HEADERS: readonly string[] = Object.freeze([
  'Content-Type',
  'application/x-amz-json-1.1',
])

const refusal = (status: number, type: string, message: string): HttpReply => ({
  status,
  headers: JSON_HEADERS,
  body: JSON.stringify({ __type: type, message }),
})

/** The replies, made once: they say nothing about the request, which cannot be trusted to be one. */
export const REFUSALS: Readonly<Record<RefusalReason, HttpReply>> = {
  malformed: refusal(400, 'MalformedHttpRequestException', 'The HTTP request is malformed.'),
  bodyTooLarge: refusal(413, 'RequestEntityTooLargeException', 'The request body is too large.'),
  headTooLarge: refusal(
    431,
    'RequestHeaderFieldsTooLargeException',
    'The request line and header fields are too large or too many.',
  ),
  tooSlow: refusal(408, 'RequestTimeoutException', 'The request did not arrive in time.'),
  expectation: refusal(417, 'ExpectationFailedException', 'The expectation is not supported.'),
  connect: refusal(405, 'MethodNotAllowedException', 'The method is not allowed.'),
  bug: refusal(500, 'InternalFailure', 'The request could not be completed.'),
}
