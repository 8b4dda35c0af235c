type Key = string | symbol

/**
 * Loads `@peculiar/x509`, when a certificate has to be made and not before: it takes a tenth of a
 * second, which a start with an existing certificate should not pay.
 */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  provideMetadata()
  return import('@peculiar/x509')
}

/**
 * The library's container (tsyringe) refuses to load without the metadata functions of `Reflect`
 * that a polyfill would add. It calls three of them; these are all it needs.
 * Source: tsyringe 4.10, README, "Installation".
 */
function provideMetadata(): void {
  if ('getMetadata' in Reflect) return
  const known = new WeakMap<object, Map<Key, unknown>>()
  const getOwnMetadata = (key: Key, target: object): unknown => known.get(target)?.get(key)
  const getMetadata = (key: Key, target: object): unknown => {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
      const value = getOwnMetadata(key, at)
      if (value !== undefined) return value
    }
    return undefined
  }
  const defineMetadata = (key: Key, value: unknown, target: object): void => {
    const values = known.get(target) ?? new Map<Key, unknown>()
    values.set(key, value)
    known.set(target, values)
  }
  Object.assign(Reflect, { getOwnMetadata, getMetadata, defineMetadata })
}
