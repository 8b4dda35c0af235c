import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { OperatorError } from '../../src/core/errors.ts'
import { instant } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import type { CommitSetting, Custody, CustodyParts } from '../../src/crypto/custody.ts'
import { createCustody } from '../../src/crypto/custody.ts'
import type { Seal } from '../../src/crypto/seal.ts'
import { keyfileSeal } from '../../src/crypto/seal-keyfile.ts'
import { passphraseSeal } from '../../src/crypto/seal-passphrase.ts'
import { seededRandom } from './seeded-random.ts'

/** Costs of Argon2id that make a test quick; the format is the same. */
const CHEAP_COSTS = { memoryKiB: 64, passes: 1, parallelism: 1 }

/** What tests of custody need, in a temporary folder that goes when the file's tests are over. */
export interface CustodyFixture {
  readonly folder: string
  /** What seals have warned of. */
  readonly warnings: string[]
  freshPath(): string
  parts(seal: Seal): CustodyParts
  keyfile(path: string): Seal
  passphrase(text: string): Seal
  /** A store with a key file of its own. */
  newStore(): Promise<{ readonly path: string; readonly custody: Custody }>
}

/** Call it at the top of a test file. */
export function custodyFixture(name: string): CustodyFixture {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-custody-'))
  after(() => rmSync(folder, { recursive: true }))
  let count = 0
  const random = seededRandom(name)
  const warnings: string[] = []
  const fixture: CustodyFixture = {
    folder,
    warnings,
    freshPath: () => join(folder, `root-${++count}.key`),
    parts: (seal) => ({ seal, random, clock: { now: () => instant(1_700_000_000_000) } }),
    keyfile: (path) => keyfileSeal({ path, random, onWarning: (text) => warnings.push(text) }),
    passphrase: (text) =>
      passphraseSeal({
        random,
        costs: CHEAP_COSTS,
        readPassphrase: () => Promise.resolve(secretOf(text)),
      }),
    async newStore() {
      const path = fixture.freshPath()
      const custody = await createCustody(fixture.parts(fixture.keyfile(path)))
      await custody.settleSeal()
      return { path, custody }
    },
  }
  return fixture
}

/** A commit that succeeds. */
export const committed: CommitSetting = () => Promise.resolve()

export const secretOf = (text: string): Secret => new Secret(new TextEncoder().encode(text))
export const textOf = (secret: Secret): string => new TextDecoder().decode(secret.expose())

/** `bytes` with one bit the other way. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const altered = bytes.slice()
  altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return altered
}

/** For `assert.rejects`: an error for the operator whose message matches. */
export const refusal =
  (message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof OperatorError && message.test(error.message)
