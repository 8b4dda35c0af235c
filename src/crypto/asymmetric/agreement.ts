import { diffieHellman } from 'node:crypto'
import { Secret } from '../../core/secret.ts'
import type { AsymmetricEngine } from './engine.ts'
import { curveOf } from './key-algorithms.ts'
import type { OpenKeyPair, OpenPublicKey } from './key-pair.ts'

/**
 * The x coordinate of the shared point: 32, 48 or 66 bytes, owned by the caller. `peer` came from
 * `parsePublicKey` with the spec of `key`, which has refused other curves and points off the curve.
 * Undefined when there is no shared point.
 * **Source:** NIST SP 800-56A revision 3, section 5.7.1.2; AWS KMS API Reference, DeriveSharedSecret.
 */
export async function deriveSharedSecret(
  { gate, readyMade }: AsymmetricEngine,
  key: OpenKeyPair,
  peer: OpenPublicKey,
): Promise<Secret | undefined> {
  const algorithm = curveOf(key.spec)
  if (peer.spec !== key.spec) return undefined
  if (algorithm.family === 'sm2') {
    const shared = await readyMade.sm2Agree(key.privateKey, peer.publicKey)
    return shared && new Secret(shared)
  }
  const keys = { privateKey: key.privateKey, publicKey: peer.publicKey }
  if (!algorithm.offThread) {
    try {
      return new Secret(diffieHellman(keys))
    } catch {
      return undefined
    }
  }
  return gate.run(() => {
    const { promise, resolve } = Promise.withResolvers<Secret | undefined>()
    diffieHellman(keys, (error, shared) => {
      resolve(error === null ? new Secret(shared) : undefined)
    })
    return promise
  })
}
