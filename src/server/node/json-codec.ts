import { ServiceError } from '../../core/errors.ts'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import type { Codec } from '../../pipeline/codec.ts'
import {
  AWS_JSON_HEADERS,
  createAwsJsonCodec,
  encodeError,
  httpStatusOf,
} from '../../protocol/aws-json.ts'
import { parseJsonText } from '../../protocol/json-text.ts'

/** The operation that `X-Amz-Target` names behind one of a service's prefixes. @throws ServiceError UnknownOperationException */
function targetOperation(request: HttpRequest, prefixes: readonly string[]): string {
  const target = request.headers['x-amz-target'] ?? ''
  for (const prefix of prefixes) {
    if (target.startsWith(`${prefix}.`)) return target.slice(prefix.length + 1)
  }
  throw new ServiceError('UnknownOperationException')
}

const reply = (status: number, body: string, requestId: string): HttpReply => ({
  status,
  headers: AWS_JSON_HEADERS,
  ownHeaders: ['x-amzn-RequestId', requestId],
  body,
})

/** AWS JSON 1.1 for one service, told by its target prefixes. */
export function createJsonCodec(...targetPrefixes: readonly string[]): Codec {
  const codec = createAwsJsonCodec()
  return {
    read(request) {
      if (request.method !== 'POST') throw new ServiceError('UnknownOperationException')
      const input = parseJsonText(request.body)
      return { operation: targetOperation(request, targetPrefixes), input }
    },
    decode: (model, wire) => codec.decodeInput(model.input, wire),
    reply(model, output, requestId) {
      const isEmpty = model.output === undefined || output === undefined
      return reply(200, isEmpty ? '' : codec.encodeOutput(model.output, output), requestId)
    },
    errorReply: (error, requestId) =>
      reply(httpStatusOf(error.code), encodeError(error), requestId),
    unknownOperation: () => new ServiceError('UnknownOperationException'),
  }
}
