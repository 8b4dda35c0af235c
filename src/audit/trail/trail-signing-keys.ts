import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  hash,
  type KeyObject,
  sign,
} from 'node:crypto'
import { promisify } from 'node:util'
import { ConflictError } from '../../core/errors.ts'
import { floorHour } from '../../core/hours.ts'
import { DAY_MS, type Instant, instant, plusMs } from '../../core/ids.ts'
import type { Clock } from '../../core/ports.ts'
import type { RecordStore, Stored } from '../../core/records.ts'
import { Secret } from '../../core/secret.ts'
import { SERVICE_SECRETS, type ServiceSecret } from '../../core/tables.ts'

/** Digests are signed with RSA-2048. Source: AWS CloudTrail User Guide, "digest file structure". */
const MODULUS_BITS = 2048
/** After this a new key signs. */
const ROTATION_DAYS = 365
/** How long a key is valid, unless the next one ends it earlier: longer than it signs. */
const VALIDITY_DAYS = 400
/** How long a key stays valid when the next one has begun. */
const OVERLAP_MS = DAY_MS

const NAME_PREFIX = 'audit-signing-key/'
/** Generations in names sort as numbers. */
const NAME_DIGITS = 6
/** How many service secrets are looked through at once. */
const SECRETS_PAGE = 1000

const generate = promisify(generateKeyPair)
const signText = promisify<string, Uint8Array, KeyObject, Buffer>((algorithm, data, key, done) =>
  sign(algorithm, data, key, done),
)

/** The public part of a key that signs digests, or has signed some. */
export interface TrailPublicKey {
  /** PKCS#1 DER, base64: as ListPublicKeys gives it. */
  readonly value: string
  /** MD5 of the DER, 32 hex digits: as digests name it. */
  readonly fingerprint: string
  readonly validFrom: Instant
  readonly validTo: Instant
}

/** A key that can sign, for as long as one round of digests takes. */
export interface DigestSigner {
  readonly fingerprint: string
  /** RSASSA-PKCS1-v1_5 with SHA-256; hex. The same text has always the same signature. */
  sign(text: string): Promise<string>
}

interface Generation {
  readonly number: number
  readonly stored: Stored<ServiceSecret>
  readonly publicKey: TrailPublicKey
}

export interface SigningKeyParts {
  readonly records: RecordStore
  readonly clock: Clock
}

const nameOf = (number: number): string =>
  `${NAME_PREFIX}${String(number).padStart(NAME_DIGITS, '0')}`

/**
 * The keys that sign digests: service secrets of the store, one generation after the other. The private part is
 * wrapped as every secret is; public parts stay listed for ever, so that old digests can be verified.
 */
export class TrailSigningKeys {
  readonly #parts: SigningKeyParts
  /** Opened private keys, for as long as the store holds the record. */
  readonly #opened = new WeakMap<Stored<ServiceSecret>, KeyObject>()
  #drawing: Promise<Generation> | undefined

  constructor(parts: SigningKeyParts) {
    this.#parts = parts
  }

  /** Public keys whose validity and `[from, to]` have an instant in common, oldest first. Draws the first key. */
  async list(from: Instant, to: Instant): Promise<readonly TrailPublicKey[]> {
    return (await this.all()).filter(({ validFrom, validTo }) => validFrom <= to && validTo >= from)
  }

  /** Every public key, oldest first. Draws the first key. */
  async all(): Promise<readonly TrailPublicKey[]> {
    const generations = await this.#generations()
    const present = generations.length > 0 ? generations : [await this.#next(generations)]
    return present.map(({ publicKey }) => publicKey)
  }

  /** The key for digests that end at `end`; a new one where the newest has signed for a year, or begins later. */
  async signerFor(end: Instant): Promise<DigestSigner> {
    const generations = await this.#generations()
    const newest = generations.at(-1)
    const isCurrent =
      newest !== undefined &&
      newest.publicKey.validFrom <= end &&
      end < plusMs(newest.publicKey.validFrom, ROTATION_DAYS * DAY_MS)
    const { stored, publicKey } = isCurrent ? newest : await this.#next(generations, end)
    const key = this.#open(stored)
    return {
      fingerprint: publicKey.fingerprint,
      sign: async (text) => (await signText('sha256', Buffer.from(text), key)).toString('hex'),
    }
  }

  /** Begins a new key; the one before stays listed, and is valid for a day more. */
  async rotate(): Promise<TrailPublicKey> {
    const { publicKey } = await this.#next(await this.#generations())
    return publicKey
  }

  async #generations(): Promise<readonly Generation[]> {
    const { records } = this.#parts
    const found: Generation[] = []
    let after: string | undefined = NAME_PREFIX
    while (after !== undefined) {
      const page: readonly Stored<ServiceSecret>[] = await records.page(SERVICE_SECRETS, {
        index: 'key',
        equals: [],
        after: [after],
        limit: SECRETS_PAGE,
      })
      for (const stored of page) {
        if (!stored.record.name.startsWith(NAME_PREFIX)) return found
        found.push(describe(stored))
      }
      after = page.length < SECRETS_PAGE ? undefined : page.at(-1)?.record.name
    }
    return found
  }

