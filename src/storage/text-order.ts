/**
 * Text in the order of its UTF-8 bytes, which is what databases compare. JavaScript's `<` differs
 * where a surrogate pair meets a character from U+E000 to U+FFFF.
 */
export function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return byCodePoint(x) - byCodePoint(y)
  }
  return a.length - b.length
}

const byCodePoint = (unit: number): number =>
  unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit
