/** What is in Redis of a job, but for its arguments, which may be long. */
import { parseJson } from '../inner.ts'
import type { Commands } from './durable.ts'
import { progressOf } from './listening.ts'
import type { JobProgress } from './listening.ts'
import type { Keys } from './redis.ts'

export interface Found {
  /** Whether it has ended, so that it is not started again. */
  readonly isOver: boolean
  /** What it has failed with, if it has ended so. */
  readonly failure: string | undefined
  readonly value: unknown
  readonly progress: JobProgress | undefined
}

/** Undefined if there is none. */
export async function readJob(client: Commands, keys: Keys, id: string): Promise<Found | undefined> {
  const [name, finishedOn, failure, value, progress] = await client.hmget(
    keys.job(id),
    ...['name', 'finishedOn', 'failedReason', 'returnvalue', 'progress'],
  )
  if (typeof name !== 'string') return undefined
  const isOver = typeof finishedOn === 'string'
  return {
    isOver,
    // One that is to be started again has the reason of the last time, too, but no end; and one that was
    // completed then has that reason besides a value.
    failure: isOver && typeof failure === 'string' && typeof value !== 'string' ? failure : undefined,
    value: isOver ? read(value) : undefined,
    progress: progressOf(read(progress)),
  }
}

function read(text: string | null | undefined): unknown {
  try {
    return typeof text === 'string' ? parseJson(text) : undefined
  } catch {
    // Nothing of ours.
    return undefined
  }
}
