import assert from 'node:assert/strict'
import { type Answer, type KmsCaller, objectOf, stringOf } from '../../bench/kms-caller.ts'
import type { KeyFacts, Model, Mutation, SeededChoice } from './kill-nine-model.ts'

/** Older keys rest, so that a lane's keys are changed often and each check has few to look at. */
const WORKING_SET = 6
const TAG_KEYS = ['team', 'stage', 'cost', 'owner']

type Step = () => Promise<void>

/** A client that waits for each answer before it sends the next call; a dozen of them are the load. */
export class Lane {
  readonly #name: string
  readonly #accountId: string
  readonly #model: Model
  readonly #choice: SeededChoice
  readonly #caller: KmsCaller
  readonly #keyIds: string[] = []
  readonly #aliases: string[] = []
  #calls = 0
  /** Acknowledged changes of stored state. */
  acknowledgedWrites = 0

  constructor(parts: {
    readonly name: string
    readonly accountId: string
    readonly model: Model
    readonly choice: SeededChoice
    readonly caller: KmsCaller
  }) {
    this.#name = parts.name
    this.#accountId = parts.accountId
    this.#model = parts.model
    this.#choice = parts.choice
    this.#caller = parts.caller
  }

  /** Calls until the connection breaks, which it must: the server is going to be killed. */
  async run(isKilled: () => boolean): Promise<void> {
    while (true) {
      try {
        await this.#nextStep()()
      } catch (cause) {
        if (isKilled() && !(cause instanceof assert.AssertionError)) return
        throw cause
      }
    }
  }

  #nextStep(): Step {
    const keyId = this.#choice.of(this.#keyIds.slice(-WORKING_SET))
    if (keyId === undefined || this.#choice.below(14) === 0) return () => this.#createKey()
    const facts = this.#factsOf(keyId)
    const step = this.#choice.of(this.#stepsFor(keyId, facts))
    assert.ok(step)
    return step
  }

  #stepsFor(keyId: string, facts: KeyFacts): readonly Step[] {
    if (facts.state === 'PendingDeletion') {
      const after = { ...facts, state: 'Disabled' } as const
      return [() => this.#changeKey('CancelKeyDeletion', keyId, {}, after)]
    }
    const steps: Step[] = [
      () => this.#describeAnew(keyId, facts),
      () => this.#tag(keyId, facts),
      () => this.#untag(keyId, facts),
      () => this.#putPolicy(keyId, facts),
      () => this.#createAlias(keyId),
      () => this.#moveOrDeleteAlias(keyId),
      () => this.#scheduleDeletion(keyId, facts),
    ]
    if (facts.state === 'Disabled') {
      const after = { ...facts, state: 'Enabled' } as const
      const enable: Step = () => this.#changeKey('EnableKey', keyId, {}, after)
      return [...steps, () => this.#refusedEncrypt(keyId), enable, enable]
    }
    const after = { ...facts, state: 'Disabled' } as const
    const encrypt: Step = () => this.#encrypt(keyId)
    const dataKey: Step = () => this.#generateDataKey(keyId)
    const disable: Step = () => this.#changeKey('DisableKey', keyId, {}, after)
    return [...steps, encrypt, encrypt, dataKey, disable]
  }

  async #createKey(): Promise<void> {
    const label = this.#label()
    const tags = { team: label, stage: 'new' }
    const input = {
      Description: label,
      Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
      Policy: this.#policy(label),
    }
    const after = { state: 'Enabled', description: label, tags, policyId: label } as const
    const mutation = this.#mutation('CreateKey', input)
    const body = await this.#mutate({ ...mutation, kind: 'create', after })
    this.#keyIds.push(stringOf(objectOf(body, 'KeyMetadata'), 'KeyId'))
  }

