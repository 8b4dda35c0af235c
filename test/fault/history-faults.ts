import { setTimeout as delay } from 'node:timers/promises'
import type { ServerProcess } from '../support/server-process.ts'
import type { SeededChoice } from './kill-nine-model.ts'

export type StartNode = (env: Readonly<Record<string, string>>) => Promise<ServerProcess>

/** A node that faults happen to. */
export class HistoryNode {
  readonly folder: string
  readonly #start: StartNode
  process: ServerProcess | undefined

  constructor(folder: string, start: StartNode) {
    this.folder = folder
    this.#start = start
  }

  /** A port that nobody listens at while the node is down. */
  endpoint(): string {
    return this.process?.endpoint ?? 'http://127.0.0.1:1'
  }

  /** @param env added to its environment, this once */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.process = await this.#start(env)
  }

  signal(signal: NodeJS.Signals): void {
    if (this.process !== undefined) process.kill(-this.process.pid, signal)
  }

  /** Ends it, whatever became of it. */
  async kill(): Promise<void> {
    if (this.process?.hasExited === false) this.signal('SIGCONT')
    await this.process?.kill9()
  }
}

/** What happens to a node, and is over when the promise resolves. */
export type Fault<N extends HistoryNode = HistoryNode> = (
  node: N,
  longMs: number,
  choice: SeededChoice,
) => Promise<void>

/** How long long faults take at least: longer than others wait for a node that is silent, and shorter than a client waits. */
const LONG_MS = 3600
const LONG_SPAN_MS = 1500
/** … where others are to go on without a node for long. */
const LONGER_MS = 5200

/** What can happen to any process. */
export const PROCESS_FAULTS = {
  /** It stands still, is given up, and goes on with what came in meanwhile. */
  async pause(node, longMs) {
    node.signal('SIGSTOP')
    await delay(longMs)
    node.signal('SIGCONT')
  },
  async 'short pause'(node, _longMs, choice) {
    node.signal('SIGSTOP')
    await delay(1000 * choice.fraction())
    node.signal('SIGCONT')
  },
  async 'kill -9'(node) {
    await node.process?.kill9()
    await node.start()
  },
} satisfies Readonly<Record<string, Fault>>

export interface FaultChoice<N extends HistoryNode> {
  readonly faults: Readonly<Record<string, Fault<N>>>
  readonly areLonger?: boolean
}

/** Lets one fault after the other happen to nodes in turn, until it is over. */
export async function torment<N extends HistoryNode>(
  nodes: readonly N[],
  { faults, areLonger = false }: FaultChoice<N>,
  choice: SeededChoice,
  isOver: () => boolean,
  onFault: (what: string) => void,
): Promise<void> {
  let deck: (readonly [string, Fault<N>])[] = []
  while (!isOver()) {
    if (deck.length === 0) {
      deck = Object.entries(faults).toSorted(() => choice.fraction() - 0.5)
    }
    const [name, fault] = deck.pop() ?? []
    const at = choice.below(nodes.length)
    const node = nodes[at]
    if (fault === undefined || node === undefined) return
    onFault(`${name} of node ${at}`)
    const longMs = (areLonger ? LONGER_MS : LONG_MS) + choice.fraction() * LONG_SPAN_MS
    await fault(node, longMs, choice)
    await delay(choice.fraction() * 400)
  }
}
