import { compilePolicy } from '../../../authz/compiled-policy.ts'
import type { NamedPolicy } from '../../../authz/policies.ts'
import { IntegrityError } from '../../../core/errors.ts'
import type { Key } from '../../../core/key.ts'
import type { Records, Stored } from '../../../core/records.ts'
import { KEY_POLICIES, type KeyPolicy } from '../../../core/tables.ts'

/** The policies of keys, compiled once for each version: for as long as its record is held. */
export class CompiledKeyPolicies {
  readonly #compiled = new WeakMap<KeyPolicy, NamedPolicy>()
  #hits = 0
  #misses = 0

  /** How often a policy was found compiled, and how often it had to be. */
  stats(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses }
  }

  /** The policy of a key as `records` has it; no promise where it is at hand. */
  of(key: Key, records: Records): NamedPolicy | Promise<NamedPolicy> {
    const place = [key.region, key.keyId]
    const known = records.peek(KEY_POLICIES, place)
    if (known !== undefined) return this.#compile(known.record)
    return records.find(KEY_POLICIES, place).then((stored) => this.#loaded(stored, key))
  }

  /** A key never lacks its policy: without one nobody could tell who may use it. @throws {IntegrityError} */
  #loaded(stored: Stored<KeyPolicy> | undefined, key: Key): NamedPolicy {
    if (stored === undefined) throw new IntegrityError(`the key ${key.keyId} has no policy`)
    return this.#compile(stored.record)
  }

  #compile(record: KeyPolicy): NamedPolicy {
    const known = this.#compiled.get(record)
    if (known !== undefined) {
      this.#hits++
      return known
    }
    this.#misses++
    const policy = compilePolicy(record.text, record.principalIds ?? {})
    const named: NamedPolicy = { layer: 'resource-policy', name: 'key policy', policy }
    this.#compiled.set(record, named)
    return named
  }
}