  /** One at a time: whoever asks meanwhile gets the same. */
  #next(before: readonly Generation[], end?: Instant): Promise<Generation> {
    this.#drawing ??= this.#draw(before, end).finally(() => {
      this.#drawing = undefined
    })
    return this.#drawing
  }

  async #draw(before: readonly Generation[], end: Instant | undefined): Promise<Generation> {
    const { records, clock } = this.#parts
    const previous = before.at(-1)
    const number = (previous?.number ?? 0) + 1
    const now = clock.now()
    // From the beginning of the hour on, because digests of the hour that has just ended may not be signed yet. Digests
    // of a clock that was put back need a key that was valid then.
    const validFrom = floorHour(end === undefined || end > now ? now : end)
    const { secret, record } = await drawKey(nameOf(number), now, validFrom)
    using _ = secret
    await records
      .transaction(async (tx) => {
        await tx.insert(SERVICE_SECRETS, record, secret)
        if (previous === undefined) return
        const stored = await tx.find(SERVICE_SECRETS, [previous.stored.record.name])
        if (stored !== undefined)
          await tx.update(SERVICE_SECRETS, stored, endedBy(stored.record, validFrom))
      })
      .catch((error: unknown) => {
        // Another node was faster: its key is as good.
        if (!(error instanceof ConflictError)) throw error
      })
    const drawn = (await this.#generations()).find((generation) => generation.number === number)
    if (drawn === undefined) throw new TypeError('the signing key was not stored')
    return drawn
  }

  #open(stored: Stored<ServiceSecret>): KeyObject {
    const open = this.#opened.get(stored)
    if (open !== undefined) return open
    using secret = this.#parts.records.unwrap(SERVICE_SECRETS, stored)
    const { buffer, byteOffset, byteLength } = secret.expose()
    // A view, not a copy: copies would stay behind in memory.
    const der = Buffer.from(buffer, byteOffset, byteLength)
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    this.#opened.set(stored, key)
    return key
  }
}

async function drawKey(
  name: string,
  createdAt: Instant,
  validFrom: Instant,
): Promise<{ readonly secret: Secret; readonly record: ServiceSecret }> {
  const { publicKey, privateKey } = await generate('rsa', {
    modulusLength: MODULUS_BITS,
    publicKeyEncoding: { type: 'pkcs1', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  const described: TrailPublicKey = {
    value: publicKey.toString('base64'),
    fingerprint: hash('md5', publicKey, 'hex'),
    validFrom,
    validTo: plusMs(validFrom, VALIDITY_DAYS * DAY_MS),
  }
  return {
    secret: new Secret(privateKey),
    record: { name, createdAt, publicPart: JSON.stringify(described) },
  }
}

// The store has authenticated the record, and `drawKey` alone writes the text.
const publicKeyOf = ({ publicPart }: ServiceSecret): TrailPublicKey =>
  JSON.parse(publicPart) as TrailPublicKey

const describe = (stored: Stored<ServiceSecret>): Generation => ({
  number: Number(stored.record.name.slice(NAME_PREFIX.length)),
  stored,
  publicKey: publicKeyOf(stored.record),
})

/** The record of a key when the next one begins. */
function endedBy(record: ServiceSecret, nextFrom: Instant): ServiceSecret {
  const key = publicKeyOf(record)
  // A clock that was put back must not leave a key valid for less than it has signed.
  const end = Math.max(nextFrom + OVERLAP_MS, key.validFrom + OVERLAP_MS)
  const ended = { ...key, validTo: instant(Math.min(key.validTo, end)) }
  return { ...record, publicPart: JSON.stringify(ended) }
}

/** As text that OpenSSL reads: SubjectPublicKeyInfo in PEM. Ends with a line feed. */
export const publicKeyPem = ({ value }: Pick<TrailPublicKey, 'value'>): string => {
  const der = Buffer.from(value, 'base64')
  return createPublicKey({ key: der, format: 'der', type: 'pkcs1' }).export({
    type: 'spki',
    format: 'pem',
  })
}
