/**
 * PostgreSQL's text holds every character but U+0000. So U+0000 is stored as U+0001 U+0001, and
 * U+0001 as U+0001 U+0002: texts keep their order by bytes, and a prefix stays one.
 */
const NUL = '\u0000'
const ESCAPE = '\u0001'

export function escapeText(text: string): string {
  if (!text.includes(NUL) && !text.includes(ESCAPE)) return text
  return text.replaceAll(ESCAPE, '\u0001\u0002').replaceAll(NUL, '\u0001\u0001')
}

export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text
  let plain = ''
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character !== ESCAPE) plain += character
    else plain += text.charAt(++at) === ESCAPE ? NUL : ESCAPE
  }
  return plain
}
