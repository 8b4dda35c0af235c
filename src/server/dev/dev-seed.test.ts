import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../../../test/support/memory-node.ts'
import { blob, succeeded, textOf, WireClient } from '../../../test/support/wire-client.ts'
import { parseSeed, plantSeed, readSeed } from './dev-seed.ts'

const DEFAULTS = { account: '000000000000', region: 'eu-central-1' }
const KEY_ID = '12345678-1234-4234-8234-123456789012'
const MATERIAL = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const seedOf = (...keys: readonly object[]): string => JSON.stringify({ keys })
const GOOD = { keyId: KEY_ID, material: MATERIAL }

describe('a seed', () => {
  let first: MemoryNode
  let second: MemoryNode

  before(async () => {
    first = await startMemoryNode()
    second = await startMemoryNode()
  })

  after(async () => {
    await first.close()
    await second.close()
  })

  test('gives the same key to two servers: each decrypts what the other encrypted', async () => {
    const keys = parseSeed(
      seedOf({ ...GOOD, account: '111122223333', region: 'us-east-1', aliases: ['alias/seeded'] }),
      DEFAULTS,
    )
    for (const node of [first, second]) await plantSeed(node.records, node.clock, keys)
    const one = new WireClient(first.endpoint, '111122223333', 'us-east-1')
    const other = new WireClient(second.endpoint, '111122223333', 'us-east-1')
    const encrypted = await one.kms('Encrypt', { KeyId: 'alias/seeded', Plaintext: blob('x') })
    const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
    const opened = succeeded(await other.kms('Decrypt', { CiphertextBlob }))
    assert.equal(opened['Plaintext'], blob('x'))
    assert.equal(opened['KeyId'], `arn:aws:kms:us-east-1:111122223333:key/${KEY_ID}`)
    const described = await other.kms('DescribeKey', { KeyId: KEY_ID })
    assert.match(described.text, /"KeyState":"Enabled"/)
    one.close()
    other.close()
  })

  test('takes account and Region from the server where it says none', () => {
    const [key] = parseSeed(seedOf(GOOD), DEFAULTS)
    assert.deepEqual(
      [key?.accountId, key?.region, key?.aliases],
      ['000000000000', 'eu-central-1', []],
    )
  })

  test('says which key is wrong and how', () => {
    for (const [text, message] of [
      ['{', 'the seed file is not JSON'],
      ['[]', 'the seed file has no list of "keys"'],
      ['{"keys":{}}', 'the seed file has no list of "keys"'],
      ['{"keys":[5]}', "the seed file's key number 1 is no object"],
      [seedOf(GOOD, { material: MATERIAL }), 'the seed file\'s key number 2 needs "keyId" as text'],
      [
        seedOf({ ...GOOD, keyId: 'x' }),
        "the seed file's key number 1 has a keyId that is no key id",
      ],
      [
        seedOf({ ...GOOD, account: 'x' }),
        "the seed file's key number 1 has no account of twelve digits",
      ],
      [
        seedOf({ ...GOOD, region: 'mars-1' }),
        "the seed file's key number 1 names a Region that does not exist",
      ],
      [
        seedOf({ ...GOOD, aliases: 'alias/x' }),
        'the seed file\'s key number 1 needs "aliases" as a list',
      ],
      [
        seedOf({ ...GOOD, aliases: ['x'] }),
        "the seed file's key number 1 has an alias 'x' that does not begin with alias/",
      ],
      [
        seedOf({ ...GOOD, aliases: [5] }),
        "the seed file's key number 1 has an alias that is no text",
      ],
    ] as const) {
      assert.throws(() => parseSeed(text, DEFAULTS), { name: 'OperatorError', message })
    }
    for (const material of ['', 'AAAA', `${MATERIAL.slice(0, -4)}AAAAAA==`]) {
      assert.throws(() => parseSeed(seedOf({ ...GOOD, material }), DEFAULTS), {
        name: 'OperatorError',
        message:
          /^the seed file's key number 1 has \d+ bytes of material where 32 are needed, in base64$/,
      })
    }
  })

  test('has base64 as it is written, not what Node.js makes of it', () => {
    const lenient = [`${MATERIAL}!`, `${MATERIAL}\n`, MATERIAL.replace('=', ''), ` ${MATERIAL}`]
    for (const material of lenient) {
      assert.throws(() => parseSeed(seedOf({ ...GOOD, material }), DEFAULTS), {
        name: 'OperatorError',
        message: "the seed file's key number 1 has material that is not base64 (RFC 4648, 4)",
      })
    }
  })

  test('has each key and each alias once', () => {
    const other = { ...GOOD, keyId: KEY_ID.replace('1', '2') }
    const aliases = ['alias/a']
    const twice = [
      [seedOf(GOOD, GOOD), `number 2 has the keyId ${KEY_ID} of an earlier key, or has it twice`],
      [seedOf({ ...GOOD, aliases }, { ...other, aliases }), 'number 2 has the alias alias/a of'],
      [seedOf({ ...GOOD, aliases: [...aliases, ...aliases] }), 'number 1 has the alias alias/a of'],
    ] as const
    for (const [text, message] of twice) {
      assert.throws(
        () => parseSeed(text, DEFAULTS),
        (error: Error) => error.name === 'OperatorError' && error.message.includes(message),
      )
    }
    const apart = seedOf(
      { ...GOOD, aliases },
      { ...GOOD, region: 'us-east-1', aliases },
      { ...other, account: '111122223333', aliases },
    )
    assert.equal(parseSeed(apart, DEFAULTS).length, 3)
  })

  test('that cannot be read is the operator’s mistake', () => {
    assert.throws(() => readSeed('/nonexistent/seed.json', DEFAULTS), {
      name: 'OperatorError',
      message: 'the seed file /nonexistent/seed.json cannot be read',
    })
  })
})
