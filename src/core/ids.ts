declare const brand: unique symbol
/** A primitive that only its parser can make. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Twelve decimal digits. */
export type AccountId = Brand<string, 'AccountId'>
/** The name of a Region, such as `eu-central-1`. */
export type Region = Brand<string, 'Region'>
/** UUID, or `mrk-` and 32 hex digits for a multi-Region key. */
export type KeyId = Brand<string, 'KeyId'>
/** 64 lower-case hex digits that name one backing key of one KMS key. */
export type KeyMaterialId = Brand<string, 'KeyMaterialId'>
/** `alias/` and a name; at most 256 characters in all. */
export type AliasName = Brand<string, 'AliasName'>
/** 16 to 128 word characters that name a credential. */
export type AccessKeyId = Brand<string, 'AccessKeyId'>
/** Milliseconds since the Unix epoch. */
export type Instant = Brand<number, 'Instant'>

const ACCOUNT_ID = /^\d{12}$/
const KEY_ID = /^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
const KEY_MATERIAL_ID = /^[0-9a-f]{64}$/
const ALIAS_NAME = /^alias\/[a-zA-Z0-9:/_-]{1,250}$/
const ACCESS_KEY_ID = /^\w{12,128}$/

// The casts below are the brands' constructors: the pattern just tested is what proves them.

/** The only way to obtain an `AccountId` from text. */
export const parseAccountId = (text: string): AccountId | undefined =>
  ACCOUNT_ID.test(text) ? (text as AccountId) : undefined

/** An account that is not this one, for what belongs to nobody in particular. */
export const anotherAccount = (accountId: AccountId): AccountId =>
  // Twelve digits with another last one are an account id.
  `${accountId.slice(0, -1)}${accountId.endsWith('0') ? 1 : 0}` as AccountId

/** Whose keys of services are that no customer sees: text that is no account's id, so that nobody calls as it. */
export const SERVICE_ACCOUNT = 'services' as AccountId

/** The only way to obtain a `KeyId` from text. */
export const parseKeyId = (text: string): KeyId | undefined =>
  KEY_ID.test(text) ? (text as KeyId) : undefined

/** The only way to obtain a `KeyMaterialId` from text. */
export const parseKeyMaterialId = (text: string): KeyMaterialId | undefined =>
  KEY_MATERIAL_ID.test(text) ? (text as KeyMaterialId) : undefined

/** The only way to obtain an `AliasName` from text. */
export const parseAliasName = (text: string): AliasName | undefined =>
  ALIAS_NAME.test(text) ? (text as AliasName) : undefined

/**
 * The only way to obtain an `AccessKeyId` from text. Twelve characters are accepted, fewer than
 * AWS's sixteen, because `strongroom dev` lets an account number stand for its credential.
 */
export const parseAccessKeyId = (text: string): AccessKeyId | undefined =>
  ACCESS_KEY_ID.test(text) ? (text as AccessKeyId) : undefined

/** Milliseconds since the Unix epoch as an `Instant`. */
export const instant = (milliseconds: number): Instant => milliseconds as Instant

/** `time` moved by a number of milliseconds, which may be negative. */
export const plusMs = (time: Instant, milliseconds: number): Instant => instant(time + milliseconds)

export const DAY_MS = 86_400_000
