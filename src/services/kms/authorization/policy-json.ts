const STEP = '  '

/**
 * JSON in the form in which KMS answers policies: two spaces a level, spaces on both sides of a colon, lists
 * on one line but for the objects in them. Source: AWS KMS API Reference, GetKeyPolicy, example.
 */
export function policyJson(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => policyJson(item, indent))
    return items.length === 0 ? '[ ]' : `[ ${items.join(', ')} ]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = indent + STEP
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)} : ${policyJson(member, inner)}`,
  )
  return members.length === 0 ? '{ }' : `{\n${members.join(',\n')}\n${indent}}`
}
