/** What a job has come to, as it stands in Redis, made the outcome of its future. */
import { InvalidStateError, parseJson, WorkerLostError } from '../inner.ts'
import type { ChunkResult } from '../executor/map-feed.ts'
import type { Commands } from './durable.ts'
import { decode, decodeThrown, isElsewhere } from './encoding.ts'
import type { Elsewhere } from './encoding.ts'
import { readFailure } from './failure.ts'
import type { Why } from './failure.ts'
import type { Ending, HeldJob } from './job-future.ts'
import type { Keys } from './redis.ts'

/** What a host gives as the result of a chunk of a map. */
export interface EncodedChunk {
  /** The results, encoded as one. */
  readonly values: unknown
  readonly runTime?: number
  /** What the item after them has thrown, if one has. */
  readonly thrown?: unknown
}

const ENDINGS: Readonly<Record<Why, Ending>> = {
  failed: 'failed',
  cancelled: 'cancelled',
  'timed out': 'timedOut',
  lost: 'lost',
}

/** How BullMQ itself gives a job up whose hosts have died. */
const STALLED = /^job (stalled|started) more than allowable limit/

/** Makes outcomes of what jobs have come to. */
export class Results {
  readonly #client: () => Promise<Commands>
  readonly #keys: Keys

  constructor(client: () => Promise<Commands>, keys: Keys) {
    this.#client = client
    this.#keys = keys
  }

  async complete(job: HeldJob, returned: unknown): Promise<void> {
    try {
      const value = isElsewhere(returned) ? await this.#fetch(job, returned) : returned
      job.settle('completed', job.isChunk ? chunkOf(value as EncodedChunk) : decode(value), true)
    } catch (error) {
      job.settle('failed', error, true)
    }
  }

  async fail(job: HeldJob, text: string): Promise<void> {
    const failure = await readFailure(text, (elsewhere) => this.#fetch(job, elsewhere))
    if (failure !== undefined) {
      const ending = ENDINGS[failure.why] ?? 'failed'
      const { error } = failure
      job.settle(ending, ending === 'cancelled' ? causeOf(error) : error, true)
    } else if (STALLED.test(text)) job.settle('lost', new WorkerLostError(text), true)
    else job.settle('failed', new Error(text), true)
  }

  async #fetch(job: HeldJob, { length }: Elsewhere): Promise<unknown> {
    // It has ended: that somebody removes it now does not cancel it.
    job.isBeingRemoved = true
    const json = await (await this.#client()).get(this.#keys.value(job.id))
    if (json === null) {
      throw new InvalidStateError(`the result of job ${job.id}, ${length} characters, is kept no more`)
    }
    return parseJson(json)
  }
}

/** The error of a cancel is made here, of its reason. */
function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

function chunkOf({ values, runTime, thrown }: EncodedChunk): ChunkResult {
  const failed = thrown !== undefined
  return {
    values: decode(values) as unknown[],
    failed,
    error: failed ? decodeThrown(thrown) : undefined,
    ...(runTime === undefined ? {} : { runTime }),
  }
}
