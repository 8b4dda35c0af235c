import type { StartOptions } from '../../cli/program.ts'
import type { AdmitOperator } from '../admin-endpoints.ts'
import type { TlsCredentials } from '../http/http-server.ts'
import type { HttpTransport } from '../http/http-transport.ts'
import type { NodeState, StateParts } from '../node/node-state.ts'
import type { Repetition } from '../repeat.ts'
import { ensureOperatorAuthority } from './operator-authority.ts'
import { chooseOperators, type OperatorChoice } from './operator-choice.ts'
import { OperatorGate } from './operator-gate.ts'
import { followOperators } from './operator-renewal.ts'
import { type OperatorTrust, ownOperatorTrust, readOperatorTrust } from './operator-trust.ts'
import { chooseTls, type TlsChoice } from './tls-choice.ts'
import { ownCredentials } from './tls-credentials.ts'
import { readTlsFiles } from './tls-files.ts'
import { followCertificate } from './tls-renewal.ts'

/** How an endpoint is secured, with what is in files. */
export interface ChosenTls {
  readonly tls: TlsChoice
  /** Of files; the node's own are behind its seal. */
  readonly given: TlsCredentials | undefined
  readonly operators: OperatorChoice | undefined
  readonly trusted: OperatorTrust | undefined
}

/** Reads the files: what is wrong with them is not a matter of the data folder. @throws OperatorError */
export async function readChosenTls(
  options: StartOptions,
  { clock }: Pick<StateParts, 'clock'>,
): Promise<ChosenTls> {
  const tls = chooseTls(options)
  const operators = chooseOperators(options, tls)
  return {
    tls,
    given: tls.kind === 'files' ? await readTlsFiles(tls, clock.now()) : undefined,
    operators,
    trusted:
      operators?.kind === 'files' ? await readOperatorTrust(operators, clock.now()) : undefined,
  }
}

/** The TLS of a node's endpoint, and what keeps it as it should be. */
export class NodeTls {
  readonly #chosen: ChosenTls
  readonly #options: StartOptions
  readonly #state: NodeState
  readonly #parts: StateParts
  #certificate: TlsCredentials | undefined
  #trust: OperatorTrust | undefined
  #gate: OperatorGate | undefined

  private constructor(
    chosen: ChosenTls,
    options: StartOptions,
    state: NodeState,
    parts: StateParts,
  ) {
    this.#chosen = chosen
    this.#options = options
    this.#state = state
    this.#parts = parts
  }

  /** @throws OperatorError for a host that no certificate can name */
  static async open(
    chosen: ChosenTls,
    options: StartOptions,
    state: NodeState,
    parts: StateParts,
  ): Promise<NodeTls> {
    const tls = new NodeTls(chosen, options, state, parts)
    tls.#certificate = chosen.tls.kind === 'own' ? await tls.#issue() : chosen.given
    tls.#trust = chosen.operators?.kind === 'own' ? await tls.#ownTrust() : chosen.trusted
    if (tls.#trust !== undefined) tls.#gate = new OperatorGate(tls.#trust, parts)
    return tls
  }

  /** Absent for plain HTTP. */
  get credentials(): TlsCredentials | undefined {
    if (this.#certificate === undefined || this.#trust === undefined) return this.#certificate
    return { ...this.#certificate, clientAuthorities: this.#trust.pem }
  }

  /** Absent where operators are asked for no certificate. */
  get admit(): AdmitOperator | undefined {
    return this.#gate?.admit
  }

  /** Follows what changes while the endpoint is open: nothing of it needs a restart. */
  follow(transport: HttpTransport): readonly Repetition[] {
    const renew = (): void => {
      if (this.credentials !== undefined) transport.renew(this.credentials)
    }
    const { tls, operators } = this.#chosen
    const certificate = followCertificate(tls, this.#certificate, {
      ...this.#parts,
      use: (next) => {
        const before = this.#certificate
        this.#certificate = next
        try {
          renew()
        } catch (error) {
          this.#certificate = before
          throw error
        }
      },
      issue: () => this.#issue(),
    })
    const trusted = followOperators(operators, this.#trust, {
      ...this.#parts,
      use: (next) => {
        this.#trust = next
        this.#gate?.trust(next)
        // What clients are told to choose from; whom the gate lets in has changed already.
        renew()
      },
      ownTrust: () => this.#ownTrust(),
    })
    return [certificate, trusted].filter((repetition) => repetition !== undefined)
  }

  #issue(): Promise<TlsCredentials> {
    return ownCredentials(this.#options, this.#state, this.#parts)
  }

  async #ownTrust(): Promise<OperatorTrust> {
    const { records } = this.#state
    const authority = await ensureOperatorAuthority({ ...this.#parts, records })
    return ownOperatorTrust(authority.record.publicPart)
  }
}
