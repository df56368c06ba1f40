/**
 * How many items the chunks of one `map` with `chunkSize: 'auto'` have.
 *
 * A chunk costs a few microseconds, whatever is in it, so a chunk should take long compared with that; and
 * short compared with the whole, so that all workers have something to do to the end. What an item takes is
 * known when chunks come back. So the first chunks have one item, and one never has more than twice the items
 * of one that has come back. A guess that turns out wrong costs little: a worker hands back what is left of a
 * chunk after {@link LONGEST}.
 */

/** How long a chunk is to take, in ms: with two workers, items of 20 µs cost 1 % less than with 1 ms. */
export const TARGET = 1.25

/** When a worker hands back what it has not begun of a chunk, in ms. */
export const LONGEST = 4

/** A chunk of less, in ms, is not worth being made smaller. */
const LEAST = 0.05

/** The most items: what they carry is packed and unpacked in one go. */
const MOST = 1_024

/** What an older chunk counts for when another comes back. */
const FADING = 0.75

/** Each worker is to get so many of the chunks that are left. */
const SHARES = 2

/**
 * How many chunks are under way for each worker, submitted and not done: enough that the workers have
 * something to do while this thread does something else. While sizes grow there are fewer, so that few are
 * smaller than they need be.
 */
const UNDER_WAY = 8
const UNDER_WAY_GROWING = 2

/** For whom chunks are made. */
export interface Crew {
  /** So many there may be now. */
  readonly workers: number
  /** How many tasks each holds at once. */
  readonly tasksPerWorker: number
}

export class ChunkSizer {
  readonly #crew: Crew
  readonly #most: number
  /** Twice the items of a chunk that has come back, but not much more than were wanted last. */
  #bound = 1
  /** Of the chunks that have come back, the latest counting most. */
  #items = 0
  #time = 0

  /** @param most - the most items that a chunk may have */
  constructor(crew: Crew, most: number = MOST) {
    this.#crew = crew
    this.#most = Math.min(most, MOST)
  }

  /**
   * A chunk has come back, of which so many items were run.
   *
   * @param time - milliseconds: what the longest of its steps took, in the worker or in this thread
   */
  note(items: number, time: number): void {
    this.#items = this.#items * FADING + items
    this.#time = this.#time * FADING + time
    const wanted = this.#wanted()
    this.#bound = Math.min(Math.max(this.#bound, 2 * items), 2 * wanted, this.#most)
  }

  /** How many items the next chunk is to have, when so many are left: Infinity where that is not known. */
  size(left: number): number {
    const size = Math.min(this.#bound, this.#wanted())
    const share = Math.ceil(left / (SHARES * this.#crew.workers))
    return Math.max(1, Math.min(size, Math.max(share, this.#within(LEAST))))
  }

  /** How many chunks may be under way. */
  get mostUnderWay(): number {
    const { workers, tasksPerWorker } = this.#crew
    const chunks = this.#bound < this.#wanted() ? UNDER_WAY_GROWING : UNDER_WAY
    return workers * Math.max(chunks, 2 * tasksPerWorker)
  }

  #wanted(): number {
    return Math.max(1, Math.min(this.#within(TARGET), this.#most))
  }

  /** How many items take so many milliseconds. */
  #within(time: number): number {
    return this.#time > 0 ? Math.floor((time * this.#items) / this.#time) : this.#most
  }
}
