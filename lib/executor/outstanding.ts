/**
 * What a map has submitted and its reader has not reached, in the order of the input, and among it the rows
 * that wait to be submitted: those that there was no room for, and those that a worker has handed back.
 */
import type { Future } from '../future/future.ts'
import type { Chunk } from './map-source.ts'

/** A task, or rows that wait to be one. */
export interface Place {
  /** Undefined while it waits. */
  future: Future<unknown> | undefined
  /** Kept until the task ends if a worker may hand some of them back. */
  rows: Chunk | undefined
  /** How many rows of the input are before it. */
  readonly at: number
  /** Its rows are to be submitted one by one: all at once were refused. */
  isSingle: boolean
  /** Its rows have come back, or were read together with others that were accepted. */
  readonly isRest: boolean
  /** How long it took to submit it, in ms. */
  submission: number
  /** Whether its end was noted. */
  isNoted: boolean
  /** Whether it is here no more. */
  isDropped: boolean
  next: Place | undefined
}

function makePlace(
  rows: Chunk,
  at: number,
  isSingle: boolean,
  isRest: boolean,
  next: Place | undefined,
): Place {
  return {
    future: undefined,
    rows,
    at,
    isSingle,
    isRest,
    submission: 0,
    isNoted: false,
    isDropped: false,
    next,
  }
}

export class Outstanding {
  #head: Place | undefined
  #tail: Place | undefined
  /** The places that wait, the first of the input first. */
  #waiting: Place[] = []
  #rows = 0
  #tasks = 0

  /** How many tasks there are; rows that wait are none. */
  get tasks(): number {
    return this.#tasks
  }

  get head(): Place | undefined {
    return this.#head
  }

  /** The first place that waits. */
  get waiting(): Place | undefined {
    return this.#waiting[0]
  }

  /** Adds rows that wait, at the end. */
  add(rows: Chunk): void {
    const place = makePlace(rows, this.#rows, false, false, undefined)
    this.#rows += rows.length
    if (this.#tail === undefined) this.#head = place
    else this.#tail.next = place
    this.#tail = place
    this.#waiting.push(place)
  }

  /** Leaves `count` rows in a place that waits; the others wait behind it. */
  split(place: Place, count: number): void {
    const rows = place.rows as Chunk
    place.rows = rows.slice(0, count)
    this.#insertAfter(place, rows.slice(count), place.at + count, place.isSingle, true)
  }

  /** The rows from `count` on have come back from a task that has ended; they wait behind it. */
  handBack(place: Place, rows: Chunk, count: number): void {
    this.#insertAfter(place, rows.slice(count), place.at + count, false, true)
  }

  #insertAfter(place: Place, rows: Chunk, at: number, isSingle: boolean, isRest: boolean): void {
    const rest = makePlace(rows, at, isSingle, isRest, place.next)
    place.next = rest
    if (this.#tail === place) this.#tail = rest
    let index = this.#waiting.length
    while (index > 0 && (this.#waiting[index - 1] as Place).at > at) index--
    this.#waiting.splice(index, 0, rest)
  }

  /** The first place that waited is a task now. */
  fill(place: Place, future: Future<unknown>, keepsRows: boolean): void {
    this.#waiting.shift()
    place.future = future
    if (!keepsRows) place.rows = undefined
    this.#tasks++
  }

  /** Takes the head away, which is a task. */
  shift(): void {
    const head = this.#head as Place
    this.#head = head.next
    if (this.#head === undefined) this.#tail = undefined
    head.isDropped = true
    this.#tasks--
  }

  /** Takes away a place and all that come after it. Returns their tasks. */
  dropFrom(first: Place | undefined): Future<unknown>[] {
    const futures: Future<unknown>[] = []
    for (let place = first; place !== undefined; place = place.next) {
      place.isDropped = true
      if (place.future !== undefined) futures.push(place.future)
    }
    let last: Place | undefined
    if (this.#head === first) this.#head = undefined
    else for (last = this.#head; last !== undefined && last.next !== first; last = last.next);
    if (last !== undefined) last.next = undefined
    this.#tail = last
    this.#waiting = this.#waiting.filter(({ isDropped }) => !isDropped)
    this.#tasks -= futures.length
    return futures
  }
}
