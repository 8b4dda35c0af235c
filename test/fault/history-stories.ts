import { randomBytes } from 'node:crypto'
import { wrapMaterial } from '../support/key-import.ts'
import type { Cell } from './history-checker.ts'
import { memberOf, type Principal } from './history-client.ts'
import { type Load, type Step, Unanswered } from './history-load.ts'

/** Something that one writer changes again and again, and that everybody uses. */
export interface Subject {
  /** Changes it. @throws {Unanswered} and then it is not changed any more */
  change(): Promise<void>
  /** Uses it at a node; any when absent. */
  use(node?: number): Promise<void>
}

/** Makes a subject. @throws {Unanswered} */
export type Story = (load: Load) => Promise<Subject>

const PLAINTEXT = Buffer.from('what is to be kept').toString('base64')
const DENIED = ['AccessDeniedException']
const OUT_OF_STATE = ['DisabledException', 'KMSInvalidStateException']

const held = (right: string): Cell => ({ register: right, value: 'held' })
const gone = (right: string): Cell => ({ register: right, value: 'gone' })

const policyOf = (...statements: object[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', Resource: '*', ...statement })),
  })

/** Alternates between two changes. */
const inTurn = (...changes: (() => Promise<unknown>)[]): (() => Promise<void>) => {
  let turn = 0
  return async () => {
    await changes[turn++ % changes.length]?.()
  }
}

/** An action of a principal that is allowed while the right is held. */
const useOf =
  (load: Load, right: string, step: Step, refusals: readonly string[] = DENIED) =>
  async (node?: number): Promise<void> => {
    await load.send({
      ...step,
      ...(node !== undefined && { node }),
      shows: () => [held(right)],
      refusals,
      refusalShows: [gone(right)],
    })
  }

async function newKey(load: Load, input: Record<string, unknown> = {}): Promise<string> {
  const reply = await load.succeed({ who: load.root, operation: 'CreateKey', input })
  return memberOf(reply, 'KeyId')
}

async function accountOf(load: Load): Promise<string> {
  const step = {
    who: load.root,
    service: 'sts',
    operation: 'GetCallerIdentity',
    input: {},
  } as const
  return memberOf(await load.succeed(step), 'Account')
}

const iam = (
  load: Load,
  operation: string,
  input: Record<string, unknown>,
  writes: readonly Cell[] = [],
): Step => ({ who: load.root, service: 'iam', operation, input, writes })

async function newUser(load: Load): Promise<{ name: string; arn: string; who: Principal }> {
  const name = load.name('user')
  const made = await load.succeed(iam(load, 'CreateUser', { UserName: name }))
  return { name, arn: memberOf(made, 'Arn'), who: await newAccessKey(load, name) }
}

async function newAccessKey(load: Load, userName: string): Promise<Principal> {
  const made = await load.succeed(iam(load, 'CreateAccessKey', { UserName: userName }))
  return {
    accessKeyId: memberOf(made, 'AccessKeyId'),
    secretAccessKey: memberOf(made, 'SecretAccessKey'),
  }
}

/** The key's state, by all four operations that change it. */
const state: Story = async (load) => {
  const KeyId = await newKey(load)
  const right = `state of ${KeyId}`
  const change =
    (operation: string, writes: readonly Cell[], input: object = {}) =>
    () =>
      load.succeed({ who: load.root, operation, input: { KeyId, ...input }, writes })
  load.history.push(beginning(held(right)))
  const enable = change('EnableKey', [held(right)])
  const schedule = change('ScheduleKeyDeletion', [gone(right)], { PendingWindowInDays: 7 })
  return {
    change: inTurn(
      change('DisableKey', [gone(right)]),
      enable,
      schedule,
      change('CancelKeyDeletion', [gone(right)]),
      enable,
    ),
    use: useOf(
      load,
      right,
      { who: load.root, operation: 'Encrypt', input: { KeyId, Plaintext: PLAINTEXT } },
      OUT_OF_STATE,
    ),
  }
}

/** What was so before anything was asked for. */
const beginning = (cell: Cell) => ({
  call: 'the beginning',
  startMs: -1,
  endMs: 0,
  outcome: 'done' as const,
  writes: [cell],
})

