import { DAY_MS, plusMs } from '../../../core/ids.ts'
import type { WrappingAlgorithm } from '../../../core/key-import.ts'
import { partitionOf } from '../../../core/regions.ts'
import { Secret } from '../../../core/secret.ts'
import {
  isWrappingAllowed,
  WRAPPING_ALGORITHMS,
} from '../../../crypto/asymmetric/import-wrapping.ts'
import type { Call } from '../../../pipeline/call.ts'
import { wrongOrigin } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { FOR_IMPORT_PARAMETERS } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { wrappingNotSupported } from '../material/material-errors.ts'
import type { AlgorithmSpec, GetParametersForImportRequest } from '../model.ts'

/** Source: AWS KMS API Reference, GetParametersForImport, ParametersValidTo. Unit: milliseconds. */
const VALID_MS = DAY_MS

/** The enumeration still has RSAES_PKCS1_V1_5, which AWS refuses since October 2023. */
const isOffered = (algorithm: AlgorithmSpec): algorithm is WrappingAlgorithm =>
  Object.hasOwn(WRAPPING_ALGORITHMS, algorithm)

/** In China alone there is SM2, and no RSA_AES_KEY_WRAP. */
function isInPartition(algorithm: WrappingAlgorithm, { region }: Call): boolean {
  const isChina = partitionOf(region) === 'aws-cn'
  if (algorithm === 'SM2PKE') return isChina
  return !(isChina && WRAPPING_ALGORITHMS[algorithm].isHybrid)
}

/** @throws ServiceError UnsupportedOperationException for a wrapping that this key's material cannot come in */
function wrappingOf(
  { WrappingAlgorithm: algorithm, WrappingKeySpec: keySpec }: GetParametersForImportRequest,
  { key }: ResolvedKey,
  call: Call,
): WrappingAlgorithm {
  const isFit =
    isOffered(algorithm) &&
    isInPartition(algorithm, call) &&
    isWrappingAllowed(key.spec, keySpec, algorithm)
  if (!isFit) throw wrappingNotSupported(`${algorithm} with ${keySpec}`, key.spec)
  return algorithm
}

/**
 * A public key to wrap key material under, and the token that goes with it; both good for a day. Earlier
 * ones stay good.
 * Source: AWS KMS API Reference, GetParametersForImport.
 */
export const getParametersForImport = defineKeyOperation({
  name: 'GetParametersForImport',
  effect: 'read',
  key: { accepts: 'idOrArn', states: FOR_IMPORT_PARAMETERS },
  admit(input, target, call) {
    const { key, arn } = target
    if (key.origin !== 'EXTERNAL') throw wrongOrigin(arn, key.origin)
    wrappingOf(input, target, call)
  },

  async handle(input, target, { keystore, importTokens, call }) {
    const wrappingAlgorithm = wrappingOf(input, target, call)
    const wrappingKeySpec = input.WrappingKeySpec
    const { wrappingKey, publicKey } = await keystore.createWrappingKey(wrappingKeySpec)
    using _ = wrappingKey
    const validTo = plusMs(call.time, VALID_MS)
    const token = { wrappingKeySpec, wrappingAlgorithm, wrappingKey, validTo }
    return {
      KeyId: target.arn,
      ImportToken: importTokens.seal(target.key, token),
      // The model calls it sensitive, as it does every plaintext.
      PublicKey: new Secret(publicKey),
      ParametersValidTo: validTo,
    }
  },

  audit: (input) => ({
    requestParameters: {
      keyId: input.KeyId,
      wrappingAlgorithm: input.WrappingAlgorithm,
      wrappingKeySpec: input.WrappingKeySpec,
    },
  }),
})
