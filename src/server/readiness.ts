import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../core/ports.ts'
import type { HttpTransport } from './http/http-transport.ts'
import type { NodeAudit } from './node/node-audit.ts'
import type { NodeState } from './node/node-state.ts'

/** What `/-/ready` answers, and how a node takes its leave of the balancers that ask. */
export class Readiness {
  #isLeaving = false

  /** Whether calls would be answered, also in a while: they are recorded, and what is cached is true. */
  isReady({
    audit,
    state,
  }: {
    readonly audit: Pick<NodeAudit, 'isFailing'>
    readonly state: Pick<NodeState, 'store'>
  }): boolean {
    return !this.#isLeaving && !audit.isFailing() && state.store.freshness?.isFresh() !== false
  }

  /**
   * Says no from now on, and serves on for so long: whoever asks hears of it and sends nothing more.
   * Each answer ends its connection, so that clients which keep theirs open go elsewhere.
   */
  async leave(
    transport: Pick<HttpTransport, 'endConnections'> | undefined,
    seconds: number,
    log: Log,
  ): Promise<void> {
    this.#isLeaving = true
    if (seconds === 0 || transport === undefined) return
    transport.endConnections()
    log.info({ seconds }, 'not ready any more: serving on until balancers have heard of it')
    await delay(seconds * 1000)
  }
}
