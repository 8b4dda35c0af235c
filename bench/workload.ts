import { hash, randomBytes } from 'node:crypto'

/** What the requests of a run are about; made once against the running server. */
export interface Subjects {
  readonly keyArns: readonly string[]
  readonly ciphertexts: readonly string[]
  /** Where each page of 100 keys but the first starts, in all of the account's. */
  readonly pageMarkers: readonly string[]
  readonly macKeyArn: string
  readonly p256KeyArn: string
  readonly rsa2048KeyArn: string
  readonly rsa4096KeyArn: string
}

export const KEYS_PER_PAGE = 100

const PLAINTEXT_BYTES = 512
/** Of base64: 192 bytes, about a token's signing input. */
const MESSAGE_DIGITS = 256
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

const message = (index: number): string => plaintext(index).slice(0, MESSAGE_DIGITS)
const digest = (index: number): string => hash('sha256', plaintext(index), 'base64')

/** The input of a Sign request. */
const signing =
  (
    keyOf: (subjects: Subjects) => string,
    SigningAlgorithm: string,
    MessageType: 'RAW' | 'DIGEST',
  ) =>
  (index: number, subjects: Subjects): object => ({
    KeyId: keyOf(subjects),
    Message: MessageType === 'RAW' ? message(index) : digest(index),
    MessageType,
    SigningAlgorithm,
  })

/** One row of the table: an operation of KMS, and the input of the request with this number. */
export interface Workload {
  readonly operation: string
  readonly input: (index: number, subjects: Subjects) => object
  /** Asked of a second server, which speaks TLS. */
  readonly isTls?: true
}

const ENCRYPT: Workload = {
  operation: 'Encrypt',
  input: (index, { keyArns }) => ({
    KeyId: pick(keyArns, index),
    Plaintext: plaintext(index),
    EncryptionContext: encryptionContext(index),
  }),
}

/**
 * By the name of the row. No two requests of a row are alike, DescribeKey's and ListKeys' apart, which have
 * little to vary; their signatures differ through the invocation id.
 */
export const WORKLOADS: Readonly<Record<string, Workload>> = {
  Encrypt: ENCRYPT,
  'Encrypt-TLS': { ...ENCRYPT, isTls: true },
  Decrypt: {
    operation: 'Decrypt',
    input: (index, { ciphertexts }) => ({
      CiphertextBlob: pick(ciphertexts, index),
      EncryptionContext: encryptionContext(index % ciphertexts.length),
    }),
  },
  GenerateDataKey: {
    operation: 'GenerateDataKey',
    input: (index, { keyArns }) => ({
      KeyId: pick(keyArns, index),
      KeySpec: 'AES_256',
      EncryptionContext: { ...encryptionContext(index), 'app:request': String(index) },
    }),
  },
  GenerateMac: {
    operation: 'GenerateMac',
    input: (index, { macKeyArn }) => ({
      KeyId: macKeyArn,
      Message: message(index),
      MacAlgorithm: 'HMAC_SHA_256',
    }),
  },
  'Sign-P256': {
    operation: 'Sign',
    input: signing(({ p256KeyArn }) => p256KeyArn, 'ECDSA_SHA_256', 'RAW'),
  },
  'Sign-P256-digest': {
    operation: 'Sign',
    input: signing(({ p256KeyArn }) => p256KeyArn, 'ECDSA_SHA_256', 'DIGEST'),
  },
  'Sign-RSA2048': {
    operation: 'Sign',
    input: signing(({ rsa2048KeyArn }) => rsa2048KeyArn, 'RSASSA_PSS_SHA_256', 'RAW'),
  },
  DescribeKey: {
    operation: 'DescribeKey',
    input: (index, { keyArns }) => ({ KeyId: pick(keyArns, index) }),
  },
  ListKeys: { operation: 'ListKeys', input: () => ({ Limit: KEYS_PER_PAGE }) },
  'ListKeys-any': {
    operation: 'ListKeys',
    // The stride goes through all pages, neighbours far apart.
    input: (index, { pageMarkers }) => ({
      Limit: KEYS_PER_PAGE,
      Marker: pick(pageMarkers, index * 383),
    }),
  },
  CreateKey: {
    operation: 'CreateKey',
    input: (index) => ({ Description: `bench ${index} ${plaintext(index).slice(0, 32)}` }),
  },
}

/** Rows that are measured only when they are named. */
export const EXTRA_WORKLOADS: Readonly<Record<string, Workload>> = {
  'Sign-RSA4096': {
    operation: 'Sign',
    input: signing(({ rsa4096KeyArn }) => rsa4096KeyArn, 'RSASSA_PKCS1_V1_5_SHA_256', 'RAW'),
  },
}

/** @throws {Error} when no row has the name. */
export function workloadOf(name: string): Workload {
  const workload = WORKLOADS[name] ?? EXTRA_WORKLOADS[name]
  if (workload === undefined) throw new Error(`there is no row ${name}`)
  return workload
}
