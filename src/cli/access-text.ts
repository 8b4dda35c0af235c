import type {
  Access,
  AccessChange,
  AllowedWay,
  Reach,
  Simulation,
  WhoCan,
} from '../core/explanations.ts'
import { count } from './context.ts'
import {
  conditionalText,
  conditionText,
  decisionLines,
  grantText,
  pathText,
} from './decision-text.ts'
import type { Paint } from './paint.ts'

const KINDS: Readonly<Record<Access['kind'], string>> = {
  root: 'root',
  user: 'user',
  role: 'role',
  'role-session': 'session',
  'federated-user': 'federated',
  service: 'service',
  account: 'account',
  anyone: 'anyone',
}

/** By which way, and under which conditions. */
function wayLines({ path, grant, requires }: AllowedWay, indent: string): readonly string[] {
  const by = grant === undefined ? pathText(path) : `by ${grantText(grant)} to ${grant.grantee}`
  const ofGrant = (grant?.conditions ?? []).map((condition) => `only ${conditionText(condition)}`)
  const needs = requires
    .filter((statements) => statements.every(({ conditions }) => conditions.length > 0))
    .flatMap((statements) =>
      statements.map(
        (statement, index) => `${index === 0 ? 'if' : 'or'} ${conditionalText(statement)}`,
      ),
    )
  const grounds = requires
    .flatMap((statements) =>
      statements.filter(({ conditions }) => conditions.length === 0).slice(0, 1),
    )
    .map((statement) => conditionalText(statement))
  return [
    `${indent}${by}${grounds.length === 0 ? '' : `: ${grounds.join('; ')}`}`,
    ...[...ofGrant, ...needs].map((line) => `${indent}  ${line}`),
  ]
}

function reachLines({ ways, denies }: Reach, indent: string): readonly string[] {
  return [
    ...ways.flatMap((way) => wayLines(way, indent)),
    ...denies.map((deny) => `${indent}not if ${conditionalText(deny)}`),
  ]
}

function accessLines(access: Access, paint: Paint): readonly string[] {
  const { principal, kind, outcome, dependsOnAccount } = access
  const word = outcome === 'always' ? paint.good('yes') : paint.warn('if')
  const account =
    dependsOnAccount === true && kind !== 'anyone'
      ? ['      as far as its own account lets it']
      : []
  return [
    `${word.padEnd(word.length + 4 - (outcome === 'always' ? 3 : 2))}${KINDS[kind].padEnd(10)}${paint.strong(principal)}`,
    ...account,
    ...reachLines(access, '      '),
  ]
}

/** What a person is told of who can do something. */
export function whoCanText(found: WhoCan, paint: Paint): string {
  const { action, keyArn, accesses, examined, next } = found
  const who = count(accesses.length, 'principal')
  const lines = [
    `${who} of ${examined} may do ${paint.strong(action)} on ${keyArn}.`,
    '',
    ...accesses.flatMap((access) => accessLines(access, paint)),
    ...(next === undefined ? [] : ['', `There are more: go on with --after '${next}'`]),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

const EFFECTS: Readonly<Record<AccessChange['effect'], (paint: Paint) => string>> = {
  gains: (paint) => paint.good('gains'),
  loses: (paint) => paint.bad('loses'),
  changes: (paint) => paint.warn('other conditions'),
}

/** One line for each principal and effect, with the actions. */
function changeLines(changes: readonly AccessChange[], paint: Paint): readonly string[] {
  const groups = new Map<string, AccessChange[]>()
  for (const change of changes) {
    const group = JSON.stringify([change.keyArn, change.principal, change.effect])
    const known = groups.get(group)
    if (known === undefined) groups.set(group, [change])
    else known.push(change)
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const actions = group.map(({ action, effect, after }) =>
      effect !== 'loses' && after.outcome === 'conditional' ? `${action} (conditional)` : action,
    )
    return [
      `${KINDS[first.kind]} ${paint.strong(first.principal)} ${EFFECTS[first.effect](paint)} on ${first.keyArn}:`,
      `  ${actions.join(', ')}`,
    ]
  })
}

/** What a person is told of a simulation. */
export function simulationText(simulation: Simulation, paint: Paint): string {
  const { problems, warnings, changes, examined, keyArns, isPartial, decision } = simulation
  const lines = [
    ...problems.map((problem) => `${paint.bad('Problem')}: ${problem}.`),
    ...warnings.map((warning) => `${paint.warn('Warning')}: ${warning}.`),
  ]
  if (decision !== undefined) lines.push(...decisionLines(decision, paint))
  else if (problems.length === 0) {
    const looked = `${count(examined, 'principal')} looked at, on ${count(keyArns.length, 'key')}`
    lines.push(
      changes.length === 0 ? `Nothing changes: ${looked}.` : `${looked}.`,
      ...changeLines(changes, paint),
    )
    if (isPartial) lines.push('There is more than is shown: ask about fewer actions or keys.')
  }
  return `${lines.join('\n')}\n`
}
