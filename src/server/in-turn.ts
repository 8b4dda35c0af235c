/**
 * Does jobs one after the other. One that fails does not keep the others from being done, now or in any
 * later round. @throws the first failure, when all are through
 */
export async function inTurn(jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const job of jobs) {
    await job().catch((error: unknown) => void failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
}
