import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JWK } from 'jose'
import type { ProviderDocuments } from '../../src/core/ports.ts'

/** How a test signs: the algorithm of the header, and what stands behind it. */
const HASHES: Readonly<Record<string, string>> = {
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
}
const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
const PSS_PADDING = 6
const RSA_PADDING = 1

const encode = (value: object | Uint8Array): string =>
  (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(JSON.stringify(value))).toString(
    'base64url',
  )

/** A key of a provider that a test makes up. */
export interface SigningKey {
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly jwk: JWK & { readonly kid: string }
}

export function newSigningKey(algorithm: string, kid: string): SigningKey {
  const { privateKey, publicKey } = algorithm.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: CURVES[algorithm] ?? '' })
    : algorithm.startsWith('Ed')
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { algorithm, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } }
}

/** A compact signature by hand, apart from the library under test. */
export function signToken(
  key: SigningKey,
  claims: object,
  header: object = { alg: key.algorithm, kid: key.jwk.kid, typ: 'JWT' },
): string {
  const input = `${encode(header)}.${encode(claims)}`
  const hash = HASHES[key.algorithm] ?? null
  const signature = sign(hash, Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(key.algorithm.startsWith('PS') && { padding: PSS_PADDING, saltLength: -1 }),
    ...(key.algorithm.startsWith('RS') && { padding: RSA_PADDING }),
  })
  return `${input}.${encode(signature)}`
}

/** A token that a MAC was put under. */
export function macToken(secret: string | Uint8Array, claims: object, header: object): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${encode(createHmac('sha256', secret).update(input).digest())}`
}

/** A token with no signature at all. */
export const unsignedToken = (claims: object, header: object): string =>
  `${encode(header)}.${encode(claims)}.`

export const jwksOf = (...keys: readonly SigningKey[]): string =>
  JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

/** Answers what a provider would, and counts. */
export class PublishedDocuments implements ProviderDocuments {
  readonly texts = new Map<string, string>()
  readonly asked: string[] = []

  /** Publishes the keys of an issuer, as OpenID Connect Discovery says. */
  publish(issuer: string, jwks: string): void {
    const location = `${issuer}/keys`
    this.texts.set(
      `${issuer}/.well-known/openid-configuration`,
      JSON.stringify({ issuer, jwks_uri: location }),
    )
    this.texts.set(location, jwks)
  }

  fetch(url: string): Promise<string> {
    this.asked.push(url)
    const text = this.texts.get(url)
    return text === undefined ? Promise.reject(this.failure) : Promise.resolve(text)
  }

  failure: Error = new Error('nothing is there')
}
