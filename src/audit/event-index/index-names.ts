import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type EventFacts, keyIdInArn } from './event-facts.ts'

/** Entries of each memory; beyond them it begins anew. */
const REMEMBERED_MAX = 100_000

/** Outcomes as they stand in the file. */
export const OUTCOMES = ['success', 'denied', 'failure'] as const

/** Numbers that were given to texts; asks the file for those that it does not remember. */
class Numbers {
  readonly #known = new Map<string, number>()

  get(text: string, ask: () => number): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const number = ask()
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear()
    this.#known.set(text, number)
    return number
  }

  clear(): void {
    this.#known.clear()
  }
}

/** Numbers for texts, combinations and sessions, given out once each. Only within a transaction that writes. */
export class IndexNames {
  readonly #strings = new Numbers()
  readonly #combos = new Numbers()
  readonly #sessions = new Numbers()
  readonly #addString: StatementSync
  readonly #findString: StatementSync
  readonly #addCombo: StatementSync
  readonly #findCombo: StatementSync
  readonly #addResource: StatementSync
  readonly #addSession: StatementSync
  readonly #findSession: StatementSync

  constructor(db: DatabaseSync) {
    this.#addString = db.prepare('INSERT INTO string (text) VALUES (?) RETURNING id')
    this.#findString = db.prepare('SELECT id FROM string WHERE text = ?')
    const columns =
      'principal, event_name, source_ip, account, region, event_source, outcome, error_code, read_only, resources'
    const same = columns.split(', ').map((column) => `${column} = ?`)
    this.#addCombo = db.prepare(
      `INSERT INTO combo (${columns}) VALUES (${same.map(() => '?').join(', ')}) RETURNING id`,
    )
    this.#findCombo = db.prepare(`SELECT id FROM combo WHERE ${same.join(' AND ')}`)
    this.#addResource = db.prepare('INSERT OR IGNORE INTO combo_resource VALUES (?, ?, ?)')
    this.#addSession = db.prepare(
      'INSERT INTO session (arn, access_key, username) VALUES (?, ?, ?) RETURNING id',
    )
    this.#findSession = db.prepare(
      'SELECT id FROM session WHERE arn = ? AND access_key = ? AND username = ?',
    )
  }

  /** After a transaction that was taken back: what it gave out may be given to others. */
  forget(): void {
    for (const numbers of [this.#strings, this.#combos, this.#sessions]) numbers.clear()
  }

  string(text: string): number {
    return this.#strings.get(text, () => idOf(this.#findString, this.#addString, [text]))
  }

  /** Of everything that events mostly have in common with many others. */
  combo(facts: EventFacts): number {
    const resources = JSON.stringify(facts.resources.map(({ type, arn }) => [type, arn]))
    const texts = [
      facts.principal,
      facts.eventName,
      facts.sourceIp,
      facts.accountId,
      facts.region,
      facts.eventSource,
      facts.errorCode,
      facts.readOnly,
      resources,
    ]
    return this.#combos.get(JSON.stringify(texts), () => this.#numberCombo(facts, resources))
  }

  #numberCombo(facts: EventFacts, resources: string): number {
    const values = [
      this.string(facts.principal),
      this.string(facts.eventName),
      this.string(facts.sourceIp),
      this.string(facts.accountId),
      this.string(facts.region),
      this.string(facts.eventSource),
      OUTCOMES.indexOf(facts.outcome),
      this.string(facts.errorCode),
      Number(facts.readOnly),
      this.string(resources),
    ]
    const known = this.#findCombo.get(...values)
    if (known !== undefined) return Number(known['id'])
    const combo = Number(this.#addCombo.get(...values)?.['id'])
    for (const { type, arn } of facts.resources) {
      const keyId = keyIdInArn(arn)
      for (const name of keyId === undefined ? [arn] : [arn, keyId]) {
        this.#addResource.run(this.string(name), combo, this.string(type))
      }
    }
    return combo
  }

  /** Of what a principal calls with: sessions and access keys come and go, and would multiply the combinations. */
  session({ arn, accessKeyId, username }: EventFacts): number {
    return this.#sessions.get(JSON.stringify([arn, accessKeyId, username]), () =>
      idOf(this.#findSession, this.#addSession, [
        this.string(arn),
        this.string(accessKeyId),
        this.string(username),
      ]),
    )
  }
}

function idOf(
  find: StatementSync,
  add: StatementSync,
  values: readonly (string | number)[],
): number {
  return Number((find.get(...values) ?? add.get(...values))?.['id'])
}
