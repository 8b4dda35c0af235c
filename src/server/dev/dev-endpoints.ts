import { OperatorError } from '../../core/errors.ts'
import { instant } from '../../core/ids.ts'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import { type AdminRoutes, jsonReply } from '../admin-endpoints.ts'

/** What the endpoints of `strongroom dev` can do to the server. */
export interface DevControls {
  /** Moves the clock and does all that has become due. @returns the new time, in ISO 8601 */
  advance(milliseconds: number): Promise<string>
  set(time: number): Promise<string>
  /** Empties everything. */
  reset(): Promise<void>
}

/** A thousand years: what is longer is a mistake. Unit: seconds. */
const ADVANCE_SECONDS_MAX = 31_557_600_000
const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i

const badRequest = (error: string): HttpReply => jsonReply(400, { error })

/**
 * Whether a request may come from a web page, or by way of a name that was made to point here: such
 * requests could reach a developer's server from any site that is open in a browser.
 */
function mayBeForeign({ headers }: HttpRequest): boolean {
  return headers['origin'] !== undefined || !LOOPBACK_HOST.test(headers['host'] ?? '')
}

const guarded =
  (serve: (request: HttpRequest) => Promise<HttpReply>) =>
  (request: HttpRequest): HttpReply | Promise<HttpReply> =>
    mayBeForeign(request)
      ? jsonReply(403, {
          error: 'only programs on this machine may use /-/dev/, by its loopback address',
        })
      : serve(request)

function parseBody(request: HttpRequest): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'))
    // Any object with members that are looked at one by one, each as `unknown`.
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** Moves the clock, or says why it cannot stand there. */
async function moveClock(controls: DevControls, request: HttpRequest): Promise<HttpReply> {
  try {
    return await moveClockAsAsked(controls, request)
  } catch (error) {
    if (error instanceof OperatorError) return badRequest(error.message)
    throw error
  }
}

async function moveClockAsAsked(controls: DevControls, request: HttpRequest): Promise<HttpReply> {
  const body = parseBody(request)
  const usage = 'send {"advanceSeconds": n} or {"set": "<ISO time>"}'
  if (body === undefined) return badRequest(usage)
  const { advanceSeconds, set } = body
  if ((advanceSeconds === undefined) === (set === undefined)) return badRequest(usage)
  if (advanceSeconds !== undefined) {
    if (typeof advanceSeconds !== 'number' || Math.abs(advanceSeconds) > ADVANCE_SECONDS_MAX) {
      return badRequest('advanceSeconds must be a number of seconds')
    }
    return jsonReply(200, { now: await controls.advance(advanceSeconds * 1000) })
  }
  const time = typeof set === 'string' && ISO_TIME.test(set) ? Date.parse(set) : Number.NaN
  if (Number.isNaN(time))
    return badRequest('set must be a time in ISO 8601, such as 2030-01-31T12:00:00Z')
  return jsonReply(200, { now: await controls.set(instant(time)) })
}

/** `/-/dev/clock` and `/-/dev/reset`. */
export const devRoutes = (controls: DevControls): AdminRoutes =>
  new Map([
    ['POST /-/dev/clock', guarded((request) => moveClock(controls, request))],
    [
      'POST /-/dev/reset',
      guarded(async () => {
        await controls.reset()
        return jsonReply(200, { status: 'empty' })
      }),
    ],
  ])
