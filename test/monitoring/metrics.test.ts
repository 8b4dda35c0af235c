import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type BusyNode, startBusyNode } from './busy-node.ts'
import { metricOf, type Scrape, scrape } from './exposition.ts'

/** A row of the tables of docs/operating/monitoring.md. */
const ROW = /^\| `(?<name>[a-z0-9_]+)` \| (?<type>\w+) \| (?<labels>[^|]*) \| (?<help>.*) \|$/gm

const documented = (): ReadonlyMap<string, string> => {
  const file = new URL('../../docs/operating/monitoring.md', import.meta.url)
  return new Map(
    [...readFileSync(file, 'utf8').matchAll(ROW)].map(({ groups }) => [
      groups?.['name'] ?? '',
      [groups?.['type'], groups?.['labels']?.replaceAll('`', '').trim(), groups?.['help']].join(
        ' | ',
      ),
    ]),
  )
}

describe('the metrics of a node that has something to do', () => {
  let node: BusyNode
  let scraped: Scrape

  before(async () => {
    node = await startBusyNode()
    scraped = await scrape(node.server.endpoint)
  })
  after(() => node[Symbol.asyncDispose]())

  const valueOf = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    const found = scraped.samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
    assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`)
    return found[0]?.value ?? Number.NaN
  }

  test('count calls by their outcome', () => {
    const encrypt = { service: 'kms', operation: 'Encrypt' }
    assert.equal(valueOf('strongroom_requests_total', { ...encrypt, outcome: 'success' }), 5)
    assert.equal(valueOf('strongroom_requests_total', { ...encrypt, outcome: 'denied' }), 1)
    assert.equal(valueOf('strongroom_requests_total', { ...encrypt, outcome: 'client_error' }), 2)
    assert.equal(valueOf('strongroom_request_duration_seconds_count', encrypt), 8)
    const random = { operation: 'GenerateRandom', outcome: 'throttled' }
    assert.equal(valueOf('strongroom_requests_total', random), 1)
  })

  test('count refusals, failures and decisions', () => {
    const signature = { code: 'InvalidSignatureException' }
    assert.equal(valueOf('strongroom_refusals_total', signature), 1)
    assert.equal(valueOf('strongroom_request_errors_total', { code: 'NotFoundException' }), 1)
    assert.equal(valueOf('strongroom_uses_of_keys_pending_deletion_total'), 1)
    const allowed = { result: 'allowed', decided_by: 'root' }
    assert.ok(valueOf('strongroom_authorization_decisions_total', allowed) >= 10)
  })

  test('count keys, and tell how long they have', () => {
    assert.equal(valueOf('strongroom_keys', { state: 'PendingDeletion' }), 1)
    assert.equal(valueOf('strongroom_keys', { spec: 'RSA_2048' }), 1)
    const days = (name: string): number => Math.round(valueOf(name) / 86_400)
    assert.equal(days('strongroom_next_key_deletion_seconds'), 30)
    assert.equal(days('strongroom_next_key_material_expiration_seconds'), 7)
  })

  test('tell of the audit log, the store and the process', () => {
    assert.equal(valueOf('strongroom_audit_failing'), 0)
    assert.equal(valueOf('strongroom_audit_frames_total'), valueOf('strongroom_audit_sequence'))
    assert.ok(valueOf('strongroom_audit_write_duration_seconds_count') > 0)
    assert.ok(valueOf('strongroom_store_commit_works_sum') >= 5)
    assert.ok(valueOf('strongroom_cache_hits_total', { cache: 'records' }) > 0)
    assert.ok(valueOf('strongroom_data_disk_free_bytes') > 0)
    assert.ok(valueOf('process_cpu_seconds_total') > 0)
    assert.equal(valueOf('strongroom_metrics_reading_failures_total'), 0)
  })

  test('name no key and no principal', () => {
    const { credentials } = node.server
    const said = JSON.stringify(scraped.samples)
    for (const name of [node.keyArn.split('/')[1], node.importedKeyId, credentials.accessKeyId]) {
      assert.ok(name !== undefined && !said.includes(name), `${name} is not there`)
    }
  })

  test('are each in the documentation as they are, and no other', () => {
    const labels = new Map<string, Set<string>>()
    for (const { name, labels: own } of scraped.samples) {
      const metric = metricOf(scraped, name)
      const known = labels.get(metric) ?? new Set()
      for (const label of Object.keys(own)) if (label !== 'le') known.add(label)
      labels.set(metric, known)
    }
    const found = [...scraped.metrics].map(([name, { type, help }]): [string, string] => [
      name,
      [type, [...(labels.get(name) ?? [])].join(', ') || '–', help].join(' | '),
    ])
    assert.deepEqual(
      found.filter(([name]) => !labels.has(name)).map(([name]) => name),
      ['strongroom_trail_digest_age_seconds'],
      'every metric has samples here, but for one that an hour has to end for',
    )
    const inDocs = documented()
    assert.deepEqual(new Map(found), inDocs)
  })
})
