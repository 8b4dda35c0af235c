import assert from 'node:assert/strict'
import { test } from 'node:test'
import { merkleRoot } from './merkle.ts'
import { MerkleTree } from './merkle-tree.ts'

test('a tree that is built record by record is the one of RFC 6962', () => {
  const records = Array.from({ length: 70 }, (_, n) => `{"n":"${n} é"}`)
  const tree = new MerkleTree()
  for (const [count, record] of records.entries()) {
    assert.equal(tree.root(), merkleRoot(records.slice(0, count)))
    tree.add(record)
  }
  assert.equal(tree.root(), merkleRoot(records))
})
