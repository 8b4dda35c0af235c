import assert from 'node:assert/strict'
import { assert as invariant } from '../../src/core/assert.ts'
import { instant } from '../../src/core/ids.ts'
import { ThreadPoolGate } from '../../src/crypto/asymmetric/thread-pool-gate.ts'
import { parseAttestationRoots } from '../../src/crypto/attestation/attestation-roots.ts'
import {
  type AttestationVerifier,
  createAttestationVerifier,
  type VerifiedAttestation,
} from '../../src/crypto/attestation/attestation-verifier.ts'

/** The moment at which documents of tests are verified. */
export const NOW = instant(Date.UTC(2026, 0, 15, 10))
export const gate = new ThreadPoolGate({ concurrent: 2, waiting: 10_000 })

/** A verifier that trusts roots in PEM. */
export function trusting(rootPem: string): AttestationVerifier {
  const roots = parseAttestationRoots(rootPem)
  invariant(roots !== undefined, 'the root of a test is one')
  return createAttestationVerifier({ roots, gate })
}

/** Asserts that a document is accepted, and gives what it says. */
export async function accepted(
  verifier: AttestationVerifier,
  document: Uint8Array,
): Promise<VerifiedAttestation> {
  const outcome = await verifier.verify(document, NOW)
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.problem)
  return outcome
}

/** Asserts that a document is refused, and why. */
export async function refused(
  verifier: AttestationVerifier,
  document: Uint8Array,
  problem: string,
): Promise<void> {
  const outcome = await verifier.verify(document, NOW)
  assert.ok(!outcome.ok, `accepted although: ${problem}`)
  assert.equal(outcome.problem, problem)
}
