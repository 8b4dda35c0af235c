import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type BusyNode, startBusyNode } from './busy-node.ts'
import { metricOf, type Scrape, scrape } from './exposition.ts'
import { readPromql, type Selector } from './promql.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly runbook: string
}

/** The rules of the file, which has each of their members on a line of its own. */
function rulesOf(text: string): readonly Rule[] {
  return text
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((rule) => ({
      alert: rule.split('\n', 1)[0] ?? '',
      expr: /^ {8}expr: (.+)$/m.exec(rule)?.[1] ?? '',
      runbook: /^ {10}runbook: (.+)$/m.exec(rule)?.[1] ?? '',
    }))
}

interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly type: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly definition?: string }[] }
}

const rules = rulesOf(read('deploy/prometheus/alerts.yml'))
const dashboard: Dashboard = JSON.parse(read('deploy/grafana/strongroom.json'))
const expressions = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr })),
  ),
]

/** Labels that Prometheus adds to whatever it scrapes. */
const SCRAPED: ReadonlySet<string> = new Set(['instance', 'job'])
/** Prometheus's own word for whether a target answers. */
const NOT_OURS = 'up'
/** What a node that is well never shows. */
const ONLY_IN_TROUBLE: ReadonlySet<string> = new Set(['outcome="server_error"'])
/** There once an hour is over. */
const LATER: ReadonlySet<string> = new Set(['strongroom_trail_digest_age_seconds'])
/** Of `--workers` alone: `test/fault/workers.test.ts` looks at it. */
const OF_WORKERS = 'strongroom_worker_up'

const isMatch = (
  { op, value }: Selector['matchers'][number],
  actual: string | undefined,
): boolean => {
  const is = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual ?? '') : actual === value
  return op.startsWith('!') ? !is : is
}

describe('what deploy/ has for Prometheus and Grafana', () => {
  let node: BusyNode
  let scraped: Scrape

  before(async () => {
    node = await startBusyNode()
    scraped = await scrape(node.server.endpoint)
  })
  after(() => node[Symbol.asyncDispose]())

  test('was read', () => {
    assert.ok(rules.length >= 15)
    assert.ok(expressions.length > rules.length + 30)
    assert.ok(rules.every(({ expr }) => expr !== ''))
  })

  test('selects series that a busy node has', () => {
    for (const { where, expr } of expressions) {
      for (const { metric, matchers } of readPromql(expr).selectors) {
        if (metric === NOT_OURS || metric === OF_WORKERS) continue
        const what = `${where}: ${metric}${JSON.stringify(matchers)}`
        assert.ok(scraped.metrics.has(metricOf(scraped, metric)), what)
        const wanted = matchers.filter(
          ({ label, value }) => !SCRAPED.has(label) && !ONLY_IN_TROUBLE.has(`${label}="${value}"`),
        )
        const found = scraped.samples.some(
          ({ name, labels }) =>
            name === metric && wanted.every((matcher) => isMatch(matcher, labels[matcher.label])),
        )
        assert.ok(found || LATER.has(metric), what)
      }
    }
  })

  test('groups by labels that the series have', () => {
    for (const { where, expr } of expressions) {
      const { selectors, groupings } = readPromql(expr)
      const has = new Set<string>(SCRAPED)
      for (const { metric } of selectors) {
        for (const { name, labels } of scraped.samples) {
          if (name === metric) for (const label of Object.keys(labels)) has.add(label)
        }
      }
      for (const label of groupings) assert.ok(has.has(label), `${where}: ${label}`)
    }
  })
})

describe('the alert rules', () => {
  const runbook = read('docs/operating/alerts.md')

  test('have each its own name and its place in the runbook', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
    for (const { alert, runbook: link } of rules) {
      assert.equal(link, `docs/operating/alerts.md#${alert.toLowerCase()}`)
      assert.match(runbook, new RegExp(`^## ${alert}$`, 'm'))
    }
  })

  test('are all that the runbook knows', () => {
    const told = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
    assert.deepEqual(
      told,
      rules.map(({ alert }) => alert),
    )
  })
})

describe('the dashboard', () => {
  test('has panels with numbers and titles of their own, each with a query but the headings', () => {
    const { panels } = dashboard
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
    for (const { type, title, targets = [] } of panels) {
      assert.equal(targets.length > 0, type !== 'row', title)
    }
  })

  test('lets one choose the node by a metric that every node has', () => {
    const definitions = dashboard.templating.list.map(({ definition }) => definition)
    assert.ok(definitions.includes('label_values(strongroom_build_info, instance)'))
  })
})

test('the reader of PromQL refuses what is none', () => {
  for (const text of [
    'sum(',
    'rate(a[5m)',
    'a{b=c}',
    'a{b="c"',
    'a b',
    'sum by a (b)',
    'unknown_function(a)',
    'a[5x]',
    '> 1',
  ]) {
    assert.throws(() => readPromql(text), /no PromQL/, text)
  }
  assert.deepEqual(readPromql('sum by (x) (rate(a{b=~"c|d"}[5m])) / 2 > 0.1 or c').selectors, [
    { metric: 'a', matchers: [{ label: 'b', op: '=~', value: 'c|d' }] },
    { metric: 'c', matchers: [] },
  ])
})
