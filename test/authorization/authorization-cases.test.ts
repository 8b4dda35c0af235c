/**
 * Runs the cases of the JSON files of this folder: a request, the policies that it meets, and what is to
 * come of it. The cases are ours, written from what AWS's documentation says.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { denialMessage } from '../../src/authz/denial-message.ts'
import type { AuthorizationCase } from './authorization-case.ts'
import { decide, requestOf } from './authorization-case.ts'

const FOLDER = import.meta.dirname
const CASES_MIN = 700

interface CaseFile {
  /** What the cases of the file have in common: each may say otherwise. */
  readonly common?: Partial<AuthorizationCase>
  readonly cases: readonly AuthorizationCase[]
}

function check(c: AuthorizationCase): void {
  const decision = decide(c)
  assert.equal(decision.allowed ? 'allow' : 'deny', c.expect)
  if (decision.allowed) {
    if (c.path === undefined) return
    assert.equal(decision.path, c.path)
    assert.equal(decision.grants !== undefined, c.path === 'grant' || c.decide === 'retirement')
    return
  }
  if (c.layer !== undefined) assert.equal(decision.denial.layer, c.layer)
  assert.equal(decision.denial.isExplicit, c.explicit ?? false)
  assert.equal(decision.grounds.length, decision.denial.isExplicit ? 1 : 0)
  if (c.message === undefined) return
  assert.equal(denialMessage(requestOf(c), decision.denial, c.namedBy ?? 'arn'), c.message)
}

let count = 0
for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json'))) {
  describe(file.replace('.json', ''), () => {
    const { common, cases }: CaseFile = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
    const names = new Set(cases.map(({ name }) => name))
    assert.equal(names.size, cases.length, 'every case has a name of its own')
    for (const c of cases) test(c.name, () => check({ ...common, ...c }))
    count += cases.length
  })
}

test('there are cases enough', () => {
  assert.ok(count >= CASES_MIN, `only ${count}`)
})
