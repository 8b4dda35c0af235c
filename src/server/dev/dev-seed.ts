import { readFileSync } from 'node:fs'
import { OperatorError } from '../../core/errors.ts'
import {
  type AccountId,
  type AliasName,
  type KeyId,
  parseAccountId,
  parseAliasName,
  parseKeyId,
  type Region,
} from '../../core/ids.ts'
import { SYMMETRIC_MATERIAL_BYTES } from '../../core/key-specs.ts'
import type { Clock } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import { parseRegion } from '../../core/regions.ts'
import { Secret } from '../../core/secret.ts'
import { isJsonObject } from '../../core/strict-json.ts'
import { ALIASES, BACKING_KEYS, KEY_POLICIES, KEYS } from '../../core/tables.ts'
import { keyMaterialIdOf } from '../../crypto/key-material.ts'
import { defaultKeyPolicy } from '../../services/kms/keys/key-policies.ts'
import { newSymmetricKey } from '../../services/kms/keys/new-key.ts'

/** One key with fixed id and material. */
export interface SeedKey {
  readonly accountId: AccountId
  readonly region: Region
  readonly keyId: KeyId
  /** 32 bytes. They are no secret: they stand in a file of the tests. */
  readonly material: Uint8Array
  readonly aliases: readonly AliasName[]
}

function parseSeedKey(
  value: unknown,
  at: number,
  defaults: { account: string; region: string },
): SeedKey {
  const fail = (problem: string): never => {
    throw new OperatorError(`the seed file's key number ${at + 1} ${problem}`)
  }
  if (!isJsonObject(value)) return fail('is no object')
  const text = (name: string, fallback?: string): string => {
    const member = value[name] ?? fallback
    return typeof member === 'string' ? member : fail(`needs "${name}" as text`)
  }
  const base64 = text('material')
  const material = Buffer.from(base64, 'base64')
  // Node.js takes base64 from the text up to where it is none: that would be another key.
  if (material.toString('base64') !== base64) fail('has material that is not base64 (RFC 4648, 4)')
  if (material.length !== SYMMETRIC_MATERIAL_BYTES) {
    fail(
      `has ${material.length} bytes of material where ${SYMMETRIC_MATERIAL_BYTES} are needed, in base64`,
    )
  }
  const names: unknown = value['aliases'] ?? []
  if (!Array.isArray(names)) return fail('needs "aliases" as a list')
  return {
    accountId:
      parseAccountId(text('account', defaults.account)) ?? fail('has no account of twelve digits'),
    region:
      parseRegion(text('region', defaults.region)) ?? fail('names a Region that does not exist'),
    keyId: parseKeyId(text('keyId')) ?? fail('has a keyId that is no key id'),
    material: new Uint8Array(material),
    aliases: names.map((name: unknown) =>
      typeof name === 'string'
        ? (parseAliasName(name) ?? fail(`has an alias '${name}' that does not begin with alias/`))
        : fail('has an alias that is no text'),
    ),
  }
}

/** @throws OperatorError for a key or an alias that is there twice */
function assertDistinct(seed: readonly SeedKey[]): void {
  const taken = new Set<string>()
  const take = (at: number, what: string, ...place: readonly string[]): void => {
    const name = JSON.stringify([what, ...place])
    if (taken.has(name)) {
      throw new OperatorError(
        `the seed file's key number ${at + 1} has ${what} of an earlier key, or has it twice`,
      )
    }
    taken.add(name)
  }
  for (const [at, { accountId, region, keyId, aliases }] of seed.entries()) {
    take(at, `the keyId ${keyId}`, region)
    for (const alias of aliases) take(at, `the alias ${alias}`, accountId, region)
  }
}

/** Reads a seed: `{"keys": [{"account", "region", "keyId", "material", "aliases"}]}`. @throws OperatorError */
export function parseSeed(
  text: string,
  defaults: { account: string; region: string },
): readonly SeedKey[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new OperatorError('the seed file is not JSON', undefined, { cause })
  }
  const keys = isJsonObject(value) ? value['keys'] : undefined
  if (!Array.isArray(keys)) throw new OperatorError('the seed file has no list of "keys"')
  const seed = keys.map((key, at) => parseSeedKey(key, at, defaults))
  assertDistinct(seed)
  return seed
}

/** @throws OperatorError when the file cannot be read or is no seed */
export function readSeed(
  file: string,
  defaults: { account: string; region: string },
): readonly SeedKey[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new OperatorError(`the seed file ${file} cannot be read`, undefined, { cause })
  }
  return parseSeed(text, defaults)
}

/** Puts seeded keys into an empty store. @throws ConflictError for the same id or alias twice */
export async function plantSeed(
  records: RecordStore,
  clock: Clock,
  seed: readonly SeedKey[],
): Promise<void> {
  for (const planted of seed) {
    const { accountId, region, keyId, aliases } = planted
    const createdAt = clock.now()
    using material = new Secret(Uint8Array.from(planted.material))
    const materialId = keyMaterialIdOf(keyId, material)
    const { key, backingKey } = newSymmetricKey(planted, { keyId, materialId, createdAt })
    await records.transaction(async (tx) => {
      await tx.insert(KEYS, key)
      await tx.insert(BACKING_KEYS, backingKey, material)
      await tx.insert(KEY_POLICIES, { region, keyId, text: defaultKeyPolicy(accountId, region) })
      for (const name of aliases) {
        await tx.insert(ALIASES, {
          accountId,
          region,
          name,
          targetKeyId: keyId,
          createdAt,
          updatedAt: createdAt,
        })
      }
    })
  }
}
