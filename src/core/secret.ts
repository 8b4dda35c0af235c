/** Secret bytes: zeroed on disposal, never printed, never serialized. */
export class Secret implements Disposable {
  #bytes: Uint8Array

  /** Takes ownership: the caller must not keep `bytes`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Borrow; valid until disposal. Call sites are few and reviewed: grep for `.expose(`. */
  expose(): Uint8Array {
    return this.#bytes
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0)
  }

  toJSON(): never {
    throw new TypeError('a Secret must not be serialized')
  }

  toString(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
