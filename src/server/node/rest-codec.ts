import { MODELLED_ERRORS } from '../../core/error-codes.ts'
import { ServiceError } from '../../core/errors.ts'
import type { RestServiceModel } from '../../core/model.ts'
import type { Codec, PublicError } from '../../pipeline/codec.ts'
import { decodeRestInput } from '../../protocol/rest-decode.ts'
import { type RestInput, RestRoutes, type RestRules } from '../../protocol/rest-routes.ts'
import { restErrorReply, restReply } from '../../protocol/rest-xml.ts'

/** What a service calls a failure. */
export interface RestError {
  readonly code: string
  readonly httpStatus: number
  readonly message: string | undefined
}

const MODELLED: ReadonlyMap<string, { readonly httpStatus: number }> = new Map(
  Object.entries(MODELLED_ERRORS),
)

/** Of an exception of the service's own model, which keeps its name. */
export const modelledRestError = ({ code, publicMessage }: PublicError): RestError => ({
  code,
  httpStatus: MODELLED.get(code)?.httpStatus ?? 400,
  message: publicMessage,
})

/** REST with XML bodies, for one service. @param errorOf the service's names for failures */
export function createRestCodec(
  model: RestServiceModel,
  rules: RestRules,
  errorOf: (error: PublicError) => RestError,
): Codec {
  const routes = new RestRoutes(model.operations.values(), rules)
  const { xmlNamespace } = model
  return {
    read: (request) => routes.find(request),
    // `read` gives path, query and headers.
    decode: (operation, wire) => decodeRestInput(operation, wire as RestInput),
    reply: (operation, output, requestId) =>
      restReply({ model: operation, output, xmlNamespace, headers: headersOf(requestId) }),
    errorReply: (error, requestId) =>
      restErrorReply({ ...errorOf(error), requestId, headers: headersOf(requestId) }),
    unknownOperation: () => new ServiceError('NotImplemented'),
  }
}

const headersOf = (requestId: string): string[] => ['x-amz-request-id', requestId]
