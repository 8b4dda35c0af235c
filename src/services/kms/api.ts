import type { Place } from '../../core/arn.ts'
import { assert } from '../../core/assert.ts'
import type { KeyId, Region } from '../../core/ids.ts'
import type { CallOrigin, InProcessCall } from '../../pipeline/pipeline.ts'
import type { Service } from '../../pipeline/service.ts'
import type { ServiceKeys } from './keys/service-keys.ts'
import { USES_OF_KEYS } from './keys/uses-of-keys.ts'
import type { Inputs, OperationName, Outputs } from './model.ts'

/** Whether an operation uses a key, rather than manages one. */
export const isUseOfKey = (operation: string): boolean => USES_OF_KEYS.has(operation)

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
  /**
   * The id of a service's AWS managed key in an account and Region, made on first use; durable once
   * resolved. To be used on behalf of a caller of that account: `onBehalfOf`.
   * @param service behind `alias/aws/`: `ssm`
   */
  ensureAwsManagedKey(service: string, place: Place): Promise<KeyId>
  /** The id of a key that is the service's own and that no customer sees, made on first use. To be used with `asKeyOwner`. */
  ensureAwsOwnedKey(service: string, region: Region): Promise<KeyId>
}

interface KmsApiParts {
  readonly service: Service
  readonly serviceKeys: ServiceKeys
  readonly run: (call: InProcessCall) => Promise<object | undefined>
}

/** KMS for the other services of this process. */
export const createKmsApi = ({ service, serviceKeys, run }: KmsApiParts): KmsApi => ({
  async call(origin, operation, input) {
    assert(typeof input === 'object', 'the input of an operation is a structure')
    // Inputs of KMS are structures of the service model, and the pipeline checks this one's shape.
    const members: Record<string, unknown> = { ...input }
    const output = await run({ service, operation, input: members, origin })
    // The operation's own output: the registry binds both to its name.
    return output as Outputs[typeof operation]
  },
  ensureAwsManagedKey: (name, place) => serviceKeys.ensureManaged(name, place),
  ensureAwsOwnedKey: (name, region) => serviceKeys.ensureOwned(name, region),
})
