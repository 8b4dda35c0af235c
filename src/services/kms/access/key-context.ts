import type { ConditionValue } from '../../../authz/access-request.ts'
import { CONTEXT_OPERATIONS } from '../../../authz/grant-match.ts'
import type { PartialContext } from '../../../authz/residual.ts'
import type { Key } from '../../../core/key.ts'
import type { Principal } from '../../../core/principal.ts'
import { keyValue } from '../authorization/condition-keys.ts'

/** What of a principal every request of it has. */
export interface KnownPrincipal {
  readonly principal: Principal
  /** Whether nothing of it is known: it stands for all that a policy means by `*`. */
  readonly isAnyone?: boolean
  /** Whether sessions may bring tags of their own, which win. */
  readonly bringsTags?: boolean
  /** Whether it stands for all sessions of a role, whatever their name. */
  readonly isAnySession?: boolean
}

interface KeyFacts {
  readonly key: Key
  /** The names of all its aliases. */
  readonly aliases: readonly string[]
  readonly operation: string
}

/** Condition keys that the key gives, by lower-case name behind `kms:`. */
const KEY_NAMES: ReadonlySet<string> = new Set([
  'keyspec',
  'customermasterkeyspec',
  'keyusage',
  'customermasterkeyusage',
  'keyorigin',
  'multiregion',
  'multiregionkeytype',
])
/** Operations on grants are conditioned on the context that a grant's constraints name. */
const CONTEXT_OF_GRANTS: ReadonlySet<string> = new Set(['CreateGrant', 'RevokeGrant'])

/** Condition keys that a service has not. */
const OF_PERSONS: ReadonlySet<string> = new Set([
  'aws:principalarn',
  'aws:principalaccount',
  'kms:calleraccount',
  'aws:principaltype',
  'aws:userid',
  'aws:username',
])

const PRINCIPAL_TAG = 'aws:principaltag/'
const RESOURCE_TAG = 'aws:resourcetag/'
const CONTEXT = 'kms:encryptioncontext'

function tagOf(tags: Readonly<Record<string, string>>, lowerKey: string): string | undefined {
  return Object.entries(tags).find(([key]) => key.toLowerCase() === lowerKey)?.[1]
}

type Known = { readonly value: ConditionValue | undefined } | undefined

const known = (value: ConditionValue | undefined): Known => ({ value })

/** What is known of a condition key of the principal; undefined where nothing is, or it is none. */
function principalValue(
  { principal, isAnyone = false, bringsTags = false, isAnySession = false }: KnownPrincipal,
  name: string,
): Known {
  const isService = principal.type === 'Service'
  if (name === 'aws:principalisawsservice') return known(String(isService))
  if (name === 'aws:principalservicename') return known(principal.serviceNames?.[0])
  if (name === 'aws:principalservicenameslist') return known(principal.serviceNames)
  // Only services act on behalf of a resource.
  if (name === 'aws:sourcearn' || name === 'aws:sourceaccount') {
    return isService ? undefined : known(undefined)
  }
  if (isAnyone) return undefined
  // Of a service none of this is told.
  if (isService && OF_PERSONS.has(name)) return known(undefined)
  if (name.startsWith(PRINCIPAL_TAG)) {
    return bringsTags ? undefined : known(tagOf(principal.tags, name.slice(PRINCIPAL_TAG.length)))
  }
  switch (name) {
    case 'aws:principalarn':
      return known(principal.principalArn)
    case 'aws:principalaccount':
    case 'kms:calleraccount':
      return known(principal.accountId)
    case 'aws:principaltype':
      return known(principal.type)
    case 'aws:userid':
      return isAnySession ? undefined : known(principal.userId)
    case 'aws:username':
      return known(principal.userName)
    default:
      return undefined
  }
}

/** What is known of a condition key of the key and of what is done to it. */
function keyFact({ key, aliases, operation }: KeyFacts, name: string): Known {
  if (name.startsWith('kms:') && KEY_NAMES.has(name.slice('kms:'.length))) {
    return known(keyValue(key, name.slice('kms:'.length)))
  }
  if (name.startsWith(RESOURCE_TAG)) {
    return known(tagOf(key.tags, name.slice(RESOURCE_TAG.length)))
  }
  if (name.startsWith(CONTEXT)) {
    const hasContext = CONTEXT_OPERATIONS.has(operation) || CONTEXT_OF_GRANTS.has(operation)
    return hasContext ? undefined : known(undefined)
  }
  switch (name) {
    case 'kms:resourcealiases':
      return known(aliases)
    case 'aws:resourceaccount':
      return known(key.accountId)
    case 'aws:requestedregion':
      return known(key.region)
    default:
      return undefined
  }
}

/** The condition keys of every request of a principal for a key. */
export class KeyContext implements PartialContext {
  readonly #subject: KnownPrincipal
  readonly #facts: KeyFacts

  constructor(subject: KnownPrincipal, facts: KeyFacts) {
    this.#subject = subject
    this.#facts = facts
  }

  get(key: string): ConditionValue | undefined {
    return this.#find(key)?.value
  }

  knows(key: string): boolean {
    return this.#find(key) !== undefined
  }

  #find(key: string): Known {
    return principalValue(this.#subject, key) ?? keyFact(this.#facts, key)
  }
}
