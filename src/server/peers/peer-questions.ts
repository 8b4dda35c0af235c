import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { DependencyError } from '../../core/errors.ts'
import type { Log, Random } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import { NONCE_BYTES, type OneTimeCipher } from '../../crypto/one-time-cipher.ts'
import type { NodeMail, NodeMessage } from '../../storage/postgres/node-mail.ts'
import { type Repetition, repeat } from '../repeat.ts'
import { NodeAway } from './node-away.ts'
import type { PeerQuestion, Peers } from './peers.ts'

/** How long the others have for their answers: an index may first have to take in what is new. */
const ANSWER_MS = 20_000
/** How often this node looks for messages by itself, where it is told of them and where it is not. */
const LOOK_MS = 2000
const LOOK_WAITING_MS = 250
/** Questions of this node that may wait for their answers at once. */
const WAITING_MAX = 50
/** What an answer may be when it is unpacked. Unit: bytes */
const ANSWER_BYTES_MAX = 134_217_728

export interface PeerParts {
  /** Of this node. */
  readonly nodeId: string
  readonly mail: NodeMail
  /** Under a key that all nodes of the store share, and nobody else has. */
  readonly cipher: OneTimeCipher
  readonly random: Random
  readonly log: Log
  /** What this node answers for itself. */
  readonly answer: (question: PeerQuestion) => Promise<unknown>
  readonly answerMs?: number
}

interface Waiting {
  readonly peer: string
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: Error) => void
}

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/**
 * Asks the other nodes of a store, and answers them: by messages through the database, which every node reaches that
 * serves at all. What is in a message only nodes of the store can read and write.
 */
export class PeerQuestions implements Peers {
  readonly #parts: PeerParts
  readonly #waiting = new Map<string, Waiting>()
  readonly #looking: Repetition
  #round: Promise<void> | undefined
  #isRoused = false

  constructor(parts: PeerParts) {
    this.#parts = parts
    let rounds = 0
    this.#looking = repeat(
      async () => {
        rounds += 1
        if (this.#waiting.size > 0 || rounds % (LOOK_MS / LOOK_WAITING_MS) === 0) this.#look()
      },
      LOOK_WAITING_MS,
      () => undefined,
    )
    parts.mail.onMail(() => this.#look())
  }

  async others(): Promise<readonly string[]> {
    return (await this.#parts.mail.members()).map(({ nodeId }) => nodeId)
  }

  async ask(question: PeerQuestion, of: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    if (of.length === 0) return new Map()
    const members = await this.#parts.mail.members()
    for (const peer of of) {
      const member = members.find(({ nodeId }) => nodeId === peer)
      if (member === undefined) throw notAsked(peer, 'is not known any more')
      if (!member.isLive) throw notAsked(peer, 'does not run')
    }
    if (this.#waiting.size + of.length > WAITING_MAX) {
      throw new DependencyError('too many questions to other nodes wait for their answers already')
    }
    const answers = await Promise.all(of.map((peer) => this.#askOne(question, peer)))
    return new Map(of.map((peer, at) => [peer, answers[at]]))
  }

  async close(): Promise<void> {
    await this.#looking.stop()
    for (const { peer, reject } of this.#waiting.values()) {
      reject(notAsked(peer, 'was still being asked when this node was stopped'))
    }
    this.#waiting.clear()
    await this.#round
  }

  async #askOne(question: PeerQuestion, peer: string): Promise<unknown> {
    const { nodeId, mail, answerMs = ANSWER_MS } = this.#parts
    const id = randomUUID()
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    // Nobody may be waiting yet when it is rejected.
    promise.catch(() => undefined)
    this.#waiting.set(id, { peer, resolve, reject })
    const timer = setTimeout(
      () => reject(notAsked(peer, `did not answer within ${answerMs / 1000} seconds`)),
      answerMs,
    )
    try {
      const body = await this.#sealed(question, ['question', id, nodeId, peer])
      await mail.send({ recipient: peer, id: `question/${id}`, body })
      const answer = await this.#opened(await promise, ['answer', id, peer, nodeId])
      if (isFailure(answer)) throw notAsked(peer, `could not tell: ${answer.failure}`)
      if (isResult(answer)) return answer.result
      throw notAsked(peer, 'gave an answer that is none')
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Takes what has come. Of several calls meanwhile, one looks again. */
  #look(): void {
    this.#isRoused = true
    this.#round ??= this.#takeAll().finally(() => {
      this.#round = undefined
    })
  }

  async #takeAll(): Promise<void> {
    while (this.#isRoused) {
      this.#isRoused = false
      try {
        for (const message of await this.#parts.mail.take()) this.#take(message)
      } catch {
        // The database is away: who asks, or is asked, is told when time is over.
        return
      }
    }
  }

  #take(message: NodeMessage): void {
    const [kind, id = ''] = message.id.split('/', 2)
    if (kind === 'answer') this.#waiting.get(id)?.resolve(message.body)
    // Who asked so long ago does not wait any more.
    if (kind === 'question' && message.ageMs < ANSWER_MS) void this.#reply(message, id)
  }

  async #reply({ sender, body }: NodeMessage, id: string): Promise<void> {
    const { nodeId, mail, log } = this.#parts
    try {
      const question = await this.#opened(body, ['question', id, sender, nodeId])
      if (question === undefined) {
        log.warn({ target: sender }, 'a message in the database is not from a node of this store')
        return
      }
      const answer = await this.#resultOf(question)
      const sealed = await this.#sealed(answer, ['answer', id, nodeId, sender])
      await mail.send({ recipient: sender, id: `answer/${id}`, body: sealed })
    } catch (error) {
      log.error({ target: sender }, 'another node was given no answer', error)
    }
  }

  async #resultOf(question: unknown): Promise<object> {
    if (!isQuestion(question)) return { failure: 'it is of another version' }
    try {
      return { result: await this.#parts.answer(question) }
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) }
    }
  }

  async #sealed(value: unknown, bound: readonly string[]): Promise<Uint8Array> {
    const { cipher, random } = this.#parts
    using packed = new Secret(await deflate(JSON.stringify(value)))
    return cipher.encrypt(packed, bound, random.bytes(NONCE_BYTES))
  }

  /** Undefined for what no node of the store has written, for this place. */
  async #opened(body: Uint8Array, bound: readonly string[]): Promise<unknown> {
    using packed = this.#parts.cipher.decrypt(body, bound)
    if (packed === undefined) return undefined
    const text = await inflate(packed.expose(), { maxOutputLength: ANSWER_BYTES_MAX })
    return JSON.parse(text.toString('utf8'))
  }
}

const notAsked = (peer: string, why: string): NodeAway =>
  new NodeAway(`the node ${peer} ${why}: what is in its audit log is not known here`)

const isFailure = (answer: unknown): answer is { readonly failure: string } =>
  typeof answer === 'object' && answer !== null && 'failure' in answer

const isResult = (answer: unknown): answer is { readonly result: unknown } =>
  typeof answer === 'object' && answer !== null && 'result' in answer

const KINDS: ReadonlySet<unknown> = new Set(['search', 'counts', 'request'])

// From a node of the store, which is this program: only its version may be another one.
const isQuestion = (value: unknown): value is PeerQuestion =>
  typeof value === 'object' && value !== null && 'what' in value && KINDS.has(value.what)
