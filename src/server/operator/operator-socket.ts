import { request as httpRequest } from 'node:http'
import { basename, dirname, join } from 'node:path'
import type { UnsealState } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Operator } from '../../core/operator.ts'
import type { Log } from '../../core/ports.ts'
import type { HttpHandler } from '../../core/transport.ts'
import { jsonReply } from '../admin-endpoints.ts'
import { openFolder } from '../short-folder.ts'

/** The operator's methods that the socket serves: a name that is not here reaches nothing. */
const METHODS = [
  'status',
  'createAccount',
  'listAccounts',
  'rotateCredentials',
  'rotateDomainKey',
  'rotateRootKey',
  'setServiceControl',
  'getServiceControl',
  'removeServiceControl',
  'setDeletionGuard',
  'getDeletionGuard',
  'removeDeletionGuard',
  'setOidcKeys',
  'listOidcKeys',
  'removeOidcKeys',
  'listNodes',
  'forgetNode',
  'issueOperatorCertificate',
  'replaceOperatorAuthority',
  'backup',
  'auditPublicKeys',
  'rotateAuditSigningKey',
  'keyImpact',
  'explain',
  'whoCan',
  'simulate',
  'eventStatus',
  'listDeadLetters',
  'redriveDeadLetters',
  'discardDeadLetters',
  'searchEvents',
  'countEvents',
  'findKeyArn',
  'eventIndexStatus',
  'reindexEvents',
] as const satisfies readonly (keyof Operator)[]
type Method = (typeof METHODS)[number]

const PREFIX = '/operator/'

const findMethod = (target: string): Method | undefined =>
  METHODS.find((method) => target === `${PREFIX}${method}`)

/** Serves an operator over the socket: `POST /operator/<method>` with its argument in JSON. */
export function operatorHandler(operator: Operator, log: Log): HttpHandler {
  return async ({ method: verb, target, body }) => {
    const method = findMethod(target)
    if (target === `${PREFIX}unseal`) return jsonReply(400, { message: 'the node is not sealed' })
    if (verb !== 'POST' || method === undefined) {
      return jsonReply(404, {
        message: 'this node does not know the command: is it older than the program?',
      })
    }
    try {
      // Only the owner of the data folder can open the socket, and only with this program; each
      // method checks the text that it is given.
      const argument = JSON.parse(body.toString('utf8')) as never
      return jsonReply(200, { result: await operator[method](argument) })
    } catch (error) {
      if (error instanceof OperatorError)
        return jsonReply(400, { message: error.message, hint: error.hint })
      log.error({ command: method }, 'an operator command failed', error)
      return jsonReply(500, { message: 'the node could not do it: its log says why' })
    }
  }
}

/** What the socket answered. */
interface Answer {
  readonly status: number
  readonly text: string
}

function send(socketPath: string, method: Method | 'unseal', argument: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { socketPath, path: PREFIX + method, method: 'POST', agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(JSON.stringify(argument ?? {}))
  })
}

/** As `send`, to a socket whose path may be longer than the address of a socket. */
async function sendInto(
  path: string,
  method: Method | 'unseal',
  argument: unknown,
): Promise<Answer> {
  const folder = await openFolder(dirname(path))
  try {
    return await send(join(folder.name, basename(path)), method, argument)
  } finally {
    await folder.handle?.close()
  }
}

/** Gives a share to the sealed node behind a socket. Rejects with a system error when nothing listens on it. */
export const giveShare = (socketPath: string, share: string): Promise<UnsealState> =>
  ask(socketPath, 'unseal', { share })

async function ask<T>(
  socketPath: string,
  method: Method | 'unseal',
  argument?: unknown,
): Promise<T> {
  const { status, text } = await sendInto(socketPath, method, argument)
  // The node on the other side is this program: the shapes are those of `operatorHandler`.
  const answer = JSON.parse(text) as { result?: T; message?: string; hint?: string }
  if (status !== 200)
    throw new OperatorError(answer.message ?? `the node answered ${status}`, answer.hint)
  return answer.result as T
}

/** An operator that asks a running node. Rejects with a system error when nothing listens on the socket. */
export const socketOperator = (socketPath: string): Operator => ({
  status: () => ask(socketPath, 'status'),
  createAccount: (request) => ask(socketPath, 'createAccount', request),
  listAccounts: () => ask(socketPath, 'listAccounts'),
  rotateCredentials: (request) => ask(socketPath, 'rotateCredentials', request),
  rotateDomainKey: () => ask(socketPath, 'rotateDomainKey'),
  rotateRootKey: () => ask(socketPath, 'rotateRootKey'),
  setServiceControl: (request) => ask(socketPath, 'setServiceControl', request),
  getServiceControl: (request) => ask(socketPath, 'getServiceControl', request),
  removeServiceControl: (request) => ask(socketPath, 'removeServiceControl', request),
  setDeletionGuard: (request) => ask(socketPath, 'setDeletionGuard', request),
  getDeletionGuard: (request) => ask(socketPath, 'getDeletionGuard', request),
  removeDeletionGuard: (request) => ask(socketPath, 'removeDeletionGuard', request),
  setOidcKeys: (request) => ask(socketPath, 'setOidcKeys', request),
  listOidcKeys: () => ask(socketPath, 'listOidcKeys'),
  removeOidcKeys: (request) => ask(socketPath, 'removeOidcKeys', request),
  listNodes: () => ask(socketPath, 'listNodes'),
  forgetNode: (request) => ask(socketPath, 'forgetNode', request),
  issueOperatorCertificate: (request) => ask(socketPath, 'issueOperatorCertificate', request),
  replaceOperatorAuthority: () => ask(socketPath, 'replaceOperatorAuthority'),
  backup: (request) => ask(socketPath, 'backup', request),
  auditPublicKeys: () => ask(socketPath, 'auditPublicKeys'),
  rotateAuditSigningKey: () => ask(socketPath, 'rotateAuditSigningKey'),
  keyImpact: (request) => ask(socketPath, 'keyImpact', request),
  explain: (request) => ask(socketPath, 'explain', request),
  whoCan: (request) => ask(socketPath, 'whoCan', request),
  simulate: (request) => ask(socketPath, 'simulate', request),
  eventStatus: () => ask(socketPath, 'eventStatus'),
  listDeadLetters: (request) => ask(socketPath, 'listDeadLetters', request),
  redriveDeadLetters: (request) => ask(socketPath, 'redriveDeadLetters', request),
  discardDeadLetters: (request) => ask(socketPath, 'discardDeadLetters', request),
  searchEvents: (query) => ask(socketPath, 'searchEvents', query),
  countEvents: (query) => ask(socketPath, 'countEvents', query),
  findKeyArn: (name) => ask(socketPath, 'findKeyArn', name),
  eventIndexStatus: () => ask(socketPath, 'eventIndexStatus'),
  reindexEvents: () => ask(socketPath, 'reindexEvents'),
})
