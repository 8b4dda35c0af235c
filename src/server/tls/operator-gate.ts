import type { Clock, Log } from '../../core/ports.ts'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import { jsonReply } from '../admin-endpoints.ts'
import {
  judgeOperator,
  nameOf,
  type OperatorRefusal,
  type OperatorTrust,
} from './operator-trust.ts'

/** How often a reason is told: anybody who reaches the port can be refused as often as he likes. */
const TELL_MS = 60_000

const PASSED_ON: OperatorRefusal = {
  code: 'OperatorBehindProxy',
  error: 'a proxy has passed the request on: whose certificate it was cannot be known here',
}

/** Of what a stranger has written, what a line of the log takes. Unit: UTF-16 code units. */
const TEXT_MAX = 200

const shortened = (text: string): string => text.slice(0, TEXT_MAX)

interface Told {
  readonly at: number
  /** Refusals since then that were not told. */
  others: number
}

/** Asks whoever comes to a path of operators for the certificate of one. */
export class OperatorGate {
  readonly #clock: Clock
  readonly #log: Log
  readonly #told = new Map<string, Told>()
  #trust: OperatorTrust

  constructor(trust: OperatorTrust, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#trust = trust
    this.#clock = clock
    this.#log = log
  }

  /** Takes others for operators from the next request on. */
  trust(trust: OperatorTrust): void {
    this.#trust = trust
  }

  /** The refusal of a request that is not an operator's; undefined for one that is. */
  readonly admit = (request: HttpRequest): HttpReply | undefined => {
    const refusal = this.#refusalOf(request)
    if (refusal === undefined) return undefined
    this.#tell(request, refusal)
    return jsonReply(403, refusal)
  }

  #refusalOf({ headers, connection }: HttpRequest): OperatorRefusal | undefined {
    // The certificate of a proxy would make an operator of everybody behind it.
    if (headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined) {
      return PASSED_ON
    }
    return judgeOperator(connection.tls?.client, this.#trust, this.#clock.now())
  }

  #tell({ target, connection }: HttpRequest, { code, error }: OperatorRefusal): void {
    const now = this.#clock.now()
    const before = this.#told.get(code)
    // A clock that was moved back is no reason to be silent.
    if (before !== undefined && now >= before.at && now - before.at < TELL_MS) {
      before.others += 1
      return
    }
    this.#told.set(code, { at: now, others: 0 })
    const certificate = connection.tls?.client?.certificate
    this.#log.warn(
      {
        reason: code,
        target: shortened(target.split('?', 1)[0] ?? ''),
        address: connection.remoteAddress,
        ...(certificate && {
          certificate: shortened(nameOf(certificate)),
          serialNumber: shortened(certificate.serialNumber),
        }),
        ...(before !== undefined && before.others > 0 && { others: before.others }),
      },
      `no operator: ${error}`,
    )
  }
}
