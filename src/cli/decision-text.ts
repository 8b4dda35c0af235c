import type {
  Condition,
  ConditionalStatement,
  ExplainedDecision,
  Explanation,
  NearMiss,
  StatementRef,
  UnmetCondition,
} from '../core/explanations.ts'
import type { Paint } from './paint.ts'

/** How a layer is called in a sentence: `the key policy`. */
const LAYERS: ReadonlyMap<string, string> = new Map([
  ['service-control-policy', 'service control policy of the account'],
  ['resource-policy', 'key policy'],
  ['identity-policy', 'identity policy'],
  ['permissions-boundary', 'permissions boundary'],
  ['session-policy', 'session policy'],
  ['trust-policy', 'trust policy'],
])

/** What is missing where a layer does not allow. */
const MISSING: ReadonlyMap<string, string> = new Map([
  ['service-control-policy', 'The service control policy of the account does not allow it.'],
  [
    'resource-policy',
    "Neither the key policy nor a grant allows it to the caller or to the caller's account.",
  ],
  [
    'identity-policy',
    "None of the caller's identity policies allows it, and one of them would have to.",
  ],
  ['permissions-boundary', 'The permissions boundary of the caller does not allow it.'],
  ['session-policy', 'The policies that were passed when the session was made do not allow it.'],
  ['trust-policy', 'The trust policy of the role does not allow it.'],
])

const PATHS: ReadonlyMap<string, string> = new Map([
  ['resource-policy', 'by the key policy itself'],
  ['identity-policy', 'by identity policies'],
  ['root', 'as the root of its account, to which the key policy is open'],
  ['grant', 'by a grant'],
  ['trust-policy', 'by the trust policy'],
])

/** How somebody is allowed, in a few words. */
export const pathText = (path: string): string => PATHS.get(path) ?? path

const quoted = (text: string | undefined): string =>
  text === undefined || text === '' ? '' : ` "${text}"`

/** `statement 2 "AllowApp" of the key policy`; positions are told from 1. */
export function statementText({ layer, policy, statement, sid }: StatementRef): string {
  const kind = LAYERS.get(layer) ?? layer
  const name = policy === kind || layer === 'service-control-policy' ? kind : `${kind} ${policy}`
  return `statement ${statement + 1}${quoted(sid)} of the ${name}`
}

/** `backup, id 0123456789ab…`. */
export const grantText = (grant: { readonly grantId: string; readonly name: string }): string =>
  `grant${quoted(grant.name)} ${grant.grantId}`

const listText = (values: readonly string[]): string =>
  values.length === 0 ? 'nothing' : values.join(' or ')

/** `kms:ViaService StringEquals ssm.eu-central-1.amazonaws.com`. */
export function conditionText({ operator, key, values }: Condition): string {
  switch (operator) {
    case 'EncryptionContextEquals':
      return `with exactly the encryption context ${values.join(', ') || '(none)'}`
    case 'EncryptionContextSubset':
      return `with an encryption context that has ${values.join(', ')}`
    case 'SourceArn':
      return `on behalf of ${listText(values)}`
    case 'Delegation':
      return 'for a part of the operations and constraints of the grant itself'
    case 'Resource':
    case 'NotResource':
      return `where the key matches ${operator} ${listText(values)}`
    default:
      return `${key} ${operator} ${listText(values)}`
  }
}

function actualText(actual: UnmetCondition['actual']): string {
  if (actual === undefined) return 'the request had none'
  const values = typeof actual === 'string' ? [actual] : actual
  return values.length === 0 ? 'the request had none' : `the request had ${values.join(', ')}`
}

function unmetText(unmet: UnmetCondition): string {
  const { operator, key, values, actual } = unmet
  switch (operator) {
    case 'Operations':
      return `it is for ${values.join(', ')}, not for ${typeof actual === 'string' ? actual : 'this'}`
    case 'EncryptionContextEquals':
      return `it wants exactly the encryption context ${values.join(', ') || '(none)'}; ${actualText(actual)}`
    case 'EncryptionContextSubset':
      return `it wants ${values.join(', ')} in the encryption context; ${actualText(actual)}`
    case 'Delegation':
      return 'it lets its grantee give no more than it gives itself'
    default:
      return `${key} ${operator} ${listText(values)}; ${actualText(actual)}`
  }
}

