import type { SigningAlgorithm } from '../../../core/key-specs.ts'
import type { SignedMessage } from '../../../core/key-store.ts'
import type { Secret } from '../../../core/secret.ts'
import { SIGNING_ALGORITHMS } from '../../../crypto/asymmetric/signing-algorithms.ts'
import type { JsonObject } from '../../../pipeline/operation.ts'
import { wrongDigestLength, wrongMessageType } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { MessageType } from '../model.ts'
import { assertAlgorithm } from './key-algorithms.ts'

/** The members of Sign and Verify that say what is signed, and how. */
export interface SigningRequest {
  readonly KeyId: string
  readonly Message: Secret
  readonly MessageType?: MessageType | undefined
  readonly SigningAlgorithm: SigningAlgorithm
}

const messageTypeOf = ({ MessageType }: SigningRequest): MessageType => MessageType ?? 'RAW'

/**
 * To be asked after the usage: the algorithm, the kind of message, its length.
 * @throws ServiceError InvalidKeyUsageException, ValidationException
 */
export function assertSignedMessage(input: SigningRequest, { key }: ResolvedKey): void {
  const { SigningAlgorithm: algorithm, Message: message } = input
  assertAlgorithm('signingAlgorithms', algorithm, key)
  const messageType = messageTypeOf(input)
  const { messageBytes } = SIGNING_ALGORITHMS[algorithm]
  if (!messageBytes.has(messageType)) throw wrongMessageType(messageType, algorithm)
  const exactBytes = messageBytes.get(messageType)
  if (exactBytes !== undefined && message.sizeBytes !== exactBytes) {
    throw wrongDigestLength(algorithm)
  }
}

/** What the key store signs or verifies. */
export const signedMessageOf = (input: SigningRequest): SignedMessage => ({
  algorithm: input.SigningAlgorithm,
  messageType: messageTypeOf(input),
  message: input.Message,
})

/** What both operations record of their request: never the message, nor its digest. */
export const signingParameters = (input: SigningRequest): JsonObject => ({
  keyId: input.KeyId,
  messageType: messageTypeOf(input),
  signingAlgorithm: input.SigningAlgorithm,
})
