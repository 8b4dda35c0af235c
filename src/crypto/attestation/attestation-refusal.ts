/**
 * Why an attestation document is refused, in words that go on after "The attestation document is not
 * valid: ". Thrown inside this folder only; the verifier turns it into its outcome.
 */
export class AttestationRefusal extends Error {
  override readonly name = 'AttestationRefusal'
}

/** @throws {AttestationRefusal} when what a valid document has is not there. */
export function demand(condition: unknown, problem: string): asserts condition {
  if (!condition) throw new AttestationRefusal(problem)
}
