/** Colours where a terminal shows them, and the text alone elsewhere. */
export interface Paint {
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
  strong(text: string): string
}

const RESET = '\u001b[0m'

const painter =
  (code: number, isColored: boolean) =>
  (text: string): string =>
    isColored ? `\u001b[${code}m${text}${RESET}` : text

/** @param isColored whether the reader is a terminal that wants colours */
export const createPaint = (isColored: boolean): Paint => ({
  good: painter(32, isColored),
  bad: painter(31, isColored),
  warn: painter(33, isColored),
  strong: painter(1, isColored),
})
