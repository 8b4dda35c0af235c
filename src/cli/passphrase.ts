import { UsageError } from './failures.ts'
import type { PassphrasePurpose } from './program.ts'
import type { Output } from './terminal.ts'

/** The part of a terminal's input stream that a prompt needs. */
export interface PassphraseInput {
  setRawMode(raw: boolean): unknown
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'end', listener: () => void): unknown
  resume(): unknown
  pause(): unknown
}

/** Longest passphrase that can be typed, in bytes. */
export const PASSPHRASE_BYTES_MAX = 1024

const CTRL_C = 3
const CTRL_D = 4
const BACKSPACE = 8
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const CTRL_U = 21
const ESCAPE = 27
const DELETE = 127

/**
 * Asks for a passphrase without showing it; a new one twice. The caller owns the bytes.
 * @throws {UsageError} without a terminal, when the answer is empty, too long or not the same twice.
 */
export async function askPassphrase(
  purpose: PassphrasePurpose,
  keyboard: PassphraseInput | undefined,
  prompt: Output,
): Promise<Uint8Array> {
  if (keyboard === undefined) {
    throw new UsageError('the seal needs a passphrase, and there is no terminal to ask for it', {
      hint: 'Name a file that holds it: --passphrase-file FILE',
    })
  }
  const first = await ask(
    purpose === 'choose' ? 'New passphrase: ' : 'Passphrase: ',
    keyboard,
    prompt,
  )
  if (purpose === 'open') return first
  let second: Uint8Array | undefined
  try {
    second = await ask('The same again: ', keyboard, prompt)
    if (Buffer.compare(first, second) !== 0) throw new UsageError('the two passphrases differ')
    return first
  } catch (error) {
    first.fill(0)
    throw error
  } finally {
    second?.fill(0)
  }
}

/** Asks for a share of a root key without showing it. The caller owns the bytes. @throws {UsageError} as `askPassphrase` */
export function askShare(
  question: string,
  keyboard: PassphraseInput | undefined,
  prompt: Output,
): Promise<Uint8Array> {
  if (keyboard === undefined) {
    throw new UsageError(
      'the seal needs a share of the root key, and there is no terminal to ask for it',
      {
        hint: 'Name a file that holds it: --share-file FILE',
      },
    )
  }
  return ask(question, keyboard, prompt, 'share')
}

async function ask(
  question: string,
  keyboard: PassphraseInput,
  prompt: Output,
  what = 'passphrase',
): Promise<Uint8Array> {
  await prompt.write(question)
  keyboard.setRawMode(true)
  try {
    const line = await readLine(keyboard)
    if (line.length === 0) throw new UsageError(`the ${what} is empty`)
    return line
  } finally {
    keyboard.setRawMode(false)
    keyboard.pause()
    await prompt.write('\n')
  }
}

function readLine(keyboard: PassphraseInput): Promise<Uint8Array> {
  const line = new TypedLine()
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const onData = (chunk: Buffer): void => {
    try {
      const done = line.type(chunk)
      if (done !== undefined) resolve(done)
    } catch (error) {
      reject(error)
    } finally {
      chunk.fill(0)
    }
  }
  const onEnd = (): void => reject(new UsageError('no passphrase was given'))
  keyboard.on('data', onData)
  keyboard.on('end', onEnd)
  keyboard.resume()
  return promise.finally(() => {
    keyboard.off('data', onData)
    keyboard.off('end', onEnd)
    line.clear()
  })
}

/** A line being typed at a terminal in raw mode: what the terminal's driver would else do. */
export class TypedLine {
  readonly #bytes = new Uint8Array(PASSPHRASE_BYTES_MAX)
  #length = 0

  /**
   * The finished line, owned by the caller, when the chunk ends it. Anything behind the line's end is
   * dropped.
   * @throws {UsageError} on Ctrl-C, Ctrl-D at the line's start, an escape sequence, or a line too long.
   */
  type(chunk: Uint8Array): Uint8Array | undefined {
    for (const byte of chunk) {
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return this.#bytes.slice(0, this.#length)
      if (byte === CTRL_C || (byte === CTRL_D && this.#length === 0)) {
        throw new UsageError('no passphrase was given')
      }
      // Arrow keys would silently become part of the passphrase.
      if (byte === ESCAPE) throw new UsageError('a passphrase holds no arrow or function keys')
      if (byte === CTRL_U) this.clear()
      else if (byte === BACKSPACE || byte === DELETE) this.#dropCharacter()
      else this.#append(byte)
    }
    return undefined
  }

  clear(): void {
    this.#bytes.fill(0)
    this.#length = 0
  }

  #append(byte: number): void {
    if (this.#length === PASSPHRASE_BYTES_MAX) {
      throw new UsageError(`the passphrase is longer than ${PASSPHRASE_BYTES_MAX} bytes`)
    }
    this.#bytes[this.#length] = byte
    this.#length += 1
  }

  /** UTF-8: the bytes that continue a character (10xxxxxx) go with the one that began it. */
  #dropCharacter(): void {
    while (this.#length > 0) {
      this.#length -= 1
      const dropped = this.#bytes[this.#length] ?? 0
      this.#bytes[this.#length] = 0
      if ((dropped & 0xc0) !== 0x80) return
    }
  }
}
