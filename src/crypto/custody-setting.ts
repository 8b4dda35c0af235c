import type { KeyObject } from 'node:crypto'
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { OperatorError } from '../core/errors.ts'
import type { Argon2Parameters, SealRecord } from './seal.ts'
import { isCustodyKeyId } from './wrapping.ts'

/** A domain or audit key at rest. */
export interface WrappedKey {
  readonly id: string
  readonly status: 'current' | 'retired'
  /** ISO 8601. */
  readonly createdAt: string
  readonly wrapped: Uint8Array
}

/** What the custody setting says. Exactly one key of each list is current. */
export interface CustodyRecord {
  readonly seal: SealRecord
  readonly auditKeys: readonly WrappedKey[]
  readonly domainKeys: readonly WrappedKey[]
}

/** A setting whose checksum holds; its MAC can be checked once the root key is there. */
export interface ParsedSetting {
  readonly record: CustodyRecord
  isAuthentic(settingMacKey: KeyObject): boolean
}

const FORMAT = 'strongroom custody'
const VERSION = 1
const SETTING_CHARACTERS_MAX = 1_048_576
const MAC_TAIL = /,"mac":"([0-9a-f]{64})"$/
const MAC_TAIL_CHARACTERS = 73
const CHECKSUM_TAIL = /,"checksum":"([0-9a-f]{64})"\}$/
const CHECKSUM_TAIL_CHARACTERS = 79
const SALT_BYTES = 16
const SHARES_MAX = 255
const SHARE_HASH_BYTES = 32

/** Bounds of what is computed before anything is authenticated. */
const MEMORY_KIB_MIN = 8
const MEMORY_KIB_MAX = 2_097_152
const PASSES_MAX = 64
const PARALLELISM_MAX = 64

/**
 * The text of the setting `custody`.
 * **Source:** docs/formats/custody.md, The custody setting.
 */
export function encodeSetting(record: CustodyRecord, settingMacKey: KeyObject): string {
  const body = JSON.stringify({
    format: FORMAT,
    version: VERSION,
    seal: encodeSeal(record.seal),
    auditKeys: record.auditKeys.map(encodeKey),
    domainKeys: record.domainKeys.map(encodeKey),
  }).slice(0, -1)
  const signed = `${body},"mac":"${macOf(body, settingMacKey).toString('hex')}"`
  return `${signed},"checksum":"${hash('sha256', signed)}"}`
}

/** @throws {OperatorError} when it is damaged or of a later version. */
export function parseSetting(text: string): ParsedSetting {
  const checksum = CHECKSUM_TAIL.exec(text.slice(-CHECKSUM_TAIL_CHARACTERS))?.[1]
  const signed = text.slice(0, -CHECKSUM_TAIL_CHARACTERS)
  if (text.length > SETTING_CHARACTERS_MAX || checksum !== hash('sha256', signed)) throw damaged()
  const members = parseMembers(text)
  if (members?.['format'] !== FORMAT) throw damaged()
  if (members['version'] !== VERSION) {
    throw new OperatorError(
      'the keys of this store were written by a newer version of Strongroom',
      'run that version or a later one',
    )
  }
  const mac = MAC_TAIL.exec(signed.slice(-MAC_TAIL_CHARACTERS))?.[1]
  const body = signed.slice(0, -MAC_TAIL_CHARACTERS)
  const record = {
    seal: parseSeal(members['seal']),
    auditKeys: parseKeys(members['auditKeys']),
    domainKeys: parseKeys(members['domainKeys']),
  }
  if (mac === undefined) throw damaged()
  return {
    record,
    isAuthentic: (key) => timingSafeEqual(macOf(body, key), Buffer.from(mac, 'hex')),
  }
}

/** What is said of a setting that is not what was written. */
export const damaged = (): OperatorError =>
  new OperatorError(
    'the custody setting of this store is damaged or was altered outside Strongroom',
    'restore the store from its backup; the key file or passphrase is not the cause',
  )

