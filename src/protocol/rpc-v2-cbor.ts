import { ServiceError } from '../core/errors.ts'
import type { StructureShape } from '../core/model.ts'
import type { HttpReply, HttpRequest } from '../core/transport.ts'
import { httpStatusOf, type WireError } from './aws-json.ts'
import { readCbor } from './cbor-read.ts'
import { writeCborStructure, writeCborTexts } from './cbor-write.ts'

/**
 * The protocol that newer clients of some services speak: a POST to the path of the operation, CBOR in and out.
 *
 * **Source:** Smithy 2.0, RPC v2 CBOR.
 */

const PROTOCOL = 'rpc-v2-cbor'
const PATH = /^\/service\/([A-Za-z0-9_.#]+)\/operation\/([A-Za-z0-9_]+)$/

/** Whether a request is in this protocol: it says so itself. */
export const isRpcV2Cbor = ({ headers }: HttpRequest): boolean =>
  headers['smithy-protocol'] === PROTOCOL

/**
 * The operation that a request names, and its input as JSON of the same meaning would be.
 * @throws {ServiceError} UnknownOperationException, SerializationException
 */
export function readRpcV2Cbor(
  { method, target, body, headers }: HttpRequest,
  serviceName: string,
): { readonly operation: string; readonly input: unknown } {
  const [, service, operation] = PATH.exec(target) ?? []
  if (method !== 'POST' || service !== serviceName || operation === undefined) {
    throw new ServiceError('UnknownOperationException')
  }
  // An operation without input may have no body.
  if (body.length === 0) return { operation, input: {} }
  if (headers['content-type'] !== 'application/cbor') {
    throw new ServiceError('SerializationException', 'Content-Type must be application/cbor')
  }
  return { operation, input: readCbor(body) }
}

const reply = (
  status: number,
  body: Uint8Array,
  requestId: string,
  more: readonly string[],
): HttpReply => ({
  status,
  headers: [
    'smithy-protocol',
    PROTOCOL,
    'Content-Type',
    'application/cbor',
    'x-amzn-RequestId',
    requestId,
    ...more,
  ],
  body,
})

export const rpcV2CborReply = (
  shape: StructureShape | undefined,
  output: object | undefined,
  requestId: string,
): HttpReply =>
  reply(
    200,
    shape === undefined ? writeCborTexts({}) : writeCborStructure(shape, output ?? {}),
    requestId,
    [],
  )

/**
 * @param type the error's name with its namespace: `com.amazonaws.cloudwatch#InvalidNextToken`
 * @param more further headers, names and values in turn
 */
export const rpcV2CborErrorReply = (
  { code, publicMessage }: WireError,
  {
    type,
    requestId,
    more = [],
  }: { readonly type: string; readonly requestId: string; readonly more?: readonly string[] },
): HttpReply =>
  reply(
    httpStatusOf(code),
    writeCborTexts({
      __type: type,
      ...(publicMessage !== undefined && { message: publicMessage }),
    }),
    requestId,
    more,
  )
