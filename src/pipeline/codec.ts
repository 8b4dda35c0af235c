import type { ErrorCode, ServiceError } from '../core/errors.ts'
import type { OperationModel } from '../core/model.ts'
import type { HttpReply, HttpRequest } from '../core/transport.ts'

/** A request whose syntax is understood: which operation it names, and its input as the wire has it. */
export interface WireCall {
  readonly operation: string
  readonly input: unknown
}

/** What a client reads of a failure. */
export interface PublicError {
  readonly code: ErrorCode
  readonly publicMessage: string | undefined
}

/** One wire protocol: bytes to typed calls and back. Implemented over `protocol/`, wired in `server/`. */
export interface Codec {
  /** @throws ServiceError SerializationException, UnknownOperationException */
  read(request: HttpRequest): WireCall
  /** Wire input to typed input. @throws ServiceError SerializationException */
  decode(model: OperationModel, wire: unknown): Record<string, unknown>
  reply(model: OperationModel, output: object | undefined, requestId: string): HttpReply
  errorReply(error: PublicError, requestId: string): HttpReply
  /** What the protocol says of an operation that the service does not have. */
  unknownOperation(operation: string): ServiceError
}
