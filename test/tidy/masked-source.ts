/** A source text with parts of it blanked out. All three have the lines and columns of the original. */
export interface MaskedSource {
  /** Without comments and without what stands in strings, templates and regular expressions. */
  readonly code: string
  /** Without comments, strings intact: for reading imports. */
  readonly uncommented: string
  /** Comments alone. */
  readonly comments: string
}

type Kind = 'code' | 'text' | 'comment'

interface Segment {
  readonly kind: Kind
  readonly text: string
}

/** Splits TypeScript into code, literal text and comments, without parsing it. */
export function maskSource(source: string): MaskedSource {
  const segments = new Scanner(source).scan()
  const keep = (...kept: readonly Kind[]): string =>
    segments
      .map(({ kind, text }) => (kept.includes(kind) ? text : text.replaceAll(/[^\n]/g, ' ')))
      .join('')
  return { code: keep('code'), uncommented: keep('code', 'text'), comments: keep('comment') }
}

/** What may begin something that is not plain code. */
const INTERESTING = /['"`/{}]/g
/** Behind these a slash begins a regular expression, behind anything else it divides. */
const PUNCTUATION_BEFORE_REGEX = '(,=:[!&|?{};+-*%~^<>'
const WORDS_BEFORE_REGEX = /(?:^|[^\w$.])(?:return|typeof|case|in|of|await|yield|throw|void)$/
/** How much of the code before a slash is looked at. */
const LOOK_BACK = 20

class Scanner {
  readonly #source: string
  readonly #segments: Segment[] = []
  #at = 0
  /** Where the code that is not yet a segment begins. */
  #codeFrom = 0
  /** For each open template, how many braces are open inside its `${}`. */
  readonly #templates: number[] = []

  constructor(source: string) {
    this.#source = source
  }

  scan(): readonly Segment[] {
    if (this.#source.startsWith('#!')) this.#take('comment', this.#end('\n', 0))
    for (;;) {
      INTERESTING.lastIndex = this.#at
      const found = INTERESTING.exec(this.#source)
      if (found === null) break
      this.#at = found.index
      this.#special(found[0])
    }
    this.#take('code', this.#source.length)
    return this.#segments
  }

  #special(character: string): void {
    if (this.#source.startsWith('//', this.#at)) this.#take('comment', this.#end('\n', 0))
    else if (this.#source.startsWith('/*', this.#at)) this.#take('comment', this.#end('*/', 2))
    else if (character === '/') this.#slash()
    else if (character === '`') this.#template()
    else if (character === '{' || character === '}') this.#brace(character)
    else this.#literal((at) => this.#source[at] === character)
  }

  #slash(): void {
    const before = this.#codeBefore()
    const last = before.at(-1)
    const startsValue =
      last === undefined ||
      PUNCTUATION_BEFORE_REGEX.includes(last) ||
      WORDS_BEFORE_REGEX.test(before)
    if (!startsValue) {
      this.#at += 1
      return
    }
    let inClass = false
    this.#literal((at) => {
      if (this.#source[at] === '[') inClass = true
      else if (this.#source[at] === ']') inClass = false
      return this.#source[at] === '/' && !inClass
    })
  }

  /** The end of the code before here, over comments: literals count as their closing quote. */
  #codeBefore(): string {
    const pending = this.#source
      .slice(Math.max(this.#codeFrom, this.#at - LOOK_BACK), this.#at)
      .trimEnd()
    if (pending !== '') return pending
    const earlier = this.#segments.findLast(
      ({ kind, text }) => kind === 'code' && text.trim() !== '',
    )
    return earlier?.text.trimEnd().slice(-LOOK_BACK) ?? ''
  }

  /** A literal of one line: its delimiters stay code, what is between them becomes text. */
  #literal(ends: (at: number) => boolean): void {
    this.#take('code', this.#at + 1)
    let at = this.#at
    while (at < this.#source.length && this.#source[at] !== '\n' && !ends(at)) {
      at += this.#source[at] === '\\' ? 2 : 1
    }
    this.#take('text', at)
    this.#at += 1
  }

  /** From the backtick, or the brace that ends a `${}`, to the closing backtick or the next `${`. */
  #template(): void {
    this.#take('code', this.#at + 1)
    let at = this.#at
    while (
      at < this.#source.length &&
      this.#source[at] !== '`' &&
      !this.#source.startsWith('${', at)
    ) {
      at += this.#source[at] === '\\' ? 2 : 1
    }
    this.#take('text', at)
    if (this.#source[at] === '$') {
      this.#templates.push(0)
      this.#at += 1
    }
    this.#at += 1
  }

  #brace(character: string): void {
    const depth = this.#templates.at(-1)
    if (depth === 0 && character === '}') {
      this.#templates.pop()
      this.#template()
      return
    }
    if (depth !== undefined) {
      this.#templates[this.#templates.length - 1] = depth + (character === '{' ? 1 : -1)
    }
    this.#at += 1
  }

  /** Everything up to here is code; from here to `end` it is of this kind. */
  #take(kind: Kind, end: number): void {
    const stop = Math.min(end, this.#source.length)
    if (kind !== 'code' && this.#at > this.#codeFrom) {
      this.#segments.push({ kind: 'code', text: this.#source.slice(this.#codeFrom, this.#at) })
      this.#codeFrom = this.#at
    }
    if (stop > this.#codeFrom) {
      this.#segments.push({ kind, text: this.#source.slice(this.#codeFrom, stop) })
    }
    this.#codeFrom = stop
    this.#at = stop
  }

  #end(text: string, offset: number): number {
    const found = this.#source.indexOf(text, this.#at + offset)
    return found === -1 ? this.#source.length : found + (text === '\n' ? 0 : text.length)
  }
}
