/** What a task tells of its progress, on its way to those who wait for the job: all of it, in order. */
import { log } from '../inner.ts'
import { encode } from './encoding.ts'
import type { JobProgress } from './listening.ts'

/** So many values are told at once. */
const MOST_AT_ONCE = 200

export class Progress {
  readonly #mark: JobProgress
  readonly #send: (told: JobProgress) => Promise<unknown>
  #waiting: unknown[] = []
  #telling: Promise<void> | undefined

  /** `send` throws if the job is another host's by now: what that has told must not be undone. */
  constructor(mark: JobProgress, send: (told: JobProgress) => Promise<unknown>) {
    this.#mark = mark
    this.#send = send
  }

  add(value: unknown): void {
    try {
      this.#waiting.push(encode(value))
    } catch (error) {
      log('progress cannot leave its process: %o', error)
      return
    }
    this.#telling ??= this.#tell()
  }

  /** Everything is told, or the job is gone. */
  async end(): Promise<void> {
    await this.#telling
  }

  async #tell(): Promise<void> {
    // What comes in the same turn goes together.
    await Promise.resolve()
    try {
      while (this.#waiting.length > 0) {
        const values = this.#waiting.slice(0, MOST_AT_ONCE)
        this.#waiting = this.#waiting.slice(MOST_AT_ONCE)
        await this.#send({ ...this.#mark, values })
      }
    } catch (error) {
      log('progress cannot be told: %o', error)
      this.#waiting = []
    } finally {
      this.#telling = undefined
    }
  }
}
