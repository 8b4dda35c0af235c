import assert from 'node:assert/strict'
import { createDecipheriv, createHmac, createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseAccessKeyId } from '../../src/core/ids.ts'
import { type SessionContent, SessionTokens } from '../../src/identity/session-tokens.ts'
import { seededRandom } from '../support/seeded-random.ts'

// The vectors are opened twice: by the program, and by the lines below, which follow
// docs/formats/session-tokens.md and share nothing with it.

interface Vector {
  readonly name: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly content: SessionContent
  readonly token: string
}

const file = new URL('../../docs/formats/vectors/session-tokens-v1.json', import.meta.url)
// The repository's own file; a wrong shape fails the tests below.
const { key, nonce, vectors }: { key: string; nonce: string; vectors: readonly Vector[] } =
  JSON.parse(readFileSync(file, 'utf8'))

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function openByHand({ accessKeyId, token }: Vector): Buffer {
  const bytes = Buffer.from(token, 'base64url')
  const header = bytes.subarray(0, 20)
  const derived = createHmac('sha512', Buffer.from(key, 'hex'))
    .update(
      Buffer.concat([
        u32(1),
        Buffer.from('strongroom session token v1'),
        Buffer.of(0),
        header,
        u32(352),
      ]),
    )
    .digest()
  const decipher = createDecipheriv(
    'aes-256-gcm',
    derived.subarray(0, 32),
    derived.subarray(32, 44),
    {
      authTagLength: 16,
    },
  )
  const id = Buffer.from(accessKeyId)
  decipher.setAAD(Buffer.concat([header, u32(1), u32(id.length), id]))
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(20, -16)), decipher.final()])
}

describe('session tokens, version 1', () => {
  const tokens = new SessionTokens(
    createSecretKey(Buffer.from(key, 'hex')),
    seededRandom('session tokens'),
  )

  for (const vector of vectors) {
    test(`open: ${vector.name}`, () => {
      const accessKeyId = parseAccessKeyId(vector.accessKeyId) ?? assert.fail()
      assert.ok(vector.token.startsWith('U1JU'))
      const bytes = Buffer.from(vector.token, 'base64url')
      assert.equal(bytes.subarray(4, 20).toString('hex'), nonce)
      // Through JSON, which has no members that are undefined.
      const content: unknown = JSON.parse(
        JSON.stringify(tokens.open(accessKeyId, vector.token) ?? {}),
      )
      assert.deepEqual(content, vector.content)
      using secret = tokens.secretOf(accessKeyId, vector.token)
      assert.equal(Buffer.from(secret.expose()).toString(), vector.secretAccessKey)

      const payload = openByHand(vector)
      const secretAccessKey = payload.subarray(1, 1 + payload.readUInt8(0)).toString()
      assert.equal(secretAccessKey, vector.secretAccessKey)
      // What the format says of the members, as far as each vector has them.
      const members: unknown = JSON.parse(payload.subarray(1 + payload.readUInt8(0)).toString())
      const { accountId, subject, facts } = vector.content
      const held = {
        a: accountId,
        k: subject.kind,
        ...('id' in subject && { i: subject.id }),
        t: facts.issuedAt,
        e: facts.expiresAt,
        ...(facts.mfaAt !== undefined && { m: facts.mfaAt }),
        ...(facts.issuerId !== undefined && { f: facts.issuerId }),
        ...(facts.name !== undefined && { n: facts.name }),
        ...(Object.keys(facts.tags).length > 0 && { g: facts.tags }),
        ...(facts.transitiveTagKeys.length > 0 && { v: facts.transitiveTagKeys }),
        ...(facts.sourceIdentity !== undefined && { s: facts.sourceIdentity }),
        ...(facts.federatedProvider !== undefined && { w: facts.federatedProvider }),
        ...(facts.federatedKeys !== undefined && { c: facts.federatedKeys }),
        ...(facts.policy !== undefined && { p: facts.policy }),
        ...(facts.policyArns.length > 0 && { r: facts.policyArns }),
      }
      assert.deepEqual(members, held)
    })
  }

  test('open with no other access key id', () => {
    const other = parseAccessKeyId('ASIAIOSFODNN7OTHERID') ?? assert.fail()
    for (const { token } of vectors) assert.equal(tokens.open(other, token), undefined)
  })
})
