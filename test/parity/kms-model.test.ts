import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const DAY_MS = 86_400_000
const RUNS = 40
const COMMANDS_MAX = 30
const TAG_KEYS = ['a', 'b', 'aws', '__proto__'] as const

/** What is known of one key without asking for it. */
interface Model {
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Gone'
  deletionDate: number
  now: number
  description: string
  readonly tags: Map<string, string>
  readonly aliases: Set<string>
  /** Ciphertexts by what they hold. */
  readonly sealed: { readonly plaintext: string; readonly context: string; readonly blob: string }[]
}

interface Real {
  readonly node: MemoryNode
  readonly kms: WireClient
  readonly id: string
  readonly arn: string
}

type Command = fc.AsyncCommand<Model, Real>

/** What the model says the answer's code is; `ok` for a success. */
type Expectation = 'ok' | 'DisabledException' | 'KMSInvalidStateException' | 'NotFoundException'

const onUse = ({ state }: Model): Expectation => {
  if (state === 'Gone') return 'NotFoundException'
  if (state === 'PendingDeletion') return 'KMSInvalidStateException'
  return state === 'Disabled' ? 'DisabledException' : 'ok'
}
const onChange = ({ state }: Model): Expectation => {
  if (state === 'Gone') return 'NotFoundException'
  return state === 'PendingDeletion' ? 'KMSInvalidStateException' : 'ok'
}
const onRead = ({ state }: Model): Expectation => (state === 'Gone' ? 'NotFoundException' : 'ok')
const onCancel = ({ state }: Model): Expectation => {
  if (state === 'Gone') return 'NotFoundException'
  return state === 'PendingDeletion' ? 'ok' : 'KMSInvalidStateException'
}

interface Step {
  readonly name: string
  readonly operation: string
  readonly input: (real: Real, model: Model) => object
  readonly expects: (model: Model) => string
  /** After a success. */
  readonly effect?: (model: Model, answer: WireAnswer, real: Real) => void
}

/** A call, its outcome by the model, and what it changes in the model. */
const command = ({ name, operation, input, expects, effect }: Step): Command => ({
  check: () => true,
  toString: () => name,
  async run(model, real) {
    const expected = expects(model)
    const answer = await real.kms.kms(operation, input(real, model))
    const code = answer.status === 200 ? 'ok' : answer.json['__type']
    assert.equal(code, expected, `${name}: ${answer.text}`)
    if (expected === 'ok') effect?.(model, answer, real)
  },
})

const contextOf = (text: string): object => (text === '' ? {} : { EncryptionContext: { c: text } })

const changes = (name: string, more: object, effect: Step['effect']): Command =>
  command({
    name: `${name} ${JSON.stringify(more)}`,
    operation: name,
    input: ({ id }) => ({ KeyId: id, ...more }),
    expects: onChange,
    ...(effect && { effect }),
  })

const encrypt = (plaintext: string, context: string): Command =>
  command({
    name: `Encrypt ${plaintext} ${context}`,
    operation: 'Encrypt',
    input: ({ arn }) => ({ KeyId: arn, Plaintext: blob(plaintext), ...contextOf(context) }),
    expects: onUse,
    effect: (model, answer) => {
      model.sealed.push({ plaintext, context, blob: textOf(answer.json, 'CiphertextBlob') })
    },
  })

/** Decrypts an earlier ciphertext, by the right context or another. */
const decrypt = (pick: number, context: string): Command => ({
  check: ({ sealed }) => sealed.length > 0,
  toString: () => `Decrypt ${pick} ${context}`,
  async run(model, real) {
    const chosen = model.sealed[pick % model.sealed.length]
    assert.ok(chosen)
    const input = { CiphertextBlob: chosen.blob, ...contextOf(context) }
    const answer = await real.kms.kms('Decrypt', input)
    const onKey = model.state === 'Gone' ? 'AccessDeniedException' : onUse(model)
    const isRight = chosen.context === context
    const expected = onKey === 'ok' && !isRight ? 'InvalidCiphertextException' : onKey
    assert.equal(answer.status === 200 ? 'ok' : answer.json['__type'], expected, answer.text)
    if (expected === 'ok') assert.equal(answer.json['Plaintext'], blob(chosen.plaintext))
  },
})

const scheduled = (days: number): Command =>
  changes('ScheduleKeyDeletion', { PendingWindowInDays: days }, (model, answer) => {
    model.state = 'PendingDeletion'
    model.deletionDate = model.now + days * DAY_MS
    assert.equal(answer.json['DeletionDate'], model.deletionDate / 1000)
  })

const cancelled = command({
  name: 'CancelKeyDeletion',
  operation: 'CancelKeyDeletion',
  input: ({ id }) => ({ KeyId: id }),
  expects: onCancel,
  effect: (model) => {
    model.state = 'Disabled'
  },
})

const tagged = (key: string, value: string): Command =>
  changes('TagResource', { Tags: [{ TagKey: key, TagValue: value }] }, (model) => {
    model.tags.set(key, value)
  })

const untagged = (key: string): Command =>
  changes('UntagResource', { TagKeys: [key] }, (model) => {
    model.tags.delete(key)
  })

