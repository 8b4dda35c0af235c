import type { QueryFacts } from '../../core/model.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { FormValue } from '../../protocol/form.ts'
import { queryErrorReply, queryReply, readQueryCall, unknownAction } from '../../protocol/query.ts'
import { decodeQueryInput } from '../../protocol/query-decode.ts'
import { encodeQueryOutput } from '../../protocol/query-encode.ts'

/** The Query protocol for one service. */
export function createQueryCodec(service: QueryFacts): Codec {
  return {
    read: (request) => readQueryCall(request, service),
    decode: (model, wire) =>
      // `read` gives a null-prototype object of texts, lists and objects.
      decodeQueryInput(model.input, wire as Readonly<Record<string, FormValue>>),
    reply: (model, output, requestId) =>
      queryReply({
        service,
        operation: model.name,
        output: model.output && encodeQueryOutput(model.output, output ?? {}),
        requestId,
      }),
    errorReply: (error, requestId) => queryErrorReply({ service, error, requestId }),
    unknownOperation: (operation) => unknownAction(operation, service.version),
  }
}
