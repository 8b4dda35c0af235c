/** A series selector of a PromQL expression. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly {
    readonly label: string
    readonly op: string
    readonly value: string
  }[]
}

/** What an expression names. */
export interface Named {
  readonly selectors: readonly Selector[]
  /** Of `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`. */
  readonly groupings: readonly string[]
}

const TOKEN =
  /\s*(?:(?<string>"(?:[^"\\]|\\.)*")|(?<variable>\$\w+)|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[smhdwy]?)|(?<name>[a-zA-Z_:][\w:]*)|(?<op>=~|!~|==|!=|>=|<=|[-+*/%^<>=(){}[\],]))/y

const FUNCTIONS = new Set(['histogram_quantile', 'increase', 'predict_linear', 'rate', 'vector'])
const AGGREGATIONS = new Set(['avg', 'count', 'max', 'min', 'sum'])
const BINARY = new Set([
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '==',
  '!=',
  '>',
  '<',
  '>=',
  '<=',
  'and',
  'or',
  'unless',
])
const MATCHING = new Set(['on', 'ignoring', 'group_left', 'group_right', 'bool'])

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text)
    if (match === null) throw new Error(`no PromQL: ${text}`)
    tokens.push(match[0].trim())
  }
  return tokens
}

/**
 * Reads an expression of the part of PromQL that our rules and dashboards use. Stricter than Prometheus where
 * it does not know better: a function that is not in its list is refused.
 * **Source:** Prometheus, Querying basics and Operators.
 */
export function readPromql(text: string): Named {
  const reader = new Reader(tokensOf(text), text)
  reader.expression()
  reader.end()
  return reader
}

class Reader implements Named {
  readonly selectors: Selector[] = []
  readonly groupings: string[] = []
  readonly #tokens: readonly string[]
  readonly #text: string
  #at = 0

  constructor(tokens: readonly string[], text: string) {
    this.#tokens = tokens
    this.#text = text
  }

  expression(): void {
    this.#operand()
    while (BINARY.has(this.#peek())) {
      this.#next()
      while (MATCHING.has(this.#peek())) if (this.#next() !== 'bool') this.#labels()
      this.#operand()
    }
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail()
  }

  #operand(): void {
    if (this.#peek() === '-') this.#next()
    const token = this.#next()
    if (token === '(') {
      this.expression()
      this.#expect(')')
    } else if (FUNCTIONS.has(token)) this.#arguments()
    else if (AGGREGATIONS.has(token)) this.#aggregation()
    else if (/^[a-zA-Z_:]/.test(token)) this.#selector(token)
    else if (!/^\d/.test(token)) this.#fail()
  }

  #arguments(): void {
    this.#expect('(')
    do this.expression()
    while (this.#taken(','))
    this.#expect(')')
  }

  #aggregation(): void {
    const grouped = this.#grouping()
    this.#arguments()
    if (!grouped) this.#grouping()
  }

  #grouping(): boolean {
    if (this.#peek() !== 'by' && this.#peek() !== 'without') return false
    this.#next()
    this.#labels()
    return true
  }

  #labels(): void {
    this.#expect('(')
    while (this.#peek() !== ')') {
      this.groupings.push(this.#name())
      if (!this.#taken(',')) break
    }
    this.#expect(')')
  }

  #selector(metric: string): void {
    const matchers: { label: string; op: string; value: string }[] = []
    if (this.#taken('{')) {
      while (this.#peek() !== '}') {
        const [label, op, value] = [this.#name(), this.#next(), this.#next()]
        if (!['=', '!=', '=~', '!~'].includes(op) || !value.startsWith('"')) this.#fail()
        matchers.push({ label, op, value: String(JSON.parse(value)) })
        if (!this.#taken(',')) break
      }
      this.#expect('}')
    }
    if (this.#taken('[')) {
      if (!/^(?:\d+[smhdwy]|\$__rate_interval)$/.test(this.#next())) this.#fail()
      this.#expect(']')
    }
    this.selectors.push({ metric, matchers })
  }

  #name(): string {
    const token = this.#next()
    return /^[a-zA-Z_]\w*$/.test(token) ? token : this.#fail()
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? ''
  }

  #next(): string {
    const token = this.#tokens[this.#at++]
    return token ?? this.#fail()
  }

  #taken(token: string): boolean {
    if (this.#peek() !== token) return false
    this.#at++
    return true
  }

  #expect(token: string): void {
    if (!this.#taken(token)) this.#fail()
  }

  #fail(): never {
    throw new Error(`no PromQL at part ${this.#at}: ${this.#text}`)
  }
}
