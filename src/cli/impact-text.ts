import type { CountedUses, KeyImpact, LastUse, RelatedKey } from '../core/key-impact.ts'
import { count } from './context.ts'
import type { Paint } from './paint.ts'
import { printable } from './printable.ts'

/** Principals and operations that are told one by one; `--json` has all. */
const USES_SHOWN_MAX = 20
/** As for uses. */
const GRANTS_SHOWN_MAX = 10

/** `2026-11-26 09:12:44 UTC`: to the second. */
const timeText = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`

/** Of another account no more than its number is known. */
const whoText = (principal: string): string =>
  /^\d{12}$/.test(principal) ? `account ${principal}` : principal

const fact = (name: string, value: string): string => `${name.padEnd(12)}${value}`

function lastUseLines(use: LastUse | undefined): readonly string[] {
  if (use === undefined) return [fact('last use', 'none')]
  const { time, operation, principal, sourceAddress, eventId } = use
  const who = principal === undefined ? '' : ` by ${whoText(principal)}`
  const from = sourceAddress === undefined ? '' : ` from ${sourceAddress}`
  return [
    fact('last use', `${timeText(time)}, ${operation}${who}${from}`),
    fact('', `event ${eventId}`),
  ]
}

const useLine =
  (countWidth: number, operationWidth: number) =>
  ({ principal, operation, count: times, last }: CountedUses): string =>
    `  ${String(times).padStart(countWidth)}  ${operation.padEnd(operationWidth)}  ${timeText(last)}  ${whoText(principal)}`

function usesLines({ uses }: KeyImpact): readonly string[] {
  const { by, days, total } = uses
  if (total === 0) return [fact('uses', `none in the last ${days} days`)]
  const shown = by.slice(0, USES_SHOWN_MAX)
  const countWidth = Math.max(...shown.map((row) => String(row.count).length))
  const operationWidth = Math.max(...shown.map(({ operation }) => operation.length))
  const more = by.length - shown.length
  return [
    fact('uses', `${total} in the last ${days} days; how often, what for, last, by whom:`),
    ...shown.map(useLine(countWidth, operationWidth)),
    ...(more === 0 ? [] : [`  and ${more} more: --json has all`]),
  ]
}

function grantLines({ grants }: KeyImpact): readonly string[] {
  const shown = grants.some.slice(0, GRANTS_SHOWN_MAX)
  const more = grants.total - shown.length
  return [
    fact('grants', grants.total === 0 ? 'none' : String(grants.total)),
    ...shown.map(
      ({ grantId, name, grantee, operations }) =>
        `  ${grantee}: ${operations.join(', ')} (${printable(name === '' ? grantId : name)})`,
    ),
    ...(more === 0 ? [] : [`  and ${more} more`]),
  ]
}

const relatedLine = ({ arn, role, state, lastUse }: RelatedKey): string =>
  `  ${role.padEnd(7)}  ${arn}  ${state}, ${lastUse === undefined ? 'never used' : `last used ${timeText(lastUse.time)}`}`

function boundLines(impact: KeyImpact): readonly string[] {
  const { related, imported, customKeyStore, guard } = impact
  const lines: string[] = []
  if (related.length > 0) lines.push('family', ...related.map(relatedLine))
  if (imported.length > 0) {
    lines.push('imported')
    for (const { materialId, state, isPresent, validTo } of imported) {
      const expiry = validTo === undefined ? '' : `, expires ${timeText(validTo)}`
      lines.push(`  ${materialId}  ${state}, ${isPresent ? 'here' : 'not here'}${expiry}`)
    }
  }
  if (customKeyStore !== undefined) {
    const { name, id, connectionState } = customKeyStore
    lines.push(fact('key store', `${printable(name)} (${id}), ${connectionState}`))
  }
  if (guard !== undefined) lines.push(fact('guard', count(guard.days, 'day')))
  return lines
}

/** What a person is told before a key is deleted. */
export function impactText(impact: KeyImpact, paint: Paint): string {
  const { arn, description, state, spec, usage, origin, createdAt, aliases, warnings } = impact
  const isLive = state === 'Enabled'
  const lines = [
    paint.strong(arn),
    ...(description === '' ? [] : [printable(description)]),
    fact('state', isLive ? paint.good(state) : paint.warn(state)),
    fact('key', `${spec}, ${usage}, ${origin}, made ${timeText(createdAt)}`),
    ...lastUseLines(impact.lastUse),
    ...usesLines(impact),
    fact('aliases', aliases.length === 0 ? 'none' : aliases.join(', ')),
    ...grantLines(impact),
    ...boundLines(impact),
    '',
    ...(warnings.length === 0
      ? [
          paint.good(
            'Nothing speaks against deleting it: no use on record, and nothing points at it.',
          ),
        ]
      : [
          paint.bad('Before you delete it:'),
          ...warnings.map((warning) => `  ${paint.warn('!')} ${warning}`),
        ]),
  ]
  return `${lines.join('\n')}\n`
}
