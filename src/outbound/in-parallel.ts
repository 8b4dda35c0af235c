/** Does all jobs, so many at a time. Settles when all have; @throws the first failure then. */
export async function inParallel(
  jobs: readonly (() => Promise<void>)[],
  atOnce: number,
): Promise<void> {
  const failures: unknown[] = []
  const rest = jobs.values()
  const worker = async (): Promise<void> => {
    for (const job of rest) await job().catch((error: unknown) => void failures.push(error))
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
