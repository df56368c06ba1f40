/** Bytes, as they come, in lines: only `\n` ends one. */
import { constants } from 'node:buffer'

const NEWLINE = 10
const BYTE_ORDER_MARK = Buffer.from('\uFEFF')

/** A longer line would be no string any more: it is dropped, and undefined stands for it. */
const MOST = constants.MAX_STRING_LENGTH

export type Line = Buffer | undefined

export class LineSplitter {
  /** Of the line that has not ended. */
  #parts: Buffer[] = []
  #length = 0
  #isFirst = true

  #add(part: Buffer): void {
    this.#length += part.length
    if (this.#length <= MOST) this.#parts.push(part)
    else this.#parts = []
  }

  /** The lines that end in these bytes, without what ends them. They are views of the bytes. */
  *split(bytes: Buffer): Generator<Line> {
    let start = 0
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start)
      if (end < 0) break
      yield this.#take(bytes.subarray(start, end))
      start = end + 1
    }
    // A copy, so that a short rest does not keep all of the bytes.
    if (start < bytes.length) this.#add(Buffer.from(bytes.subarray(start)))
  }

  /** What comes after the last `\n`, if there is something. */
  *rest(): Generator<Line> {
    if (this.#length > 0) yield this.#take(Buffer.alloc(0))
  }

  #take(part: Buffer): Line {
    if (this.#length > 0) this.#add(part)
    const length = this.#length > 0 ? this.#length : part.length
    let line = this.#parts.length > 0 ? Buffer.concat(this.#parts) : part
    this.#parts = []
    this.#length = 0
    if (this.#isFirst && line.subarray(0, 3).equals(BYTE_ORDER_MARK)) line = line.subarray(3)
    this.#isFirst = false
    return length > MOST ? undefined : line
  }
}