/** A right of a key's policy, for `arn`, that is put and taken away. */
async function policySubject(load: Load, arn: string, who: Principal): Promise<Subject> {
  const KeyId = await newKey(load)
  const right = `policy of ${KeyId}`
  const root = { AWS: `arn:aws:iam::${await accountOf(load)}:root` }
  const all = { Principal: root, Action: 'kms:*' }
  const put = (Policy: string, cell: Cell) => () =>
    load.succeed({
      who: load.root,
      operation: 'PutKeyPolicy',
      input: { KeyId, Policy },
      writes: [cell],
    })
  const allow = { Principal: { AWS: arn }, Action: 'kms:Encrypt' }
  const [give, take] = [put(policyOf(all, allow), held(right)), put(policyOf(all), gone(right))]
  await give()
  return {
    change: inTurn(take, give),
    use: useOf(load, right, { who, operation: 'Encrypt', input: { KeyId, Plaintext: PLAINTEXT } }),
  }
}

const userPolicy: Story = async (load) => {
  const { arn, who } = await newUser(load)
  return policySubject(load, arn, who)
}

/** The caller is a session of a role. */
const rolePolicy: Story = async (load) => {
  const user = await newUser(load)
  const RoleName = load.name('role')
  const trust = { Effect: 'Allow', Principal: { AWS: user.arn }, Action: 'sts:AssumeRole' }
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] })
  const made = await load.succeed(iam(load, 'CreateRole', { RoleName, AssumeRolePolicyDocument }))
  const RoleArn = memberOf(made, 'Arn')
  const session = await load.succeed({
    who: user.who,
    service: 'sts',
    operation: 'AssumeRole',
    input: { RoleArn, RoleSessionName: 'history' },
  })
  return policySubject(load, RoleArn, {
    accessKeyId: memberOf(session, 'AccessKeyId'),
    secretAccessKey: memberOf(session, 'SecretAccessKey'),
    sessionToken: memberOf(session, 'SessionToken'),
  })
}

/** Grants that are made and revoked; each is a right of its own kind, one after the other. */
const grant: Story = async (load) => {
  const KeyId = await newKey(load)
  const { arn, who } = await newUser(load)
  const right = `grant on ${KeyId}`
  const sealing = { who: load.root, operation: 'Encrypt', input: { KeyId, Plaintext: PLAINTEXT } }
  const CiphertextBlob = memberOf(await load.succeed(sealing), 'CiphertextBlob')
  let GrantId = ''
  const give = async (): Promise<void> => {
    const made = await load.succeed({
      who: load.root,
      operation: 'CreateGrant',
      input: { KeyId, GranteePrincipal: arn, Operations: ['Decrypt'] },
      writes: [held(right)],
    })
    GrantId = memberOf(made, 'GrantId')
  }
  const take = () =>
    load.succeed({
      who: load.root,
      operation: 'RevokeGrant',
      input: { KeyId, GrantId },
      writes: [gone(right)],
    })
  await give()
  return {
    change: inTurn(take, give),
    use: useOf(load, right, { who, operation: 'Decrypt', input: { CiphertextBlob } }),
  }
}

