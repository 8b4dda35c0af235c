import { OperatorError } from '../../core/errors.ts'
import type {
  PolicyChange,
  Question,
  SimulateRequest,
  WhoCanRequest,
} from '../../core/explanations.ts'
import type { KeyImpactRequest } from '../../core/key-impact.ts'
import { isJsonObject } from '../../core/strict-json.ts'

type Members = Readonly<Record<string, unknown>>

/** Longer texts than any policy, with its white space. Unit: UTF-16 code units. */
const TEXT_MAX = 262_144
const LIST_MAX = 100
const PAIRS_MAX = 200

const malformed = (member: string, want: string): OperatorError =>
  new OperatorError(`${member} must be ${want}`)

/** An object whose members are all known. @throws OperatorError */
function membersOf(value: unknown, what: string, known: readonly string[]): Members {
  if (!isJsonObject(value)) throw malformed(what, 'an object')
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new OperatorError(
      `${what} has a member that is not known`,
      `it may have ${known.join(', ')}`,
    )
  }
  return value
}

/** @throws OperatorError for what is there and no text */
function text(members: Members, name: string): string | undefined {
  const value = members[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_MAX) return value
  throw malformed(name, 'a text')
}

function required(members: Members, name: string): string {
  const value = text(members, name)
  if (value === undefined) throw new OperatorError(`${name} is missing`)
  return value
}

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length <= LIST_MAX &&
  value.every((item) => typeof item === 'string' && item.length <= TEXT_MAX)

function texts(members: Members, name: string): readonly string[] | undefined {
  const value = members[name]
  if (value === undefined) return undefined
  if (isTextList(value) && value.length > 0) return value
  throw malformed(name, 'a list of texts')
}

function pairs<T extends string | readonly string[]>(
  members: Members,
  name: string,
  isValue: (value: unknown) => value is T,
): Readonly<Record<string, T>> | undefined {
  const value = members[name]
  if (value === undefined) return undefined
  if (!isJsonObject(value)) throw malformed(name, 'an object')
  const entries = Object.entries(value)
  const good = entries.filter((entry): entry is [string, T] => isValue(entry[1]))
  if (good.length < entries.length || entries.length > PAIRS_MAX) {
    throw malformed(name, 'an object of texts')
  }
  return Object.fromEntries(good)
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrList = (value: unknown): value is string | readonly string[] =>
  isText(value) || isTextList(value)

/** Leaves out what is undefined. */
const present = <T extends object>(members: T): T =>
  // What remains are members of T, and those that are gone were optional: the parsers below see to it.
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T

/** @throws OperatorError for a request that is none */
export function parseWhoCan(value: unknown): WhoCanRequest {
  const known = ['action', 'key', 'accountId', 'region', 'limit', 'after']
  const members = membersOf(value, 'the request', known)
  const { limit } = members
  if (limit !== undefined && typeof limit !== 'number') throw malformed('limit', 'a number')
  return present({
    action: required(members, 'action'),
    key: required(members, 'key'),
    accountId: text(members, 'accountId'),
    region: text(members, 'region'),
    limit,
    after: text(members, 'after'),
  })
}

/** @throws OperatorError for a request that is none */
export function parseKeyImpact(value: unknown): KeyImpactRequest {
  const members = membersOf(value, 'the request', ['key', 'accountId', 'region'])
  return present({
    key: required(members, 'key'),
    accountId: text(members, 'accountId'),
    region: text(members, 'region'),
  })
}

function parseChange(value: unknown): PolicyChange {
  const known = [
    'keyPolicy',
    'serviceControl',
    'user',
    'role',
    'policyName',
    'managedPolicyArn',
    'policy',
  ]
  const members = membersOf(value, 'change', known)
  return present({
    keyPolicy: text(members, 'keyPolicy'),
    serviceControl: text(members, 'serviceControl'),
    user: text(members, 'user'),
    role: text(members, 'role'),
    policyName: text(members, 'policyName'),
    managedPolicyArn: text(members, 'managedPolicyArn'),
    policy: text(members, 'policy'),
  })
}

function parseQuestion(value: unknown): Question {
  const known = ['principal', 'action', 'context', 'encryptionContext']
  const members = membersOf(value, 'question', known)
  return present({
    principal: required(members, 'principal'),
    action: required(members, 'action'),
    context: pairs(members, 'context', isTextOrList),
    encryptionContext: pairs(members, 'encryptionContext', isText),
  })
}

/** @throws OperatorError for a request that is none */
export function parseSimulate(value: unknown): SimulateRequest {
  const known = ['key', 'accountId', 'region', 'actions', 'change', 'question']
  const members = membersOf(value, 'the request', known)
  const { change, question } = members
  return present({
    key: text(members, 'key'),
    accountId: text(members, 'accountId'),
    region: text(members, 'region'),
    actions: texts(members, 'actions'),
    change: change === undefined ? undefined : parseChange(change),
    question: question === undefined ? undefined : parseQuestion(question),
  })
}