const macOf = (body: string, key: KeyObject): Buffer =>
  createHmac('sha256', key).update(body).digest()

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const encodeKey = ({ id, status, createdAt, wrapped }: WrappedKey): unknown => ({
  id,
  status,
  createdAt,
  wrapped: base64(wrapped),
})

function encodeSeal(seal: SealRecord): unknown {
  if (seal.kind === 'keyfile') return { kind: seal.kind, rootKeyId: seal.rootKeyId }
  if (seal.kind === 'shares') {
    const { kind, rootKeyId, threshold, shareHashes } = seal
    return { kind, rootKeyId, threshold, shareHashes: shareHashes.map(base64) }
  }
  const { memoryKiB, passes, parallelism, salt } = seal.argon2
  return {
    kind: seal.kind,
    rootKeyId: seal.rootKeyId,
    argon2: { memoryKiB, passes, parallelism, salt: base64(salt) },
    wrapped: base64(seal.wrapped),
  }
}

type Members = Readonly<Record<string, unknown>>

const membersOf = (value: unknown): Members | undefined =>
  // An object that came from JSON.parse: any member may be absent, none has a known type.
  typeof value === 'object' && value !== null ? (value as Members) : undefined

function parseMembers(text: string): Members | undefined {
  try {
    return membersOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

function parseSeal(value: unknown): SealRecord {
  const members = membersOf(value)
  const rootKeyId = members?.['rootKeyId']
  if (typeof rootKeyId !== 'string' || !isCustodyKeyId(rootKeyId)) throw damaged()
  switch (members?.['kind']) {
    case 'keyfile':
      return { kind: 'keyfile', rootKeyId }
    case 'passphrase':
      return {
        kind: 'passphrase',
        rootKeyId,
        argon2: parseArgon2(members['argon2']),
        wrapped: parseBytes(members['wrapped']),
      }
    case 'shares':
      return { kind: 'shares', rootKeyId, ...parseQuorum(members) }
    default:
      throw damaged()
  }
}

function parseQuorum(members: Members): {
  readonly threshold: number
  readonly shareHashes: readonly Uint8Array[]
} {
  const hashes: unknown = members['shareHashes']
  if (!Array.isArray(hashes) || hashes.length > SHARES_MAX) throw damaged()
  const shareHashes = hashes.map(parseBytes)
  if (shareHashes.some(({ length }) => length !== SHARE_HASH_BYTES)) throw damaged()
  return { threshold: parseInteger(members['threshold'], 2, shareHashes.length), shareHashes }
}

function parseArgon2(value: unknown): Argon2Parameters {
  const members = membersOf(value)
  const parallelism = parseInteger(members?.['parallelism'], 1, PARALLELISM_MAX)
  const parameters = {
    memoryKiB: parseInteger(members?.['memoryKiB'], MEMORY_KIB_MIN * parallelism, MEMORY_KIB_MAX),
    passes: parseInteger(members?.['passes'], 1, PASSES_MAX),
    parallelism,
    salt: parseBytes(members?.['salt']),
  }
  if (parameters.salt.length !== SALT_BYTES) throw damaged()
  return parameters
}

function parseKeys(value: unknown): readonly WrappedKey[] {
  if (!Array.isArray(value)) throw damaged()
  const keys = value.map(parseKey)
  if (keys.filter((key) => key.status === 'current').length !== 1) throw damaged()
  return keys
}

function parseKey(value: unknown): WrappedKey {
  const members = membersOf(value)
  const id = members?.['id']
  const status = members?.['status']
  const createdAt = members?.['createdAt']
  if (typeof id !== 'string' || !isCustodyKeyId(id)) throw damaged()
  if (status !== 'current' && status !== 'retired') throw damaged()
  if (typeof createdAt !== 'string') throw damaged()
  return { id, status, createdAt, wrapped: parseBytes(members?.['wrapped']) }
}

function parseInteger(value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw damaged()
  if (value < min || value > max) throw damaged()
  return value
}

function parseBytes(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw damaged()
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === 0) throw damaged()
  return bytes
}