/** A managed policy that is attached and detached, for signing. */
const attachedPolicy: Story = async (load) => {
  const KeyId = await newKey(load, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const { name: UserName, who } = await newUser(load)
  const PolicyName = load.name('policy')
  const PolicyDocument = policyOf({ Action: 'kms:Sign' })
  const made = await load.succeed(iam(load, 'CreatePolicy', { PolicyName, PolicyDocument }))
  const input = { UserName, PolicyArn: memberOf(made, 'Arn') }
  const right = `policy on ${UserName}`
  const give = () => load.succeed(iam(load, 'AttachUserPolicy', input, [held(right)]))
  const take = () => load.succeed(iam(load, 'DetachUserPolicy', input, [gone(right)]))
  await give()
  const message = { Message: PLAINTEXT, SigningAlgorithm: 'ECDSA_SHA_256' }
  return {
    change: inTurn(take, give),
    use: useOf(load, right, { who, operation: 'Sign', input: { KeyId, ...message } }),
  }
}

/** Access keys, each used until it is deleted and then on. */
const accessKey: Story = async (load) => {
  const { name: UserName, who: first } = await newUser(load)
  const rightOf = ({ accessKeyId }: Principal): string => `access key ${accessKeyId}`
  let [current, former] = [first, first]
  load.history.push(beginning(held(rightOf(first))))
  const inline = { PolicyName: 'own', PolicyDocument: policyOf({ Action: 'kms:ListKeys' }) }
  await load.succeed(iam(load, 'PutUserPolicy', { UserName, ...inline }))
  return {
    async change() {
      former = current
      const next = await newAccessKey(load, UserName)
      load.history.push(beginning(held(rightOf(next))))
      current = next
      const input = { UserName, AccessKeyId: former.accessKeyId }
      await load.succeed(iam(load, 'DeleteAccessKey', input, [gone(rightOf(former))]))
    },
    async use(node) {
      const who = load.choice.below(2) === 0 ? current : former
      const step = { who, operation: 'ListKeys', input: { Limit: 1 } }
      await useOf(load, rightOf(who), step, ['UnrecognizedClientException'])(node)
    },
  }
}

/** Imported material that is deleted and imported again. */
const material: Story = async (load) => {
  const KeyId = await newKey(load, { Origin: 'EXTERNAL' })
  const right = `material of ${KeyId}`
  const algorithm = 'RSAES_OAEP_SHA_256'
  const parameters = await load.succeed({
    who: load.root,
    operation: 'GetParametersForImport',
    input: { KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: 'RSA_2048' },
  })
  const publicKey = Buffer.from(memberOf(parameters, 'PublicKey'), 'base64')
  const input = {
    KeyId,
    ImportToken: memberOf(parameters, 'ImportToken'),
    EncryptedKeyMaterial: wrapMaterial(publicKey, algorithm, randomBytes(32)).toString('base64'),
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  }
  const step = (operation: string, cell: Cell, what: Record<string, unknown>) => () =>
    load.succeed({ who: load.root, operation, input: what, writes: [cell] })
  const give = step('ImportKeyMaterial', held(right), input)
  await give()
  return {
    change: inTurn(step('DeleteImportedKeyMaterial', gone(right), { KeyId }), give),
    use: useOf(
      load,
      right,
      { who: load.root, operation: 'Encrypt', input: { KeyId, Plaintext: PLAINTEXT } },
      OUT_OF_STATE,
    ),
  }
}

/** A text that is written and read. */
const description: Story = async (load) => {
  const KeyId = await newKey(load, { Description: 'first' })
  const register = `description of ${KeyId}`
  load.history.push(beginning({ register, value: 'first' }))
  return {
    async change() {
      const value = load.name('text')
      await load.succeed({
        who: load.root,
        operation: 'UpdateKeyDescription',
        input: { KeyId, Description: value },
        writes: [{ register, value }],
      })
    },
    async use(node) {
      await load.send({
        who: load.root,
        operation: 'DescribeKey',
        input: { KeyId },
        ...(node !== undefined && { node }),
        shows: (reply) => [{ register, value: memberOf(reply, 'Description') }],
      })
    },
  }
}

export const STORIES = {
  state,
  userPolicy,
  rolePolicy,
  grant,
  attachedPolicy,
  accessKey,
  material,
  description,
} satisfies Readonly<Record<string, Story>>

/** How long everybody thinks between two calls, in milliseconds. */
export interface Pace {
  readonly writerMs: number
  readonly userMs: number
  readonly users: number
}

/** A change that took longer had to wait for a node that did not answer. */
const LONG_MS = 1000

/**
 * A story that goes on until it is stopped: one changes, some use. A subject whose change was not
 * answered is left as it is, since nobody knows what will become of it, and another one is made.
 */
export class Play {
  readonly #load: Load
  readonly #story: Story
  readonly #looks: Promise<void>[] = []
  readonly #begun = Promise.withResolvers<void>()
  /** Every one that there was. */
  readonly subjects: Subject[] = []
  readonly hasBegun: Promise<void> = this.#begun.promise

  constructor(load: Load, story: Story) {
    this.#load = load
    this.#story = story
  }

  async run(pace: Pace, isOver: () => boolean): Promise<void> {
    const users = Array.from({ length: pace.users }, () => this.#use(pace, isOver))
    await Promise.all([this.#change(pace, isOver), ...users])
    await Promise.all(this.#looks)
  }

  async #change({ writerMs }: Pace, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        const subject = await this.#story(this.#load)
        this.subjects.push(subject)
        this.#begun.resolve()
        let tookMs = 0
        while (!isOver()) {
          // While a change is under way, the old and the new are both right: what took long, since a
          // node did not answer, is left to be looked at for a while.
          await this.#think(Math.max(writerMs, tookMs / 2))
          const startMs = performance.now()
          await subject.change()
          tookMs = performance.now() - startMs
          if (tookMs > LONG_MS) this.#look(subject)
        }
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        await this.#think(writerMs)
      }
    }
  }

  /** Asks every node at once: those that stand still have the question in their sockets when they go on. */
  #look(subject: Subject): void {
    for (let node = 0; node < this.#load.nodes; node++) this.#looks.push(subject.use(node))
  }

  async #use({ userMs }: Pace, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.subjects.at(-1)?.use()
      await this.#think(userMs)
    }
  }

  #think(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, ms * (0.5 + this.#load.choice.fraction()))
    })
  }
}
