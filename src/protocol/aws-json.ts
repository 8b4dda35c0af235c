import { MODELLED_ERRORS } from '../core/error-codes.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { StructureShape } from '../core/model.ts'
import { createDecoders, decodeTopLevel } from './aws-json-decode.ts'
import { createEncoders } from './aws-json-encode.ts'

/** Typed values to and from AWS JSON 1.1. Keeps compiled shapes: one for the lifetime of a server. */
export interface AwsJsonCodec {
  /**
   * `value` is what `parseJsonText` gave. The result's secrets belong to the caller. Required members
   * and constraints are the validator's business; nulls in lists and maps stay for it to refuse.
   * @throws {ServiceError} SerializationException in AWS's words; when it throws, no secret is left.
   */
  decodeInput(shape: StructureShape, value: unknown): Record<string, unknown>
  /** @throws {AssertionFailure} when `output` does not have the shape: a bug of the handler. */
  encodeOutput(shape: StructureShape, output: object): string
}

/** See `AwsJsonCodec`. */
export const createAwsJsonCodec = (): AwsJsonCodec => {
  const decoderOf = createDecoders()
  const encoderOf = createEncoders()
  return {
    decodeInput: (shape, value) => decodeTopLevel(decoderOf(shape), value),
    encodeOutput: (shape, output) => encoderOf(shape)(output),
  }
}

/**
 * Codes of AWS's front end whose text is in `Message`; all others have `message`.
 * Source: recorded with KMS (AccessDeniedException), Kinesis and Athena (SerializationException).
 */
const CAPITAL_MESSAGE: ReadonlySet<ErrorCode> = new Set([
  'AccessDeniedException',
  'SerializationException',
])

/** What a client may read of an error; `ServiceError` is one. */
export interface WireError {
  readonly code: ErrorCode
  readonly publicMessage: string | undefined
}

/** The body of an error reply. Without a public message there is no message member at all. */
export const encodeError = ({ code, publicMessage }: WireError): string => {
  if (publicMessage === undefined) return `{"__type":"${code}"}`
  const name = CAPITAL_MESSAGE.has(code) ? 'Message' : 'message'
  return `{"__type":"${code}","${name}":${JSON.stringify(publicMessage)}}`
}

const COMMON_STATUS: ReadonlyMap<string, number> = new Map([
  ['InternalFailure', 500],
  ['RequestEntityTooLargeException', 413],
  ['ServiceUnavailableException', 503],
])

const MODELLED_STATUS: ReadonlyMap<string, number> = new Map(
  Object.entries(MODELLED_ERRORS).map(([code, { httpStatus }]) => [code, httpStatus]),
)

/** The HTTP status of an error reply. Source: AWS KMS API Reference, Common Errors and each operation. */
export const httpStatusOf = (code: ErrorCode): number =>
  MODELLED_STATUS.get(code) ?? COMMON_STATUS.get(code) ?? 400

/**
 * The headers that every reply has, names and values in turn. `x-amzn-RequestId` is each reply's own;
 * `Date`, `Content-Length` and `Connection` are the transport's. Frozen: it is formatted once.
 * Source: exchanges recorded with AWS KMS.
 */
export const AWS_JSON_HEADERS: readonly string[] = Object.freeze([
  'Cache-Control',
  'no-cache, no-store, must-revalidate, private',
  'Expires',
  '0',
  'Pragma',
  'no-cache',
  'Content-Type',
  'application/x-amz-json-1.1',
])
