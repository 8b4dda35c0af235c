import { ServiceError } from '../core/errors.ts'
import type { Codec } from '../pipeline/codec.ts'
import {
  type QueryService,
  queryErrorReply,
  queryReply,
  readQueryCall,
  unknownAction,
} from '../protocol/query.ts'
import type { XmlValue } from '../protocol/xml.ts'

/** The Query protocol for one service. Inputs are texts: the codec takes the members that the model names. */
export function createQueryCodec(service: QueryService): Codec {
  return {
    read: (request) => readQueryCall(request, service),
    decode(model, wire) {
      // `read` gives a null-prototype object of texts, lists and objects.
      const parameters = wire as Readonly<Record<string, unknown>>
      const input: Record<string, unknown> = {}
      for (const [name, shape] of model.input.members) {
        const value = parameters[name]
        if (value === undefined) continue
        if (shape.type !== 'string' || typeof value !== 'string') {
          throw new ServiceError('SerializationException', `${name} has the wrong form`)
        }
        input[name] = value
      }
      return input
    },
    reply: (model, output, requestId) =>
      queryReply({
        service,
        operation: model.name,
        // Outputs of Query services are made of texts, numbers, lists and structures.
        output: output as { readonly [name: string]: XmlValue } | undefined,
        requestId,
      }),
    errorReply: (error, requestId) => queryErrorReply({ service, error, requestId }),
    unknownOperation: (operation) => unknownAction(operation, service.version),
  }
}
