/**
 * Stands for the identity provider of a CI: it signs what its jobs are given. Nobody has to reach it, because
 * Strongroom is given its keys. Usage: `node issuer.ts keys`, `node issuer.ts token SUBJECT`.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const ISSUER = 'https://token.ci.example.com/org'
const KEY_FILE = 'issuer-key.pem'
/** Seconds for which a token is good. */
const TOKEN_LIFE = 900

/** The provider's key; made the first time, and kept in the folder where this runs. */
function privateKey(): KeyObject {
  if (existsSync(KEY_FILE)) return createPrivateKey(readFileSync(KEY_FILE))
  const { privateKey: made } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(KEY_FILE, made.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return made
}

/** The JSON Web Key Set that a provider publishes. Source: RFC 7517. */
function keys(): string {
  const jwk = createPublicKey(privateKey()).export({ format: 'jwk' })
  return JSON.stringify({ keys: [{ ...jwk, kid: 'ci', alg: 'ES256', use: 'sig' }] })
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JSON Web Token. Source: RFC 7519; RFC 7518, section 3.4. */
function token(subject: string): string {
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now, exp: now + TOKEN_LIFE }
  const claims = { iss: ISSUER, aud: 'sts.amazonaws.com', sub: subject, ...times }
  const text = `${encoded({ alg: 'ES256', typ: 'JWT', kid: 'ci' })}.${encoded(claims)}`
  const key = { key: privateKey(), dsaEncoding: 'ieee-p1363' } as const
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

const [command, subject] = process.argv.slice(2)
if (command === 'keys') console.log(keys())
else if (command === 'token' && subject !== undefined) console.log(token(subject))
else {
  console.error('usage: node issuer.ts keys | node issuer.ts token SUBJECT')
  process.exitCode = 2
}