const nameOf = (real: Real, name: string): string => `alias/${real.id}-${name}`

const aliased = (name: string): Command =>
  command({
    name: `CreateAlias ${name}`,
    operation: 'CreateAlias',
    input: (real) => ({ AliasName: nameOf(real, name), TargetKeyId: real.id }),
    expects: (model) => {
      const onKey = onChange(model)
      return onKey === 'ok' && model.aliases.has(name) ? 'AlreadyExistsException' : onKey
    },
    effect: (model) => {
      model.aliases.add(name)
    },
  })

const unaliased = (name: string): Command =>
  command({
    name: `DeleteAlias ${name}`,
    operation: 'DeleteAlias',
    input: (real) => ({ AliasName: nameOf(real, name) }),
    expects: ({ state, aliases }) =>
      state === 'Gone' || !aliases.has(name) ? 'NotFoundException' : 'ok',
    effect: (model) => {
      model.aliases.delete(name)
    },
  })

const encryptByAlias = (name: string): Command =>
  command({
    name: `Encrypt by alias ${name}`,
    operation: 'Encrypt',
    input: (real) => ({ KeyId: nameOf(real, name), Plaintext: blob('by alias') }),
    expects: (model) => (model.aliases.has(name) ? onUse(model) : 'NotFoundException'),
  })

/** Time passes; the timed work may or may not come by. */
const passed = (days: number, worked: boolean): Command => ({
  check: () => true,
  toString: () => `${days} days pass${worked ? ', due work is done' : ''}`,
  async run(model, real) {
    real.node.clock.advance({ days })
    model.now += days * DAY_MS
    if (model.state === 'PendingDeletion' && model.deletionDate <= model.now) model.state = 'Gone'
    if (worked) await real.node.runTimedWork()
  },
})

const described: Command = {
  check: () => true,
  toString: () => 'look at everything',
  async run(model, { kms, id, arn }) {
    const answer = await kms.kms('DescribeKey', { KeyId: id })
    assert.equal(answer.status === 200 ? 'ok' : answer.json['__type'], onRead(model), answer.text)
    const keys = await kms.kms('ListKeys', { Limit: 1000 })
    assert.equal(keys.text.includes(arn), model.state !== 'Gone')
    if (model.state === 'Gone') return
    const metadata = answer.json['KeyMetadata'] as Record<string, unknown>
    assert.deepEqual(
      [metadata['KeyState'], metadata['Enabled'], metadata['Description']],
      [model.state, model.state === 'Enabled', model.description],
    )
    const isPending = model.state === 'PendingDeletion'
    assert.equal(metadata['DeletionDate'], isPending ? model.deletionDate / 1000 : undefined)
    const { json } = await kms.kms('ListResourceTags', { KeyId: id })
    const tags = listOf(json, 'Tags').map((tag) => [textOf(tag, 'TagKey'), textOf(tag, 'TagValue')])
    assert.deepEqual(new Map(tags as [string, string][]), model.tags)
    const aliases = await kms.kms('ListAliases', { KeyId: id })
    const names = listOf(aliases.json, 'Aliases').map((alias) => textOf(alias, 'AliasName'))
    assert.deepEqual(new Set(names.map((name) => name.slice(`alias/${id}-`.length))), model.aliases)
  },
}

const name = fc.constantFrom('x', 'y')
const context = fc.constantFrom('', 'one', 'two')
const commands = fc.commands(
  [
    fc
      .tuple(fc.string({ minLength: 1, maxLength: 20 }), context)
      .map(([text, c]) => encrypt(text, c)),
    fc.tuple(fc.nat(50), context).map(([pick, c]) => decrypt(pick, c)),
    fc.constant(changes('EnableKey', {}, (model) => void (model.state = 'Enabled'))),
    fc.constant(changes('DisableKey', {}, (model) => void (model.state = 'Disabled'))),
    fc.constantFrom(7, 8, 30).map(scheduled),
    fc.constant(cancelled),
    fc.string({ maxLength: 30 }).map((text) =>
      changes('UpdateKeyDescription', { Description: text }, (model) => {
        model.description = text
      }),
    ),
    fc
      .tuple(fc.constantFrom(...TAG_KEYS), fc.string({ maxLength: 5 }))
      .map(([k, v]) => tagged(k, v)),
    fc.constantFrom(...TAG_KEYS).map(untagged),
    name.map(aliased),
    name.map(unaliased),
    name.map(encryptByAlias),
    fc.tuple(fc.constantFrom(1, 6, 7), fc.boolean()).map(([days, worked]) => passed(days, worked)),
    fc.constant(described),
  ],
  { maxCommands: COMMANDS_MAX },
)

describe('one key and a model of it', () => {
  let node: MemoryNode
  let kms: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, '111122223333')
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  test('say the same about every sequence of calls', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const key = await createKey(kms)
        const model: Model = {
          state: 'Enabled',
          deletionDate: 0,
          now: node.clock.now(),
          description: '',
          tags: new Map(),
          aliases: new Set(),
          sealed: [],
        }
        await fc.asyncModelRun(() => ({ model, real: { node, kms, ...key } }), sequence)
        await described.run(model, { node, kms, ...key })
      }),
      { numRuns: RUNS },
    )
  })
})
