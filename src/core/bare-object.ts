/**
 * Objects made from this prototype keep V8's fast shape, unlike those of `Object.create(null)`,
 * and still inherit nothing: `constructor` and `__proto__` are ordinary absent names.
 */
const NOTHING: object = Object.freeze(Object.create(null))

/** An object without members, for names that come from outside. */
export function newBareObject<V>(): Record<string, V> {
  const bare: Record<string, V> = Object.create(NOTHING)
  return bare
}
