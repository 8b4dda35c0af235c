/**
 * One string for a table and a key, for use in a `Map`. Each part carries its length, so that
 * `['a', 'b']` and `['a1:b']` stay two keys.
 */
export function joinRowKey(table: string, key: readonly string[]): string {
  let joined = table
  for (const part of key) joined += `/${part.length}:${part}`
  return joined
}
