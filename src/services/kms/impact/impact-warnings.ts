import { DAY_MS, type Instant } from '../../../core/ids.ts'
import type { KeyImpact } from '../../../core/key-impact.ts'
import { type KeySpec, keySpecRow } from '../../../core/key-specs.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** Up to here hours say more than days. Unit: hours. */
const HOURS_MAX = 48

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`

/** `just now`, `12 min ago`, `3 h ago`, `5 days ago`. */
export function agoText(time: Instant, now: Instant): string {
  const ms = Math.max(0, now - time)
  if (ms < MINUTE_MS) return 'just now'
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`
  if (ms < HOURS_MAX * HOUR_MS) return `${Math.floor(ms / HOUR_MS)} h ago`
  return `${Math.floor(ms / DAY_MS)} days ago`
}

/** What is known of a key besides, in numbers. */
export interface ImpactFacts {
  readonly now: Instant
  readonly lastUse: Instant | undefined
  readonly spec: KeySpec
}

type Impact = Omit<KeyImpact, 'warnings'>

function useWarnings({ lastUse, uses }: Impact, facts: ImpactFacts): readonly string[] {
  if (lastUse === undefined || facts.lastUse === undefined) return []
  const who = lastUse.principal === undefined ? '' : ` by ${whoText(lastUse.principal)}`
  const used = `used ${agoText(facts.lastUse, facts.now)}${who} (${lastUse.operation})`
  const principals = new Set(uses.by.map(({ principal }) => principal)).size
  if (uses.total === 0) return [`${used}; not once in the last ${uses.days} days`]
  return [
    `${used}; ${count(uses.total, 'use')} by ${count(principals, 'principal')} in the last ${uses.days} days`,
  ]
}

/** A caller of another account is known by its number alone. */
export const whoText = (principal: string): string =>
  /^\d{12}$/.test(principal) ? `account ${principal}` : principal

function pointerWarnings({ aliases, grants }: Impact): readonly string[] {
  const pointers = [
    ...(aliases.length === 0 ? [] : [count(aliases.length, 'alias')]),
    ...(grants.total === 0 ? [] : [count(grants.total, 'grant')]),
  ]
  if (pointers.length === 0) return []
  const verb = aliases.length + grants.total === 1 ? 'points' : 'point'
  return [`${pointers.join(' and ')} ${verb} here`]
}

function familyWarnings({ arn, related }: Impact): readonly string[] {
  if (related.length < 2) return []
  const own = related.find((member) => member.arn === arn)
  if (own?.role === 'replica') {
    return ['a replica: what it encrypted can still be decrypted with its related keys']
  }
  const replicas = related.filter(({ role }) => role === 'replica')
  return [
    `the primary of ${count(replicas.length, 'replica')}: it is deleted only when they are gone, and takes what all of them encrypted along`,
  ]
}

function materialWarnings(impact: Impact, { spec }: ImpactFacts): readonly string[] {
  const { imported, customKeyStore } = impact
  const isAsymmetric = keySpecRow(spec).type === 'asymmetric'
  return [
    ...(imported.some(({ isPresent }) => isPresent)
      ? [
          'its material was imported: a new key with the same material does not open its ciphertexts',
        ]
      : []),
    ...(imported.length > 0 && !imported.some(({ isPresent }) => isPresent)
      ? ['its material was imported and is not here: nobody can use the key at present']
      : []),
    ...(customKeyStore === undefined
      ? []
      : [`it lives in the custom key store ${customKeyStore.name} (${customKeyStore.id})`]),
    ...(isAsymmetric
      ? ['whoever has its public key can go on using that: such uses are on no record here']
      : []),
  ]
}

function stateWarnings({ state, deletionDate }: Impact): readonly string[] {
  if (state === 'PendingDeletion') {
    return [`deleted for good on ${deletionDate}, unless CancelKeyDeletion comes before`]
  }
  if (state === 'PendingReplicaDeletion') {
    return [
      'its deletion begins when its last replica is gone, unless CancelKeyDeletion comes before',
    ]
  }
  return []
}

function guardWarnings({ guard, accountId }: Impact): readonly string[] {
  if (guard?.refusesUntil === undefined) return []
  return [
    `the deletion guard of account ${accountId} (${count(guard.days, 'day')}) refuses ScheduleKeyDeletion until ${guard.refusesUntil}`,
  ]
}

/** What to think of before a key is deleted, the weightiest first. */
export const impactWarnings = (impact: Impact, facts: ImpactFacts): readonly string[] => [
  ...stateWarnings(impact),
  ...useWarnings(impact, facts),
  ...pointerWarnings(impact),
  ...guardWarnings(impact),
  ...familyWarnings(impact),
  ...materialWarnings(impact, facts),
]
