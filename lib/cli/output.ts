/**
 * Standard output. What one turn of the event loop writes goes out together. A file is written at once and to
 * the last byte: a stream would not tell when a disk that is full has taken only a part. Everything else is a
 * stream that says when it has had enough.
 */
import { fstatSync, writeSync } from 'node:fs'

const STDOUT = 1
const MOST_KEPT = 1 << 16

export interface OutputEvents {
  /** It takes more again. */
  onDrain(): void
  onError(error: NodeJS.ErrnoException): void
  /** Something is about to be written. */
  onWrite(): void
}

/** @typeParam T - what a line is of, for {@link Output.unwritten} */
export class Output<T> {
  readonly #events: OutputEvents
  readonly #isFile: boolean
  #lines: string[] = []
  #length = 0
  /** Of which items the lines are that were not written, or that the stream has not taken, in their order. */
  #items: T[] = []
  #isScheduled = false
  #isBroken = false

  constructor(events: OutputEvents) {
    this.#events = events
    const stat = fstatSync(STDOUT)
    this.#isFile = stat.isFile() || (stat.isCharacterDevice() && !process.stdout.isTTY)
    if (this.#isFile) return
    process.stdout.on('drain', () => events.onDrain())
    process.stdout.on('error', (error) => this.#fail(error))
  }

  /** Whether it has had enough for now. */
  get isFull(): boolean {
    return !this.#isFile && process.stdout.writableNeedDrain
  }

  /** The items whose lines have not gone out. What a pipe has taken has, whether it is read or not. */
  get unwritten(): readonly T[] {
    return this.#items
  }

  write(line: string, item: T): void {
    this.#lines.push(line)
    this.#items.push(item)
    this.#length += line.length
    if (this.#length > MOST_KEPT) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => this.flush())
    }
  }

  flush(): void {
    this.#isScheduled = false
    if (this.#lines.length === 0 || this.#isBroken) return
    const lines = this.#lines
    this.#lines = []
    this.#length = 0
    this.#events.onWrite()
    const text = `${lines.join('\n')}\n`
    if (this.#isFile) this.#writeAll(lines, Buffer.from(text))
    else process.stdout.write(text, (error) => error == null && this.#noteWritten(lines.length))
  }

  #writeAll(lines: readonly string[], bytes: Buffer): void {
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(STDOUT, bytes, written)
      this.#noteWritten(lines.length)
    } catch (error) {
      // The line after these may be there in part.
      let whole = 0
      for (const line of lines) {
        written -= Buffer.byteLength(line) + 1
        if (written < 0) break
        whole++
      }
      this.#noteWritten(whole)
      this.#fail(error as NodeJS.ErrnoException)
    }
  }

  #noteWritten(count: number): void {
    this.#items.splice(0, count)
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#events.onError(error)
  }

  /** Resolves when all has been taken, or can be taken no more. */
  async end(): Promise<void> {
    this.flush()
    if (this.#isFile || this.#isBroken || process.stdout.writableLength === 0) return
    await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  }
}
