import type { Key } from '../../../core/key.ts'
import { type KeySpecRow, keySpecRow } from '../../../core/key-specs.ts'
import { wrongAlgorithm } from '../keys/key-errors.ts'

/** The lists of algorithms that the table of key specs has. */
type AlgorithmList = Extract<keyof KeySpecRow, `${string}Algorithms`>

/** Whether the key's spec has the algorithm, whatever the key is used for. */
export function offersAlgorithm(
  list: AlgorithmList,
  algorithm: string,
  { spec }: Pick<Key, 'spec'>,
): boolean {
  const offered: readonly string[] | undefined = keySpecRow(spec)[list]
  return offered?.includes(algorithm) === true
}

/** To be asked after the usage. @throws ServiceError InvalidKeyUsageException unless the key's spec has the algorithm */
export function assertAlgorithm(
  list: AlgorithmList,
  algorithm: string,
  key: Pick<Key, 'spec'>,
): void {
  if (!offersAlgorithm(list, algorithm, key)) throw wrongAlgorithm(algorithm, key.spec)
}