function nearMissLines(miss: NearMiss): readonly string[] {
  const subject = miss.kind === 'statement' ? statementText(miss.statement) : grantText(miss)
  const reasons = miss.unmet.map(unmetText)
  if (miss.kind === 'grant' && miss.cappedBy !== undefined) {
    reasons.push(
      `the ${LAYERS.get(miss.cappedBy) ?? miss.cappedBy} of the caller does not allow it`,
    )
  }
  return [`    ${subject}, but:`, ...reasons.map((reason) => `      ${reason}`)]
}

/** Statements with the conditions under which they apply, one line each. */
export const conditionalText = ({ statement, conditions }: ConditionalStatement): string =>
  conditions.length === 0
    ? statementText(statement)
    : `${statementText(statement)}: ${conditions.map(conditionText).join(', and ')}`

function allowedLines(decision: ExplainedDecision): readonly string[] {
  const { path, statements, grants } = decision
  return [
    ...(path === undefined ? [] : [`  Allowed ${pathText(path)}:`]),
    ...statements.map((statement) => `    ${statementText(statement)}`),
    ...grants.map((grant) => `    ${grantText(grant)}`),
  ]
}

function deniedLines({
  denial,
  missing,
  statements,
  nearMisses,
}: ExplainedDecision): readonly string[] {
  const lines: string[] = []
  if (denial?.isExplicit === true) {
    lines.push('  Denied explicitly, whatever allows it:')
    lines.push(...statements.map((statement) => `    ${statementText(statement)}`))
  } else {
    const layers = missing ?? (denial === undefined ? [] : [denial.layer])
    lines.push(...layers.map((layer) => `  ${MISSING.get(layer) ?? layer}`))
  }
  if (nearMisses.length > 0) {
    lines.push('  What came near to allowing it:', ...nearMisses.flatMap(nearMissLines))
  }
  return lines
}

/** A decision and its reasons, for a person. */
export function decisionLines(decision: ExplainedDecision, paint: Paint): readonly string[] {
  const { action, resource, allowed, isPartlyHidden } = decision
  const outcome = allowed ? paint.good('allowed') : paint.bad('denied')
  return [
    `${paint.strong(action)} on ${resource}: ${outcome}`,
    ...(allowed ? allowedLines(decision) : deniedLines(decision)),
    ...(isPartlyHidden === true
      ? ['  Policies of another account have a say in this; they are not shown.']
      : []),
  ]
}

function answerText({ error, decisions }: Explanation): string {
  if (error === undefined) return 'it succeeded'
  const isDenied = decisions.some(({ allowed }) => !allowed)
  const code = isDenied ? error.code : `${error.code}, which is no matter of permissions`
  return error.message === undefined ? code : `${code}: ${error.message}`
}

/** What a person is told of a call. */
export function explanationText(explanation: Explanation, paint: Paint): string {
  const { caller, note, decisions } = explanation
  const who = caller.arn ?? (caller.principalId === '' ? 'not known' : caller.principalId)
  const account = caller.accountId === '' ? '' : `, account ${caller.accountId}`
  const key = caller.accessKeyId === undefined ? '' : `, access key ${caller.accessKeyId}`
  const rows: readonly (readonly [string, string])[] = [
    ['request', explanation.requestId],
    ['time', explanation.time],
    ['call', `${explanation.service} ${explanation.operation} ${explanation.region}`.trim()],
    ['caller', who + account + key],
    ['from', `${explanation.sourceAddress} ${explanation.userAgent}`.trim()],
    ['answer', answerText(explanation)],
  ]
  const head = rows.map(([name, value]) => `${name.padEnd(10)}${value}`)
  const body = decisions.flatMap((decision) => ['', ...decisionLines(decision, paint)])
  const lines = [...head, ...(note === undefined ? [] : ['', note]), ...body]
  return `${lines.join('\n')}\n`
}
