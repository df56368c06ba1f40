/**
 * `--joblog`: a line for each item, written as items end; and what an older one says has succeeded.
 *
 * The lines of one turn of the event loop are written together, and at once, so that a process which is
 * killed has told nearly all of what has ended.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { hash } from 'node:crypto'
import { LineSplitter } from './lines.ts'
import { OK } from './rows.ts'
import type { Row } from './rows.ts'
import { CommandError, inOneLine } from './usage.ts'
import { writeAll } from './write-all.ts'

/** Of a line of the input: the first half of a hash is enough to see that the line is another. */
const DIGITS = 16

export const hashOf = (line: Buffer): string => hash('sha256', line, 'hex').slice(0, DIGITS)

export class Joblog {
  readonly #fd: number
  readonly #onError: (error: unknown) => void
  readonly #done: Done | undefined
  #text = ''

  /**
   * @param onError - told once when it cannot be written any more
   * @throws CommandError if it cannot be written from the start
   */
  constructor(path: string, isResumed: boolean, onError: (error: unknown) => void) {
    this.#onError = onError
    try {
      this.#fd = openSync(path, isResumed ? 'a+' : 'w')
      this.#done = isResumed ? this.#read() : undefined
    } catch (error) {
      throw new CommandError(`cannot write the joblog: ${inOneLine(error)}`)
    }
  }

  #read(): Done {
    const done = new Done()
    const splitter = new LineSplitter()
    const bytes = Buffer.alloc(1 << 16)
    let last = 10
    for (;;) {
      const length = readSync(this.#fd, bytes, 0, bytes.length, null)
      if (length === 0) break
      for (const line of splitter.split(bytes.subarray(0, length))) done.note(line)
      last = bytes[length - 1] as number
    }
    // What a killed process has left unfinished is not continued.
    if (last !== 10) this.#text = '\n'
    return done
  }

  /** Whether the item has succeeded before, with the same line. */
  isDone(index: number, hashed: string): boolean {
    return this.#done?.has(index, hashed) === true
  }

  note(index: number, hashed: string, [, label, start, ms]: Row): void {
    if (this.#text === '' || this.#text === '\n') setImmediate(() => this.flush())
    const status = label === '' ? OK : label.replaceAll(/[\t\r\n]/g, ' ')
    this.#text += `${index}\t${start}\t${ms.toFixed(3)}\t${status}\t${hashed}\n`
  }

  flush(): void {
    if (this.#text === '' || this.#text === '\n') return
    const text = this.#text
    this.#text = ''
    try {
      writeAll(this.#fd, text)
    } catch (error) {
      this.#onError(error)
    }
  }

  close(): void {
    this.flush()
    closeSync(this.#fd)
  }
}

const PAGE = 4_096
const BYTES = DIGITS / 2

/** The hashes of the items that have succeeded, eight bytes each: a log may have millions. */
class Done {
  readonly #pages: Map<number, Buffer> = new Map()

  /** A later line of the same item counts; what is no line of a joblog is passed over. */
  note(line: Buffer | undefined): void {
    const [index = '', , , status, hashed = ''] = line?.toString('latin1').split('\t') ?? []
    if (!/^\d+$/.test(index) || !/^[\da-f]{16}$/.test(hashed)) return
    const number = Number(index)
    if (status === OK) this.#place(number).write(hashed, 'hex')
    else if (this.#pages.has(Math.floor(number / PAGE))) this.#place(number).fill(0)
  }

  has(index: number, hashed: string): boolean {
    if (!this.#pages.has(Math.floor(index / PAGE))) return false
    return this.#place(index).toString('hex') === hashed
  }

  #place(index: number): Buffer {
    const number = Math.floor(index / PAGE)
    let page = this.#pages.get(number)
    if (page === undefined) this.#pages.set(number, (page = Buffer.alloc(PAGE * BYTES)))
    const at = (index % PAGE) * BYTES
    return page.subarray(at, at + BYTES)
  }
}
