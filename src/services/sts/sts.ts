import type { Codec } from '../../pipeline/codec.ts'
import type { AnyOperation } from '../../pipeline/operation.ts'
import type { Service } from '../../pipeline/service.ts'
import { STS_MODEL } from './model.ts'
import { getCallerIdentity } from './operations/get-caller-identity.ts'

const STS_OPERATIONS: Readonly<Record<string, AnyOperation>> = {
  GetCallerIdentity: getCallerIdentity,
}

/** The Security Token Service: so far, who is calling. */
export const createSts = (codec: Codec): Service => ({
  name: STS_MODEL.service,
  eventSource: 'sts.amazonaws.com',
  codec,
  operations: new Map(Object.entries(STS_OPERATIONS)),
  internalError: 'InternalFailure',
  openScope: (scope) => scope,
})
