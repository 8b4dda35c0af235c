import { isJsonObject } from '../core/strict-json.ts'
import { listOf } from './condition.ts'

const NAME = String.raw`[\w+=,.@-]{1,64}`
const PATH = String.raw`(?:[\x21-\x7e]{1,510}/)?`
const ACCOUNT = String.raw`\d{12}`

const AWS_FORMS: readonly RegExp[] = [
  /^\*$/,
  /^\d{12}$/,
  /^A[A-Z0-9]{15,127}(?::[\w+=,.@-]{2,64})?$/,
  new RegExp(`^arn:aws[a-z-]*:iam::${ACCOUNT}:(?:root|(?:user|role)/${PATH}${NAME})$`),
  new RegExp(`^arn:aws[a-z-]*:sts::${ACCOUNT}:assumed-role/${NAME}/${NAME}$`),
  new RegExp(`^arn:aws[a-z-]*:sts::${ACCOUNT}:federated-user/${NAME}$`),
]
const SERVICE_FORM =
  /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)$/
const DOMAIN_FORM = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/
const PROVIDER_FORM = new RegExp(`^arn:aws[a-z-]*:iam::${ACCOUNT}:(?:oidc|saml)-provider/.{1,255}$`)
const CANONICAL_FORM = /^[0-9a-f]{64}$/

/** What a principal of each kind may look like. Source: IAM User Guide, JSON policy elements: Principal. */
const FORMS: ReadonlyMap<string, readonly RegExp[]> = new Map([
  ['AWS', AWS_FORMS],
  ['Service', [SERVICE_FORM]],
  ['Federated', [PROVIDER_FORM, DOMAIN_FORM]],
  ['CanonicalUser', [CANONICAL_FORM]],
])

/** A principal that no policy can name. */
export interface BadPrincipal {
  readonly kind: string
  readonly name: string
}

/** What is wrong with an element Principal or NotPrincipal: its form as a whole, or one of its principals. */
export type PrincipalProblem = 'form' | BadPrincipal

/** By form alone; whether a principal exists is for those to say who know. */
export function principalProblem(value: unknown): PrincipalProblem | undefined {
  if (value === '*') return undefined
  if (!isJsonObject(value) || Object.keys(value).length === 0) return 'form'
  for (const [kind, names] of Object.entries(value)) {
    const forms = FORMS.get(kind)
    const list = listOf(names)
    if (forms === undefined || list.length === 0) return 'form'
    for (const name of list) {
      if (typeof name !== 'string') return 'form'
      if (!forms.some((form) => form.test(name))) return { kind, name }
    }
  }
  return undefined
}
