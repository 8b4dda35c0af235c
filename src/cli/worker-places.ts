import { UsageError } from './failures.ts'

/**
 * Where a worker puts its files, whose names would be those of the others' files: the first worker where
 * it was said, the others beside it. Places that take what several send stay as they are.
 */
export function placeOfWorker(place: string, worker = 1): string {
  if (worker === 1) return place
  const plain = place.replace(/\/+$/, '')
  if (/^s3:\/\/[^/]+$/.test(plain)) return `${plain}/worker-${worker}`
  return /^(?:dir:|file:|s3:\/\/)/.test(plain) ? `${plain}-worker-${worker}` : place
}

/** @throws {UsageError} for what would make workers write over each other's files */
export function assertPlacesForWorkers(shipTo: readonly string[]): void {
  if (!shipTo.some((place) => place.startsWith('s3://*'))) return
  throw new UsageError('--ship-to s3://* is not possible with --workers', {
    hint: "name a bucket, s3://BUCKET/PREFIX: the second worker's files go to s3://BUCKET/PREFIX-worker-2",
  })
}
