/**
 * What Decrypt costs in the key store under the newest and the oldest of a key's generations, and under
 * the only one of a key that was never rotated. Run it with `node bench/rotated-key.ts [generations,
 * 1,000 if left out]`; it takes a few seconds and leaves nothing behind.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountId, instant, type KeyId, type Region } from '../src/core/ids.ts'
import type { BackingKey, Key } from '../src/core/key.ts'
import type { KeyStore } from '../src/core/key-store.ts'
import type { RecordStore } from '../src/core/records.ts'
import { Secret } from '../src/core/secret.ts'
import { BACKING_KEYS, TABLES } from '../src/core/tables.ts'
import { parseCiphertext } from '../src/crypto/ciphertext.ts'
import { createCustody } from '../src/crypto/custody.ts'
import { createRandom } from '../src/crypto/random.ts'
import { memorySeal } from '../src/crypto/seal-memory.ts'
import { SoftwareKeyStore } from '../src/keystore/software/software-key-store.ts'
import { createAsymmetricEngine } from '../src/server/node/asymmetric-engine.ts'
import { openEmbeddedStore } from '../src/storage/embedded/embedded-store.ts'
import { createRecordStore } from '../src/storage/record-store.ts'

const GENERATIONS = Number(process.argv[2] ?? 1000)
const ROUNDS = 15
const CALLS_PER_ROUND = 4000

const random = createRandom()
const clock = { now: () => instant(Date.now()) }

// The casts stand for the parsers of these ids: the texts have their forms.
const ACCOUNT = '111122223333' as AccountId
const REGION = 'eu-central-1' as Region
const ROTATED = '00000000-0000-4000-8000-000000000001' as KeyId
const SINGLE = '00000000-0000-4000-8000-000000000002' as KeyId

/** A key whose current material is that of its last generation, and a ciphertext of each generation. */
interface Subject {
  readonly key: Key
  readonly ciphertexts: readonly Uint8Array[]
}

const keyWith = (keyId: KeyId, currentMaterialId: BackingKey['materialId']): Key => ({
  accountId: ACCOUNT,
  region: REGION,
  keyId,
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  description: '',
  createdAt: clock.now(),
  state: { name: 'Enabled' },
  tags: {},
  currentMaterialId,
  onDemandRotations: 0,
})

/** Inserts generations one after the other and encrypts with each while it is the newest. */
async function build(
  records: RecordStore,
  keystore: KeyStore,
  keyId: KeyId,
  generations: number,
): Promise<Subject> {
  const ciphertexts: Uint8Array[] = []
  let key: Key | undefined
  for (let generation = 1; generation <= generations; generation++) {
    const { material, materialId } = await keystore.createMaterial('SYMMETRIC_DEFAULT', keyId)
    const backing: BackingKey = {
      accountId: ACCOUNT,
      region: REGION,
      keyId,
      materialId,
      createdAt: clock.now(),
      generation,
      state: generation === generations ? 'CURRENT' : 'NON_CURRENT',
    }
    await records.transaction((tx) => tx.insert(BACKING_KEYS, backing, material))
    key = keyWith(keyId, materialId)
    using plaintext = new Secret(new Uint8Array(32))
    const encrypted = await keystore.encrypt(records, key, plaintext, {})
    ciphertexts.push(encrypted.ciphertext)
  }
  if (key === undefined) throw new RangeError('a key has one generation at least')
  return { key, ciphertexts }
}

/** Microseconds of CPU of one decryption: the fastest of the rounds, each over ciphertexts in turn. */
async function measure(
  records: RecordStore,
  keystore: KeyStore,
  { key, ciphertexts }: Subject,
): Promise<number> {
  const parsed = ciphertexts.map(parseCiphertext).filter((value) => value !== undefined)
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    for (let call = 0; call < CALLS_PER_ROUND; call++) {
      const ciphertext = parsed[call % parsed.length]
      const opened = ciphertext && (await keystore.decrypt(records, key, ciphertext, {}))
      if (opened === undefined) throw new Error('a ciphertext did not decrypt')
      opened.plaintext[Symbol.dispose]()
    }
    const { user, system } = process.cpuUsage(start)
    fastest = Math.min(fastest, (user + system) / CALLS_PER_ROUND)
  }
  return fastest
}

const folder = mkdtempSync(join(tmpdir(), 'strongroom-rotated-'))
const engine = createAsymmetricEngine()
const rows = await openEmbeddedStore({
  file: join(folder, 'strongroom.db'),
  tables: TABLES.map(({ schema }) => schema),
})
try {
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 50_000 })
  const keystore = new SoftwareKeyStore(random, engine)
  const rotated = await build(records, keystore, ROTATED, GENERATIONS)
  const single = await build(records, keystore, SINGLE, 1)
  const { key, ciphertexts } = rotated
  const figures = {
    'a key never rotated': await measure(records, keystore, single),
    [`the newest of ${GENERATIONS}`]: await measure(records, keystore, {
      key,
      ciphertexts: ciphertexts.slice(-1),
    }),
    [`the oldest of ${GENERATIONS}`]: await measure(records, keystore, {
      key,
      ciphertexts: ciphertexts.slice(0, 1),
    }),
    [`each of ${GENERATIONS} in turn`]: await measure(records, keystore, rotated),
  }
  const [unit = 1] = Object.values(figures)
  console.log(`${'Decrypt under'.padEnd(26)}${'µs of CPU'.padStart(10)}${'ratio'.padStart(8)}`)
  for (const [what, micros] of Object.entries(figures)) {
    const ratio = (micros / unit).toFixed(2)
    console.log(`${what.padEnd(26)}${micros.toFixed(1).padStart(10)}${ratio.padStart(8)}`)
  }
} finally {
  await rows.close()
  await engine.close()
  rmSync(folder, { recursive: true })
}
