/** What a task tells of its progress, on its way to those who wait for the job: all of it, in order. */
import { log } from '../inner.ts'
import { encode } from './encoding.ts'
import type { JobProgress } from './listening.ts'
import type { Job } from './peer.ts'

/** So many values are told at once. */
const MOST_AT_ONCE = 200

export class Progress {
  readonly #job: Job
  readonly #mark: JobProgress
  readonly #checkLock: () => Promise<void>
  #waiting: unknown[] = []
  #telling: Promise<void> | undefined

  /** `checkLock` throws if the job is another host's by now: what it has told must not be undone. */
  constructor(job: Job, mark: JobProgress, checkLock: () => Promise<void>) {
    this.#job = job
    this.#mark = mark
    this.#checkLock = checkLock
  }

  add(value: unknown): void {
    try {
      this.#waiting.push(encode(value))
    } catch (error) {
      log('progress of job %s cannot leave its process: %o', this.#job.id, error)
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
        await this.#checkLock()
        await this.#job.updateProgress({ ...this.#mark, values })
      }
    } catch (error) {
      log('progress of job %s: %o', this.#job.id, error)
      this.#waiting = []
    } finally {
      this.#telling = undefined
    }
  }
}
