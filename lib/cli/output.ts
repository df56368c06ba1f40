/**
 * Standard output. What one turn of the event loop writes goes out together. A file is written at once and to
 * the last byte: a stream would not tell when a disk that is full has taken only a part. Everything else is a
 * stream that says when it has had enough.
 */
import { fstatSync } from 'node:fs'
import { writeAll } from './write-all.ts'

const STDOUT = 1
const MOST_KEPT = 1 << 16

export interface OutputEvents {
  /** It takes more again. */
  onDrain(): void
  onError(error: NodeJS.ErrnoException): void
  /** Something is about to be written. */
  onWrite(): void
}

export class Output {
  readonly #events: OutputEvents
  readonly #isFile: boolean
  #text = ''
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

  write(line: string): void {
    this.#text += `${line}\n`
    if (this.#text.length > MOST_KEPT) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => this.flush())
    }
  }

  flush(): void {
    this.#isScheduled = false
    const text = this.#text
    this.#text = ''
    if (text === '' || this.#isBroken) return
    this.#events.onWrite()
    if (!this.#isFile) {
      process.stdout.write(text)
      return
    }
    try {
      writeAll(STDOUT, text)
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException)
    }
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
