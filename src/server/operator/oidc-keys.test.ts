import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jwksOf, newSigningKey } from '../../../test/support/identity-provider.ts'
import { HeldClock } from '../../../test/support/memory-node.ts'
import { OperatorError } from '../../core/errors.ts'
import type { RecordStore } from '../../core/records.ts'
import { TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import { listOidcKeys, removeOidcKeys, setOidcKeys } from './oidc-keys.ts'

const clock = new HeldClock()
const PROVIDER = 'https://token.example.com/tenant/'
const one = newSigningKey('ES256', 'one')
const two = newSigningKey('Ed25519', 'two')

async function emptyStore(): Promise<RecordStore> {
  const random = createRandom()
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  return createRecordStore({ rows, guard: custody, cacheRecords: 10 })
}

const isOperatorError = (pattern: RegExp) => (error: unknown) =>
  error instanceof OperatorError && pattern.test(`${error.message}; ${error.hint ?? ''}`)

describe('keys of identity providers', () => {
  test('are set, replaced, listed and removed', async () => {
    const parts = { records: await emptyStore(), clock }
    const updatedAt = new Date(clock.now()).toISOString()
    const set = await setOidcKeys(parts, { providerUrl: PROVIDER, keySet: jwksOf(one) })
    assert.deepEqual(set, { providerUrl: PROVIDER, keys: ['one'], updatedAt })
    await setOidcKeys(parts, { providerUrl: PROVIDER, keySet: jwksOf(one, two) })
    await setOidcKeys(parts, { providerUrl: 'https://a.example.com', keySet: jwksOf(two) })
    assert.deepEqual(await listOidcKeys(parts.records), [
      { providerUrl: 'https://a.example.com', keys: ['two'], updatedAt },
      { providerUrl: PROVIDER, keys: ['one', 'two'], updatedAt },
    ])
    assert.equal(await removeOidcKeys(parts, PROVIDER), PROVIDER)
    await assert.rejects(removeOidcKeys(parts, PROVIDER), isOperatorError(/no keys were given/))
    assert.equal((await listOidcKeys(parts.records)).length, 1)
  })

  test('are public keys that tokens can be verified with', async () => {
    const parts = { records: await emptyStore(), clock }
    const withPrivate = { keys: [one.privateKey.export({ format: 'jwk' })] }
    const withSecret = { keys: [{ kty: 'oct', k: 'c2VjcmV0' }, one.jwk] }
    for (const [keySet, pattern] of [
      [undefined, /no JSON Web Key Set/],
      ['x', /not a JSON object/],
      ['{}', /no list of keys/],
      ['{"keys":[]}', /no key that tokens can be verified with/],
      [JSON.stringify(withPrivate), /private keys/],
      [JSON.stringify(withSecret), /private keys/],
      [JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256' }] }), /no key that tokens/],
      [' '.repeat(262_145), /no JSON Web Key Set/],
    ] as const) {
      const request = { providerUrl: PROVIDER, keySet }
      await assert.rejects(setOidcKeys(parts, request), isOperatorError(pattern))
    }
    assert.deepEqual(await listOidcKeys(parts.records), [])
  })

  test('are of a provider that is named as its tokens name it', async () => {
    const parts = { records: await emptyStore(), clock }
    for (const providerUrl of [undefined, '', 'token.example.com', 'ftp://x', 'https://a b']) {
      const request = { providerUrl, keySet: jwksOf(one) }
      await assert.rejects(setOidcKeys(parts, request), isOperatorError(/not the URL/))
    }
  })
})
