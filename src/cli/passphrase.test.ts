import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import test, { describe } from 'node:test'
import { fakeTerminal } from '../../test/support/fake-terminal.ts'
import { UsageError } from './failures.ts'
import { askPassphrase, PASSPHRASE_BYTES_MAX, TypedLine } from './passphrase.ts'

/** A keyboard on which the given chunks are typed, one each time somebody reads. */
class FakeKeyboard extends EventEmitter {
  readonly rawModes: boolean[] = []
  readonly #chunks: string[]

  constructor(...chunks: string[]) {
    super()
    this.#chunks = chunks
  }

  setRawMode(raw: boolean): void {
    this.rawModes.push(raw)
  }

  resume(): void {
    const chunk = this.#chunks.shift()
    queueMicrotask(() =>
      chunk === undefined ? this.emit('end') : this.emit('data', Buffer.from(chunk)),
    )
  }

  pause(): void {}
}

const typed = (text: string): string | undefined => {
  const line = new TypedLine().type(Buffer.from(text))
  return line && Buffer.from(line).toString()
}

describe('a typed line', () => {
  test('ends with return or line feed', () => {
    assert.equal(typed('correct horse\r'), 'correct horse')
    assert.equal(typed('correct horse\nrest'), 'correct horse')
    assert.equal(typed('not yet'), undefined)
  })

  test('may come in pieces', () => {
    const line = new TypedLine()
    assert.equal(line.type(Buffer.from('ab')), undefined)
    assert.deepEqual(line.type(Buffer.from('c\r')), new Uint8Array(Buffer.from('abc')))
  })

  test('a backspace takes a whole character, and none where there is none', () => {
    assert.equal(typed('\x7fa\xfc\x7f\x08\x08b\r'), 'b')
    assert.equal(typed('€\x7f$\r'), '$')
  })

  test('Ctrl-U starts over', () => {
    assert.equal(typed('wrong\x15right\r'), 'right')
  })

  test('Ctrl-C and Ctrl-D give up', () => {
    assert.throws(() => typed('abc\x03'), UsageError)
    assert.throws(() => typed('\x04'), UsageError)
  })

  test('an arrow key is refused instead of becoming part of the passphrase', () => {
    assert.throws(() => typed('abc\x1b[D'), /arrow/)
  })

  test('it holds as many bytes as it says and no more', () => {
    assert.equal(typed(`${'a'.repeat(PASSPHRASE_BYTES_MAX)}\r`)?.length, PASSPHRASE_BYTES_MAX)
    assert.throws(() => typed('a'.repeat(PASSPHRASE_BYTES_MAX + 1)), /longer than 1024 bytes/)
  })
})

describe('the prompt', () => {
  test('asks once to open, never showing the answer', async () => {
    const terminal = fakeTerminal()
    const keyboard = new FakeKeyboard('hunter2\r')
    const answer = await askPassphrase('open', keyboard, terminal.err)
    assert.equal(Buffer.from(answer).toString(), 'hunter2')
    assert.equal(terminal.stderr(), 'Passphrase: \n')
    assert.deepEqual(keyboard.rawModes, [true, false])
  })

  test('asks twice for a new one', async () => {
    const terminal = fakeTerminal()
    const answer = await askPassphrase('choose', new FakeKeyboard('x\r', 'x\r'), terminal.err)
    assert.equal(Buffer.from(answer).toString(), 'x')
    assert.equal(terminal.stderr(), 'New passphrase: \nThe same again: \n')
  })

  test('refuses two answers that differ', async () => {
    const keyboard = new FakeKeyboard('one\r', 'two\r')
    await assert.rejects(askPassphrase('choose', keyboard, fakeTerminal().err), /differ/)
  })

  test('refuses an empty answer and the end of the input', async () => {
    await assert.rejects(askPassphrase('open', new FakeKeyboard('\r'), fakeTerminal().err), /empty/)
    await assert.rejects(askPassphrase('open', new FakeKeyboard(), fakeTerminal().err), UsageError)
  })

  test('leaves the terminal as it was, and its listeners off, also when it fails', async () => {
    const keyboard = new FakeKeyboard('\x03')
    await assert.rejects(askPassphrase('open', keyboard, fakeTerminal().err), UsageError)
    assert.deepEqual(keyboard.rawModes, [true, false])
    assert.equal(keyboard.listenerCount('data') + keyboard.listenerCount('end'), 0)
  })

  test('without a terminal it names the flag that helps', async () => {
    await assert.rejects(
      askPassphrase('open', undefined, fakeTerminal().err),
      (error: UsageError) => {
        assert.match(error.hint ?? '', /--passphrase-file/)
        return true
      },
    )
  })
})
