const FIRST_BYTES = 16_384
const EMPTY = Buffer.alloc(0)

/**
 * Collects bytes that arrive in pieces into one buffer. It never holds more than twice what has
 * arrived, whatever length a client announces and however small its pieces are.
 */
export class ByteCollector {
  #bytes: Buffer = EMPTY
  #used = 0

  get sizeBytes(): number {
    return this.#used
  }

  append(piece: Buffer): void {
    const needed = this.#used + piece.length
    if (needed > this.#bytes.length) this.#grow(needed)
    piece.copy(this.#bytes, this.#used)
    this.#used = needed
  }

  /** What has been collected; valid until the next `append`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#used)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#used)
    this.#bytes = larger
  }
}
