/**
 * The items of `map` on their way: in chunks to the workers, and their results in order to the output.
 *
 * A slot is a place in the order of the input, with one chunk. What a worker hands back of a chunk runs again
 * in the same slot. So many slots are under way that no worker waits for this thread; those that have ended
 * behind one that has not are kept, up to a limit, so that one slow item does not stop the others.
 */
import { ChunkSizer, LONGEST } from '../executor/chunk-sizer.ts'
import { Fifo } from '../executor/fifo.ts'
import type { Future } from '../future/future.ts'
import { explained, failed } from './rows.ts'
import type { Row } from './rows.ts'

/** Which item it is. */
export interface ItemKey {
  readonly index: number
  readonly hash: string
}

export interface Item extends ItemKey {
  readonly text: string
}

interface Slot {
  readonly results: [text: string, key: ItemKey][]
  /** Of the lines and results that it holds. */
  size: number
  isDone: boolean
}

export interface ItemsOptions {
  readonly workers: number
  readonly chunk: number | 'auto'
  readonly isUnordered: boolean
  /** Submits a chunk. */
  submit(lines: string[], longest: number): Future<Row[]>
  /** An item has ended. */
  onEnd(key: ItemKey, row: Row): void
  /** The next line of the output. */
  write(text: string, key: ItemKey): void
  /** There may be room. */
  onRoom(): void
}

/**
 * Chunks under way for each worker, of a size that is given: enough that it has something to do for so many
 * milliseconds, in which this thread does something else.
 */
const LEAST_UNDER_WAY = 2
const MOST_UNDER_WAY = 32
const AHEAD = 2
/** What the latest chunk counts for in the mean of their times. */
const LATEST = 0.1
/** Slots that wait for an earlier one, with those under way. */
const MOST_SLOTS = 1_024
/** Characters in all slots, beyond which no worker gets a second chunk. */
const MOST_SIZE = 16 << 20

const sizeOf = (texts: readonly string[]): number => texts.reduce((sum, { length }) => sum + length, 0)

export class Items {
  readonly #options: ItemsOptions
  readonly #sizer: ChunkSizer | undefined
  readonly #slots: Fifo<Slot> = new Fifo()
  readonly #running: Set<Future<Row[]>> = new Set()
  #waiting: Item[] = []
  #size = 0
  /** How long a chunk takes. */
  #mean: number = AHEAD
  #isStopping = false

  constructor(options: ItemsOptions) {
    this.#options = options
    const crew = { workers: options.workers, tasksPerWorker: 1 }
    if (options.chunk === 'auto') this.#sizer = new ChunkSizer(crew)
  }

  get isFull(): boolean {
    const { workers } = this.#options
    const running = this.#running.size
    if (running < workers) {
      // What is kept grows with the time that the first item takes.
      return running > 0 && (this.#slots.size >= MOST_SLOTS + workers || this.#size >= 4 * MOST_SIZE)
    }
    return running >= this.#mostUnderWay || this.#slots.size >= MOST_SLOTS || this.#size >= MOST_SIZE
  }

  get #mostUnderWay(): number {
    if (this.#sizer !== undefined) return this.#sizer.mostUnderWay
    const each = Math.min(MOST_UNDER_WAY, LEAST_UNDER_WAY + Math.floor(AHEAD / this.#mean))
    return each * this.#options.workers
  }

  get isIdle(): boolean {
    return this.#running.size === 0 && this.#waiting.length === 0
  }

  add(item: Item): void {
    this.#waiting.push(item)
    const { chunk } = this.#options
    const size = chunk === 'auto' ? (this.#sizer as ChunkSizer).size(Infinity) : chunk
    if (this.#waiting.length >= size) this.#submitWaiting()
  }

  /** An item that cannot be run takes its place all the same. */
  refuse(item: Item, error: unknown): void {
    this.end()
    const slot = this.#openSlot()
    this.#take(slot, [item], [failed(error, Date.now(), 0)])
  }

  /** No line follows soon: idle workers get what there is. */
  pause(): void {
    if (this.#waiting.length > 0 && this.#running.size < this.#options.workers) this.#submitWaiting()
  }

  /** No line follows. */
  end(): void {
    if (this.#waiting.length > 0) this.#submitWaiting()
  }

  #submitWaiting(): void {
    const items = this.#waiting
    this.#waiting = []
    this.#start(this.#openSlot(), items)
  }

  #openSlot(): Slot {
    const slot: Slot = { results: [], size: 0, isDone: false }
    if (!this.#options.isUnordered) this.#slots.push(slot)
    return slot
  }

  #start(slot: Slot, items: Item[]): void {
    const lines = items.map(({ text }) => text)
    const [start, since] = [Date.now(), performance.now()]
    this.#grow(slot, sizeOf(lines))
    const future = this.#options.submit(lines, this.#sizer === undefined ? Infinity : LONGEST)
    this.#running.add(future)
    const settled = (rows: Row[]): void => {
      this.#running.delete(future)
      this.#grow(slot, -sizeOf(lines))
      this.#take(slot, items, rows)
    }
    future.then(
      (rows) => {
        const time = rows.reduce((sum, row) => sum + row[3], 0)
        this.#mean += LATEST * (time - this.#mean)
        this.#sizer?.note(rows.length, time)
        settled(rows)
      },
      (error: unknown) => {
        // Nothing of it has begun.
        if (this.#isStopping && future.cancelled()) return settled([])
        const ms = performance.now() - since
        settled(items.map(() => failed(explained(error), start, ms)))
      },
    )
  }

  #grow(slot: Slot, size: number): void {
    slot.size += size
    this.#size += size
  }

  /** Rows of the first of these items have come; the others were not begun. */
  #take(slot: Slot, items: readonly Item[], rows: readonly Row[]): void {
    const { isUnordered, onEnd, onRoom, write } = this.#options
    for (const [at, row] of rows.entries()) {
      const { index, hash } = items[at] as Item
      // Without the line.
      const key = { index, hash }
      onEnd(key, row)
      if (isUnordered) write(row[0], key)
      else slot.results.push([row[0], key])
    }
    if (!isUnordered) this.#grow(slot, sizeOf(rows.map(([text]) => text)))
    if (rows.length < items.length && !this.#isStopping) this.#start(slot, items.slice(rows.length))
    else slot.isDone = true
    this.#writeDone()
    this.pause()
    onRoom()
  }

  #writeDone(): void {
    for (let slot = this.#slots.peek(); slot?.isDone === true; slot = this.#slots.peek()) {
      this.#slots.shift()
      this.#write(slot)
    }
  }

  #write(slot: Slot): void {
    this.#grow(slot, -slot.size)
    for (const [text, key] of slot.results) this.#options.write(text, key)
  }

  /** From now on nothing begins. */
  stop(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#waiting = []
    for (const future of this.#running) future.cancel()
  }

  /** What has ended behind something that will not be waited for is written, in order. */
  abandon(): void {
    for (const slot of this.#slots.clear()) if (slot.results.length > 0) this.#write(slot)
  }

  /** What has ended and waits for earlier ones, when nothing can be written any more. */
  takeWaiting(): ItemKey[] {
    return this.#slots.clear().flatMap(({ results }) => results.map(([, key]) => key))
  }
}
