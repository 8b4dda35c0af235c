import { COMMON_ERROR_CODES, type ErrorCode, ServiceError } from '../../core/errors.ts'
import type { QueryServiceModel } from '../../core/model.ts'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import type { Codec, PublicError } from '../../pipeline/codec.ts'
import { createAwsJsonCodec, httpStatusOf } from '../../protocol/aws-json.ts'
import { parseJsonText } from '../../protocol/json-text.ts'
import { queryErrorOf } from '../../protocol/query-errors.ts'
import {
  isRpcV2Cbor,
  readRpcV2Cbor,
  rpcV2CborErrorReply,
  rpcV2CborReply,
} from '../../protocol/rpc-v2-cbor.ts'
import { createQueryCodec } from './query-codec.ts'

const unknownOperation = (): ServiceError => new ServiceError('UnknownOperationException')
const COMMON: ReadonlySet<string> = new Set(COMMON_ERROR_CODES)

/** The codecs of a service that began with the Query protocol and learned others. */
export interface QueryCompatibleCodecs {
  readonly cbor: Codec
  /** AWS JSON 1.0 */
  readonly json: Codec
  readonly query: Codec
}

/** Which of the protocols a request is in. */
export function protocolOf(request: HttpRequest): keyof QueryCompatibleCodecs {
  if (isRpcV2Cbor(request)) return 'cbor'
  return request.headers['x-amz-target'] === undefined ? 'query' : 'json'
}

/**
 * Smithy's RPC v2 CBOR, AWS JSON 1.0 and the Query protocol over one model. Clients of the first two learn
 * from a header what an error is called in the third, which is what programs were written against.
 * @param namespace of the service's own errors: `com.amazonaws.cloudwatch`
 */
export function createQueryCompatibleCodecs(
  model: QueryServiceModel,
  namespace: string,
): QueryCompatibleCodecs {
  const json = createAwsJsonCodec()
  const typeOf = (code: ErrorCode): string =>
    `${COMMON.has(code) ? 'com.amazon.coral.service' : namespace}#${code}`
  const cbor: Codec = {
    read: (request) => readRpcV2Cbor(request, model.targetPrefix),
    // CBOR is read into what JSON would be.
    decode: ({ input }, wire) => json.decodeInput(input, wire),
    reply: ({ output: shape }, output, requestId) => rpcV2CborReply(shape, output, requestId),
    errorReply: (error, requestId) =>
      rpcV2CborErrorReply(error, { type: typeOf(error.code), requestId, more: queryError(error) }),
    unknownOperation,
  }
  const json10: Codec = {
    read(request) {
      const target = request.headers['x-amz-target'] ?? ''
      if (request.method !== 'POST' || !target.startsWith(`${model.targetPrefix}.`)) {
        throw unknownOperation()
      }
      const operation = target.slice(model.targetPrefix.length + 1)
      return { operation, input: parseJsonText(request.body) }
    },
    decode: ({ input }, wire) => json.decodeInput(input, wire),
    reply: ({ output: shape }, output, requestId) =>
      jsonReply(
        200,
        shape === undefined ? '{}' : json.encodeOutput(shape, output ?? {}),
        requestId,
      ),
    errorReply(error, requestId) {
      const { code, publicMessage } = error
      const body = JSON.stringify({ __type: typeOf(code), message: publicMessage })
      return jsonReply(httpStatusOf(code), body, requestId, queryError(error))
    },
    unknownOperation,
  }
  return { cbor, json: json10, query: createQueryCodec(model.query) }
}

/** Source: Smithy 2.0, awsQueryCompatible trait. */
function queryError({ code: name }: PublicError): readonly string[] {
  const { code, type } = queryErrorOf(name)
  return ['x-amzn-query-error', `${code};${type}`]
}

const jsonReply = (
  status: number,
  body: string,
  requestId: string,
  more: readonly string[] = [],
): HttpReply => ({
  status,
  headers: ['Content-Type', 'application/x-amz-json-1.0', 'x-amzn-RequestId', requestId, ...more],
  body,
})
