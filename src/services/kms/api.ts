import { assert } from '../../core/assert.ts'
import type { CallOrigin, InProcessCall } from '../../pipeline/pipeline.ts'
import type { Service } from '../../pipeline/service.ts'
import type { Inputs, OperationName, Outputs } from './model.ts'

/** What other services may ask of KMS: every operation, with an origin from `pipeline/service-callers.ts`. */
export interface KmsApi {
  /**
   * Runs an operation as any other call, and settles once it is on the record. Never inside a
   * transaction: an operation that changes something has its own. Rejects with `ServiceError`; the
   * caller owns the secrets in the input and in the output.
   */
  call<Name extends OperationName>(
    origin: CallOrigin,
    operation: Name,
    input: Inputs[Name],
  ): Promise<Outputs[Name]>
}

/** KMS for the other services of this process. */
export const createKmsApi = (
  service: Service,
  run: (call: InProcessCall) => Promise<object | undefined>,
): KmsApi => ({
  async call(origin, operation, input) {
    assert(typeof input === 'object', 'the input of an operation is a structure')
    // Inputs of KMS are structures of the service model, and the pipeline checks this one's shape.
    const members: Record<string, unknown> = { ...input }
    const output = await run({ service, operation, input: members, origin })
    // The operation's own output: the registry binds both to its name.
    return output as Outputs[typeof operation]
  },
})
