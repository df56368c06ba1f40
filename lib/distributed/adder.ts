/**
 * Jobs on their way to the queue. They are added in a later turn of the event loop, in the order of their
 * submission, many at once, and wait here while Redis is away. To add one a second time changes nothing: each
 * has its id.
 */
import { log, setImmediate } from '../inner.ts'
import type { HeldJob } from './job-future.ts'
import type { Job, JobsOptions, Queue } from './peer.ts'
import { Rested } from './queue-access.ts'

/** So many jobs, and about so many characters of their data, are added at once. */
const MOST_AT_ONCE = 500
const MOST_CHARACTERS = 8_000_000

/** A job that is to be added. */
export interface Addition {
  readonly job: HeldJob
  readonly name: string
  readonly options: JobsOptions
  /** About how long its data are. */
  readonly size: number
  /** Its data, made when the clock of Redis is known. */
  data(): unknown
}

/** What comes of it. */
export interface AdderEvents {
  /** The queue, once it can be used. */
  open(): Promise<Queue>
  /** The id of an entry that is added to the stream of events. */
  mark(): Promise<string>
  /** Does it again if the connection broke: it may be done twice. */
  lasting<T>(fn: () => Promise<T>): Promise<T>
  /** It is in the queue, under this id: another, if BullMQ has found that it is a duplicate of that. */
  added(job: HeldJob, id: string): void
  /** BullMQ or Redis has refused it. */
  refused(job: HeldJob, error: unknown): void
}

export class Adder {
  readonly #events: AdderEvents
  #waiting: Addition[] = []
  #isRunning = false

  constructor(events: AdderEvents) {
    this.#events = events
  }

  add(addition: Addition): void {
    this.#waiting.push(addition)
    if (!this.#isRunning) this.#begin()
  }

  #begin(): void {
    this.#isRunning = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    try {
      this.#waiting = this.#waiting.filter(({ job }) => !job.isDone)
      if (this.#waiting.length === 0) return
      const queue = await this.#events.open()
      for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
        const adding = this.#addAll(queue, batch)
        for (const { job } of batch) job.adding = adding
        await adding
      }
    } catch (error) {
      if (error instanceof Rested) return
      const waiting = this.#waiting
      this.#waiting = []
      for (const { job } of waiting) this.#events.refused(job, error)
    } finally {
      this.#isRunning = false
      // Who hears of a refusal may submit again, at once.
      if (this.#waiting.length > 0) this.#begin()
    }
  }

  /** The next jobs; those that were cancelled meanwhile are never added. */
  #take(): Addition[] {
    const batch: Addition[] = []
    let [at, size] = [0, 0]
    for (; at < this.#waiting.length && batch.length < MOST_AT_ONCE && size < MOST_CHARACTERS; at++) {
      const addition = this.#waiting[at] as Addition
      if (addition.job.isDone) continue
      batch.push(addition)
      size += addition.size
    }
    this.#waiting = at === this.#waiting.length ? [] : this.#waiting.slice(at)
    return batch
  }

  async #addAll(queue: Queue, batch: readonly Addition[]): Promise<void> {
    try {
      const again = batch.filter(({ job }) => job.mayExist)
      if (again.length > 0) {
        const since = await this.#events.mark()
        for (const { job } of again) job.since = since
      }
      const jobs = await this.#events.lasting(() =>
        queue.addBulk(batch.map(({ name, options, data }) => ({ name, data: data(), opts: options }))),
      )
      for (const [at, { job }] of batch.entries()) this.#note(job, jobs[at])
    } catch (error) {
      log('jobs are added one by one: %o', error)
      // One that BullMQ refuses, by its size or its options, takes the others with it.
      for (const addition of batch) await this.#addOne(queue, addition)
    }
  }

  async #addOne(queue: Queue, { job, name, options, data }: Addition): Promise<void> {
    try {
      this.#note(job, await this.#events.lasting(() => queue.add(name, data(), options)))
    } catch (error) {
      this.#events.refused(job, error)
    }
  }

  #note(job: HeldJob, added: Job | undefined): void {
    this.#events.added(job, added?.id ?? job.id)
  }
}
