import { isJsonObject, parseStrictJson } from '../core/strict-json.ts'

const PARTITION = /^arn:aws[a-z-]*:/

const widened = (pattern: unknown): unknown =>
  typeof pattern === 'string' ? pattern.replace(PARTITION, 'arn:*:') : pattern

const widenedList = (patterns: unknown): unknown =>
  Array.isArray(patterns) ? patterns.map(widened) : widened(patterns)

function widenedStatement(statement: unknown): unknown {
  if (!isJsonObject(statement)) return statement
  const { Resource: resource, NotResource: excluded } = statement
  return {
    ...statement,
    ...(resource !== undefined && { Resource: widenedList(resource) }),
    ...(excluded !== undefined && { NotResource: widenedList(excluded) }),
  }
}

/**
 * The text of a policy whose resources are meant in every partition. An account is the same in all of them here, and
 * a root may call in any: what its service control policy says of `arn:aws:iam::111122223333:user/admin` holds
 * for that user also where it is asked for as `arn:aws-cn:…`.
 */
export function inAnyPartition(text: string): string {
  const parsed = parseStrictJson(text)
  if (!parsed.ok || !isJsonObject(parsed.value)) return text
  const statements = parsed.value['Statement']
  const Statement = Array.isArray(statements)
    ? statements.map(widenedStatement)
    : widenedStatement(statements)
  return JSON.stringify({ ...parsed.value, Statement })
}
