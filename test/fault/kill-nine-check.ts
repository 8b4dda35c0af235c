import assert from 'node:assert/strict'
import {
  type Answer,
  type JsonObject,
  type KmsCaller,
  listOf,
  objectOf,
  stringOf,
} from '../../bench/kms-caller.ts'
import { runStrongroom } from '../support/server-process.ts'
import { requestIdOf } from './kill-nine-load.ts'
import type { Ciphertext, KeyFacts, Model, Mutation, SeededChoice } from './kill-nine-model.ts'

/** Of what was not touched this round, so many are looked at again. */
const SAMPLE = 40
const CONCURRENCY = 12

/** An unanswered mutation, and whether the restarted server shows that it has happened. */
export interface Settled {
  readonly mutation: Mutation
  readonly hasHappened: boolean
}

/** Compares a restarted server with the model, through the API alone. */
export class Check {
  readonly #model: Model
  readonly #caller: KmsCaller
  readonly #choice: SeededChoice

  constructor(model: Model, caller: KmsCaller, choice: SeededChoice) {
    this.#model = model
    this.#caller = caller
    this.#choice = choice
  }

  /**
   * Every acknowledged thing is as it was acknowledged; an unanswered mutation has happened
   * entirely or not at all. Afterwards the model is what the server shows.
   */
  async everything(scope: 'touched and a sample' | 'all'): Promise<readonly Settled[]> {
    const unanswered = [...this.#model.unanswered]
    const settled = [
      ...(await this.#checkKeyList(unanswered)),
      ...(await this.#checkKeys(unanswered, scope)),
      ...(await this.#checkAliases(unanswered)),
    ]
    assert.equal(settled.length, unanswered.length, 'every unanswered mutation is settled')
    this.#model.unanswered.clear()
    this.#model.touched.clear()
    await this.#checkCiphertexts(scope)
    return settled
  }

  /** No acknowledged key is missing, and no key is there that nobody asked for. */
  async #checkKeyList(unanswered: readonly Mutation[]): Promise<Settled[]> {
    const listed = new Set(
      (await this.#pages('ListKeys', 'Keys', {})).map((entry) => stringOf(entry, 'KeyId')),
    )
    for (const keyId of this.#model.keys.keys())
      assert.ok(listed.has(keyId), `the acknowledged key ${keyId} is listed`)
    const created = new Map<Mutation, string>()
    for (const keyId of listed) {
      if (this.#model.keys.has(keyId)) continue
      const facts = await this.#read(keyId)
      const mutation = unanswered.find(
        (candidate) =>
          candidate.kind === 'create' && candidate.after.description === facts.description,
      )
      assert.ok(mutation?.kind === 'create', `someone asked for ${keyId}: ${JSON.stringify(facts)}`)
      assert.ok(!created.has(mutation), `one CreateKey makes one key: ${facts.description}`)
      assert.deepEqual(facts, mutation.after, 'a key that was made is complete')
      created.set(mutation, keyId)
      this.#model.apply(mutation, keyId)
    }
    return unanswered
      .filter(({ kind }) => kind === 'create')
      .map((mutation) => ({ mutation, hasHappened: created.has(mutation) }))
  }

  async #checkKeys(unanswered: readonly Mutation[], scope: string): Promise<Settled[]> {
    const settled: Settled[] = []
    const pending = new Map(
      unanswered.flatMap((mutation) =>
        mutation.kind === 'key' ? [[mutation.keyId, mutation] as const] : [],
      ),
    )
    const all = [...this.#model.keys.keys()]
    const chosen = new Set(
      scope === 'all'
        ? all
        : [...this.#model.touched, ...pending.keys(), ...this.#sampleOf(all, SAMPLE)],
    )
    await inParallel([...chosen], async (keyId) => {
      const actual = await this.#read(keyId)
      const mutation = pending.get(keyId)
      const hasHappened = mutation?.kind === 'key' && isSame(actual, mutation.after)
      if (mutation !== undefined) settled.push({ mutation, hasHappened })
      if (hasHappened) this.#model.apply(mutation)
      else assert.deepEqual(actual, this.#model.keys.get(keyId), `${keyId} as acknowledged`)
      if (actual.state === 'Enabled') await this.#checkMaterial(keyId)
    })
    return settled
  }

  async #checkAliases(unanswered: readonly Mutation[]): Promise<Settled[]> {
    const listed = new Map(
      (await this.#pages('ListAliases', 'Aliases', {}))
        .filter((entry) => !stringOf(entry, 'AliasName').startsWith('alias/aws/'))
        .map((entry) => [stringOf(entry, 'AliasName'), stringOf(entry, 'TargetKeyId')] as const),
    )
    const settled: Settled[] = []
    for (const mutation of unanswered) {
      if (mutation.kind !== 'alias') continue
      const hasHappened = listed.get(mutation.alias) === mutation.after
      settled.push({ mutation, hasHappened })
      if (hasHappened) this.#model.apply(mutation)
    }
    assert.deepEqual(sorted(listed), sorted(this.#model.aliases), 'aliases as acknowledged')
    return settled
  }

  async #checkCiphertexts(scope: string): Promise<void> {
    const all = this.#model.ciphertexts
    const recent = all.slice(-10 * SAMPLE)
    const chosen = scope === 'all' ? all : [...recent, ...this.#sampleOf(all, SAMPLE)]
    await inParallel(chosen, (ciphertext) => this.#checkCiphertext(ciphertext))
  }

  async #checkCiphertext({ keyId, blob, plaintext, context }: Ciphertext): Promise<void> {
    const answer = await this.#call('Decrypt', { CiphertextBlob: blob, EncryptionContext: context })
    const state = this.#model.keys.get(keyId)?.state
    if (state === 'Enabled') assert.equal(answer.body['Plaintext'], plaintext)
    else {
      const code = state === 'Disabled' ? 'DisabledException' : 'KMSInvalidStateException'
      assert.equal(answer.body['__type'], code)
    }
  }

  /** A key without material would show here. */
  async #checkMaterial(keyId: string): Promise<void> {
    const sealed = await this.#succeed('Encrypt', { KeyId: keyId, Plaintext: 'c3Ryb25n' })
    const blob = stringOf(sealed, 'CiphertextBlob')
    const opened = await this.#succeed('Decrypt', { CiphertextBlob: blob })
    assert.equal(opened['Plaintext'], 'c3Ryb25n')
  }

  async #read(keyId: string): Promise<KeyFacts> {
    const metadata = objectOf(await this.#succeed('DescribeKey', { KeyId: keyId }), 'KeyMetadata')
    const tags = await this.#pages('ListResourceTags', 'Tags', { KeyId: keyId })
    const policy = await this.#succeed('GetKeyPolicy', { KeyId: keyId, PolicyName: 'default' })
    const document: unknown = JSON.parse(stringOf(policy, 'Policy'))
    const state = stringOf(metadata, 'KeyState')
    assert.ok(state === 'Enabled' || state === 'Disabled' || state === 'PendingDeletion', state)
    assert.equal('DeletionDate' in metadata, state === 'PendingDeletion')
    return {
      state,
      description: stringOf(metadata, 'Description'),
      tags: Object.fromEntries(
        tags.map((tag) => [stringOf(tag, 'TagKey'), stringOf(tag, 'TagValue')]),
      ),
      policyId: stringOf({ ...Object(document) }, 'Id'),
    }
  }

  async #pages(operation: string, member: string, input: object): Promise<readonly JsonObject[]> {
    const items: JsonObject[] = []
    let marker: unknown
    do {
      const at = marker === undefined ? {} : { Marker: marker }
      const page = await this.#succeed(operation, { ...input, ...at })
      items.push(...listOf(page, member))
      marker = page['Truncated'] === true ? page['NextMarker'] : undefined
    } while (marker !== undefined)
    return items
  }

  #sampleOf<T>(list: readonly T[], size: number): T[] {
    return Array.from({ length: Math.min(size, list.length) }, () => this.#choice.of(list)).filter(
      (item) => item !== undefined,
    )
  }

  async #succeed(operation: string, input: object): Promise<JsonObject> {
    const { status, body } = await this.#call(operation, input)
    assert.equal(status, 200, `${operation} ${JSON.stringify(input)}: ${JSON.stringify(body)}`)
    return body
  }

  async #call(operation: string, input: object): Promise<Answer> {
    const answer = await this.#caller.call(operation, input, 'kill-nine check')
    this.#model.acknowledged.push(requestIdOf(answer))
    return answer
  }
}

/**
 * The log holds each acknowledged call exactly once, refusals included; a mutation without an answer
 * is in it exactly when it has happened; and the chain is whole.
 */
export async function checkAudit(
  dataFolder: string,
  model: Model,
  settled: readonly Settled[],
): Promise<void> {
  const verified = await runStrongroom(['audit', 'verify', '--data', dataFolder])
  assert.equal(verified.exitCode, 0, `audit verify: ${verified.stdout}${verified.stderr}`)
  const printed = await runStrongroom(['audit', 'cat', '--data', dataFolder])
  assert.equal(printed.exitCode, 0, printed.stderr)
  const times = new Map<string, number>()
  const succeeded = new Map<string, number>()
  for (const line of printed.stdout.split('\n')) {
    if (line === '') continue
    const record: JsonObject = JSON.parse(line)
    if (typeof record['requestID'] === 'string') count(times, record['requestID'])
    if (typeof record['userAgent'] === 'string' && record['errorCode'] === undefined)
      count(succeeded, record['userAgent'])
  }
  const missing = model.acknowledged.filter((requestId) => !times.has(requestId))
  assert.deepEqual(missing, [], 'every acknowledged call is in the audit log')
  const repeated = [...times].filter(([, occurrences]) => occurrences !== 1)
  assert.deepEqual(repeated, [], 'no call is in the audit log twice')
  for (const { mutation, hasHappened } of settled) {
    const expected = hasHappened ? 1 : 0
    const what = `${mutation.operation} without an answer, ${hasHappened ? '' : 'not '}done`
    assert.equal(succeeded.get(mutation.userAgent) ?? 0, expected, `${what}, in the audit log`)
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function sorted(aliases: ReadonlyMap<string, string>): object {
  return Object.fromEntries([...aliases].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isSame(a: KeyFacts, b: KeyFacts): boolean {
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items.values()
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    for (const item of iterator) await work(item)
  })
  await Promise.all(workers)
}
