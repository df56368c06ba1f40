/**
 * `--joblog`: a line for each item, written as items end; and what an older one says has succeeded.
 *
 * The lines of one turn of the event loop are written together, and at once, so that a process which is
 * killed has told nearly all of what has ended.
 */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { hash as digest } from 'node:crypto'
import type { ItemKey } from './items.ts'
import { LineSplitter } from './lines.ts'
import { OK } from './rows.ts'
import type { Row } from './rows.ts'
import { CommandError, inOneLine } from './usage.ts'

/** Of a line of the input: the first half of a hash is enough to see that the line is another. */
const DIGITS = 16

export const hashOf = (line: Buffer): string => digest('sha256', line, 'hex').slice(0, DIGITS)

export class Joblog {
  readonly #fd: number
  readonly #onError: (error: unknown) => void
  readonly #done: Done | undefined
  #text = ''
  #isBroken = false

  /**
   * @param others - the files that it must not be, by what they are
   * @param onError - told once when it cannot be written any more
   * @throws CommandError if it cannot be written from the start, or what is there is no joblog
   */
  constructor(
    path: string,
    isResumed: boolean,
    others: Readonly<Record<string, Stats | undefined>>,
    onError: (error: unknown) => void,
  ) {
    this.#onError = onError
    const what = whatItIs(path, others)
    if (what !== undefined) throw new CommandError(`the joblog would be written over ${what}: ${path}`)
    try {
      this.#fd = openSync(path, isResumed ? 'a+' : 'w')
      this.#done = isResumed ? this.#read() : undefined
    } catch (error) {
      throw new CommandError(`cannot write the joblog: ${inOneLine(error)}`)
    }
    if (this.#done?.isOfSomethingElse === true) throw new CommandError(`${path} is no joblog`)
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

  /** Adds a line; a later one of the same item counts. */
  note({ index, hash }: ItemKey, [, label, start, ms]: Row): void {
    if (this.#text === '' || this.#text === '\n') setImmediate(() => this.flush())
    const status = label === '' ? OK : label.replaceAll(/[\t\r\n]/g, ' ')
    this.#text += `${index}\t${start}\t${ms.toFixed(3)}\t${status}\t${hash}\n`
  }

  flush(): void {
    if (this.#isBroken || this.#text === '' || this.#text === '\n') return
    let bytes = Buffer.from(this.#text)
    this.#text = ''
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes))
    } catch (error) {
      this.#isBroken = true
      this.#onError(error)
    }
  }

  close(): void {
    this.flush()
    closeSync(this.#fd)
  }
}

/** Which of these files lies at the path. */
function whatItIs(path: string, others: Readonly<Record<string, Stats | undefined>>): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false })
  if (file?.isFile() !== true) return undefined
  return Object.keys(others).find((what) => isSame(file, others[what]))
}

export function isSame(file: Stats, other: Stats | undefined): boolean {
  return other?.isFile() === true && file.dev === other.dev && file.ino === other.ino
}

const PAGE = 4_096
const BYTES = DIGITS / 2

/** The hashes of the items that have succeeded, eight bytes each: a log may have millions. */
class Done {
  readonly #pages: Map<number, Buffer> = new Map()
  #hasLines = false
  #hasOthers = false

  /** Whether none of the lines that are there is one of a joblog. */
  get isOfSomethingElse(): boolean {
    return this.#hasOthers && !this.#hasLines
  }

  /** A later line of the same item counts; what is no line of a joblog is passed over. */
  note(line: Buffer | undefined): void {
    const [index = '', , , status, hashed = ''] = line?.toString('latin1').split('\t') ?? []
    const isOne = /^\d+$/.test(index) && /^[\da-f]{16}$/.test(hashed)
    if (isOne) this.#hasLines = true
    else this.#hasOthers ||= line?.length !== 0
    if (!isOne) return
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
