/** What cannot be seen, or moves what can: control characters, and those that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** The same, and what looks like a colour of `paint.ts` as a whole. */
const UNPRINTABLE_OR_COLOR = /\p{Cc}\[(?:0|1|31|32|33)m|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** A text of somebody else as part of a line: it must not move the cursor, nor look like more than it is. */
export const printable = (text: string): string => text.replaceAll(UNPRINTABLE, '?')

/** Lines that hold texts of somebody else, and colours of ours. */
export const printableLines = (text: string): string =>
  text.replaceAll(UNPRINTABLE_OR_COLOR, (found) => {
    if (found === '\n' || found.startsWith('\u001b[')) return found
    return found.length > 2 ? `?${found.slice(1)}` : '?'
  })
