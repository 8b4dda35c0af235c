import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { auditStructure } from './audit-structure.ts'

const structure = (members: Readonly<Record<string, Shape>>): StructureShape => ({
  type: 'structure',
  name: 'Test',
  required: [],
  members: new Map(Object.entries(members)),
})

const TEXT = { type: 'string' } as const
const SHAPE = structure({
  AWSServiceName: TEXT,
  CreateDate: { type: 'timestamp' },
  Count: { type: 'integer' },
  IsOn: { type: 'boolean' },
  Tags: { type: 'list', member: structure({ Key: TEXT, Value: TEXT }) },
  Map: { type: 'map', key: TEXT, value: { type: 'integer' } },
  Password: { type: 'string', sensitive: true },
  Picture: { type: 'blob' },
  Seed: { type: 'blob', sensitive: true },
})

test('a record has the members of the model in lower camel case, dates as CloudTrail writes them', () => {
  const shown = auditStructure(SHAPE, {
    AWSServiceName: 'x',
    CreateDate: Date.UTC(2026, 0, 31, 15, 4, 5),
    Count: 2,
    IsOn: false,
    Tags: [{ Key: 'a', Value: 'b', Other: 'c' }],
    Map: { Users: 3 },
  })
  assert.deepEqual(shown, {
    aWSServiceName: 'x',
    createDate: 'Jan 31, 2026, 3:04:05 PM',
    count: 2,
    isOn: false,
    tags: [{ key: 'a', value: 'b' }],
    map: { Users: 3 },
  })
})

test('a record has nothing sensitive, no bytes and nothing that the model does not name', () => {
  const secret = new Secret(new TextEncoder().encode('canary'))
  const values = { Password: secret, Picture: Uint8Array.of(1), Seed: secret, Other: 'x' }
  assert.equal(JSON.stringify(auditStructure(SHAPE, values)), '{}')
  assert.equal(JSON.stringify(auditStructure(SHAPE, { Password: 'canary' })), '{}')
})
