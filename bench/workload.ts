import { randomBytes } from 'node:crypto'

/** What the requests of a run are about; made once against the running server. */
export interface Subjects {
  readonly keyArns: readonly string[]
  readonly ciphertexts: readonly string[]
}

const PLAINTEXT_BYTES = 512
const RANDOM_POOL_BYTES = 1 << 20

/** Three entries, as applications use them: service, tenant, object. */
function encryptionContext(index: number): Readonly<Record<string, string>> {
  return {
    'app:service': 'payments',
    'app:tenant': `tenant-${index % 100}`,
    'app:object': 'ledger/2026/11/22',
  }
}

const pool = randomBytes(RANDOM_POOL_BYTES)

function plaintext(index: number): string {
  // A stride that is no divisor of the pool's size: neighbours share no bytes.
  const start = (index * 769) % (RANDOM_POOL_BYTES - PLAINTEXT_BYTES)
  return pool.toString('base64', start, start + PLAINTEXT_BYTES)
}

const pick = (list: readonly string[], index: number): string => list[index % list.length] ?? ''

/**
 * The input of the request with this number, by operation. No two are alike, DescribeKey and
 * ListKeys apart, which have little to vary; their signatures differ through the invocation id.
 */
export const WORKLOADS: Readonly<Record<string, (index: number, subjects: Subjects) => object>> = {
  Encrypt: (index, { keyArns }) => ({
    KeyId: pick(keyArns, index),
    Plaintext: plaintext(index),
    EncryptionContext: encryptionContext(index),
  }),
  Decrypt: (index, { ciphertexts }) => ({
    CiphertextBlob: pick(ciphertexts, index),
    EncryptionContext: encryptionContext(index % ciphertexts.length),
  }),
  GenerateDataKey: (index, { keyArns }) => ({
    KeyId: pick(keyArns, index),
    KeySpec: 'AES_256',
    EncryptionContext: { ...encryptionContext(index), 'app:request': String(index) },
  }),
  DescribeKey: (index, { keyArns }) => ({ KeyId: pick(keyArns, index) }),
  ListKeys: () => ({ Limit: 100 }),
  CreateKey: (index) => ({ Description: `bench ${index} ${plaintext(index).slice(0, 32)}` }),
}