  #describeAnew(keyId: string, facts: KeyFacts): Promise<void> {
    const description = this.#label()
    const input = { Description: description }
    return this.#changeKey('UpdateKeyDescription', keyId, input, { ...facts, description })
  }

  #tag(keyId: string, facts: KeyFacts): Promise<void> {
    // Two at once: after a crash both are there or neither.
    const first = this.#choice.below(TAG_KEYS.length)
    const added = Object.fromEntries(
      [first, (first + 1) % TAG_KEYS.length].map((at) => [TAG_KEYS[at] ?? '', this.#label()]),
    )
    const input = {
      Tags: Object.entries(added).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    }
    const tags = { ...facts.tags, ...added }
    return this.#changeKey('TagResource', keyId, input, { ...facts, tags })
  }

  #untag(keyId: string, facts: KeyFacts): Promise<void> {
    const removed = this.#choice.of(Object.keys(facts.tags))
    if (removed === undefined) return this.#tag(keyId, facts)
    const { [removed]: _, ...tags } = facts.tags
    return this.#changeKey('UntagResource', keyId, { TagKeys: [removed] }, { ...facts, tags })
  }

  #putPolicy(keyId: string, facts: KeyFacts): Promise<void> {
    const policyId = this.#label()
    const input = { PolicyName: 'default', Policy: this.#policy(policyId) }
    return this.#changeKey('PutKeyPolicy', keyId, input, { ...facts, policyId })
  }

  #scheduleDeletion(keyId: string, facts: KeyFacts): Promise<void> {
    const after = { ...facts, state: 'PendingDeletion' } as const
    return this.#changeKey('ScheduleKeyDeletion', keyId, { PendingWindowInDays: 7 }, after)
  }

  async #createAlias(keyId: string): Promise<void> {
    const alias = `alias/${this.#label()}`
    const input = { AliasName: alias, TargetKeyId: keyId }
    await this.#mutate({
      ...this.#mutation('CreateAlias', input),
      kind: 'alias',
      alias,
      after: keyId,
    })
    this.#aliases.push(alias)
  }

  async #moveOrDeleteAlias(keyId: string): Promise<void> {
    const alias = this.#choice.of(this.#aliases)
    const target = alias === undefined ? undefined : this.#model.aliases.get(alias)
    if (alias === undefined || target === undefined) return this.#createAlias(keyId)
    if (target !== keyId && this.#factsOf(target).state !== 'PendingDeletion') {
      const input = { AliasName: alias, TargetKeyId: keyId }
      const mutation = this.#mutation('UpdateAlias', input)
      await this.#mutate({ ...mutation, kind: 'alias', alias, after: keyId })
      return
    }
    const mutation = this.#mutation('DeleteAlias', { AliasName: alias })
    await this.#mutate({ ...mutation, kind: 'alias', alias, after: undefined })
    this.#aliases.splice(this.#aliases.indexOf(alias), 1)
  }

  async #encrypt(keyId: string): Promise<void> {
    const plaintext = Buffer.from(this.#label()).toString('base64')
    const context = { lane: this.#name, call: this.#label() }
    const input = { KeyId: keyId, Plaintext: plaintext, EncryptionContext: context }
    const body = await this.#expectOk('Encrypt', input)
    this.#model.ciphertexts.push({
      keyId,
      plaintext,
      context,
      blob: stringOf(body, 'CiphertextBlob'),
    })
  }

  async #generateDataKey(keyId: string): Promise<void> {
    const context = { lane: this.#name, call: this.#label() }
    const input = { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: context }
    const body = await this.#expectOk('GenerateDataKey', input)
    this.#model.ciphertexts.push({
      keyId,
      context,
      plaintext: stringOf(body, 'Plaintext'),
      blob: stringOf(body, 'CiphertextBlob'),
    })
  }

  /** Refusals are recorded as durably as everything else. */
  async #refusedEncrypt(keyId: string): Promise<void> {
    const answer = await this.#send('Encrypt', { KeyId: keyId, Plaintext: 'AAAA' }, this.#label())
    assert.equal(answer.body['__type'], 'DisabledException')
  }

  async #changeKey(
    operation: string,
    keyId: string,
    input: object,
    after: KeyFacts,
  ): Promise<void> {
    const mutation = this.#mutation(operation, { KeyId: keyId, ...input })
    await this.#mutate({ ...mutation, kind: 'key', keyId, after })
  }

  async #mutate(mutation: Mutation): Promise<Answer['body']> {
    this.#model.unanswered.add(mutation)
    const body = await this.#expectOk(mutation.operation, mutation.input, mutation.userAgent)
    this.#model.unanswered.delete(mutation)
    const created = mutation.kind === 'create' ? objectOf(body, 'KeyMetadata') : undefined
    this.#model.apply(mutation, created === undefined ? undefined : stringOf(created, 'KeyId'))
    this.acknowledgedWrites++
    return body
  }

  async #expectOk(
    operation: string,
    input: object,
    userAgent = this.#label(),
  ): Promise<Answer['body']> {
    const { status, body } = await this.#send(operation, input, userAgent)
    assert.equal(status, 200, `${operation} ${JSON.stringify(input)}: ${JSON.stringify(body)}`)
    return body
  }

  async #send(operation: string, input: object, userAgent: string): Promise<Answer> {
    const answer = await this.#caller.call(operation, input, userAgent)
    this.#model.acknowledged.push(requestIdOf(answer))
    return answer
  }

  #mutation(operation: string, input: object): Pick<Mutation, 'operation' | 'input' | 'userAgent'> {
    return { operation, input, userAgent: this.#label() }
  }

  #factsOf(keyId: string): KeyFacts {
    const facts = this.#model.keys.get(keyId)
    assert.ok(facts)
    return facts
  }

  /** Unique among all lanes of all rounds. */
  #label(): string {
    return `${this.#name}-${this.#calls++}`
  }

  #policy(id: string): string {
    const principal = { AWS: `arn:aws:iam::${this.#accountId}:root` }
    const statement = { Effect: 'Allow', Principal: principal, Action: 'kms:*', Resource: '*' }
    return JSON.stringify({ Version: '2012-10-17', Id: id, Statement: [statement] })
  }
}

/** The request id that the server gave the call. */
export function requestIdOf(answer: Answer): string {
  const requestId = answer.headers['x-amzn-requestid']
  assert.ok(typeof requestId === 'string' && requestId !== '', 'every answer has a request id')
  return requestId
}
