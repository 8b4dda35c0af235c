import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An OpenID Connect provider that issues what a test says, and is reached by nobody. */
export class OidcIssuer {
  readonly url: string
  readonly #key: KeyObject
  readonly #publicKey: KeyObject
  readonly #keyId: string

  constructor(url: string, keyId = 'one') {
    this.url = url
    this.#keyId = keyId
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    this.#publicKey = publicKey
  }

  /** The JSON Web Key Set that its tokens are verified with. */
  get jwks(): string {
    const key = { ...this.#publicKey.export({ format: 'jwk' }), kid: this.#keyId, alg: 'ES256' }
    return JSON.stringify({ keys: [{ ...key, use: 'sig' }] })
  }

  /** A token that is good for five minutes. Source: RFC 7519; RFC 7518, section 3.4. */
  token(claims: object, now = Date.now()): string {
    const seconds = Math.floor(now / 1000)
    const standard = { iss: this.url, iat: seconds, exp: seconds + 300 }
    const text = `${encoded({ alg: 'ES256', typ: 'JWT', kid: this.#keyId })}.${encoded({ ...standard, ...claims })}`
    const signature = sign('sha256', Buffer.from(text), {
      key: this.#key,
      dsaEncoding: 'ieee-p1363',
    })
    return `${text}.${signature.toString('base64url')}`
  }
}
