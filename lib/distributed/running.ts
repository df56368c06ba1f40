/** A job that runs on this host, and what it comes to. */
import {
  BrokenExecutor,
  CancelledError,
  InvalidStateError,
  placedError,
  TimeoutError,
  WorkerLostError,
} from '../inner.ts'
import type { ChunkResult } from '../executor/map-feed.ts'
import type { Future } from '../future/future.ts'
import { encode, encodeThrown } from './encoding.ts'
import type { Failure, Why } from './failure.ts'
import type { Request } from './job.ts'
import type { Job } from './peer.ts'
import type { EncodedChunk } from './results.ts'
import { startsOf } from './starts.ts'

/** A job that runs here. */
export interface Running {
  readonly job: Job
  readonly token: string
  /** When its lock held for sure, by the clock of this host. */
  lockedAt: number
  /** Undefined until its function is called. */
  future: Future<unknown> | undefined
  /** Whether it waits for room in the executor. */
  isWaiting: boolean
  /** Why it was ended by the host, if it was. */
  ended: 'cancelled' | 'closed' | 'lock lost' | undefined
  reason: unknown
  /** Ends its waiting for room, when it is ended. */
  wake: () => void
}

/** A failure after which the job is not started again. */
export class FinalFailure extends Error {
  readonly why: Why
  readonly error: unknown

  constructor(why: Why, error: unknown) {
    super()
    this.why = why
    this.error = error
  }
}

/** What somebody else has written into the job is wrong, and will be the next time. */
export function final<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new FinalFailure('failed', error)
  }
}

export function end(running: Running, why: NonNullable<Running['ended']>, reason: unknown): void {
  running.ended ??= why
  running.reason ??= reason
  running.wake()
  running.future?.cancel({ interrupt: true, reason })
}

export function lostWith(job: Job): WorkerLostError {
  const { name } = job
  const starts = startsOf(job)
  const often = starts === 1 ? 'once' : `${starts} times`
  return new WorkerLostError(
    `the host of job ${name} died; the job was started ${often}, as often as it may be`,
  )
}

/** Why the executor took no task. */
export function refusalOf(error: unknown, { name }: Job): Error {
  if (!(error instanceof InvalidStateError || error instanceof BrokenExecutor)) {
    return new FinalFailure('failed', error)
  }
  return new WorkerLostError(`the host could not run job ${name}`, { cause: error })
}

export function failureOf(
  thrown: unknown,
  { ended, reason, future }: Running,
  name: string,
): Failure & { readonly isFinal: boolean } {
  if (thrown instanceof FinalFailure) return { why: thrown.why, error: thrown.error, isFinal: true }
  if (ended === 'cancelled') {
    const error = new CancelledError(undefined, reason === undefined ? undefined : { cause: reason })
    return { why: 'cancelled', error, isFinal: true }
  }
  if (ended !== undefined) {
    const how = ended === 'closed' ? 'was closed' : 'could not renew its lock'
    return { why: 'lost', error: new WorkerLostError(`the host of job ${name} ${how}`), isFinal: false }
  }
  if (thrown instanceof TimeoutError && thrown.phase !== 'wait') {
    return { why: 'timed out', error: thrown, isFinal: true }
  }
  if (future?.cancelled() === true) {
    const error = new WorkerLostError(`the executor of the host of job ${name} has cancelled it`)
    return { why: 'lost', error, isFinal: false }
  }
  if (thrown instanceof WorkerLostError) return { why: 'lost', error: thrown, isFinal: false }
  return { why: 'failed', error: thrown, isFinal: (thrown as Error | null)?.name === 'DataCloneError' }
}

export function encodeResult(value: unknown, { isChunk, isOurs }: Request): unknown {
  // Of `undefined` BullMQ makes null, which is what others expect.
  if (value === undefined && !isOurs) return undefined
  try {
    return isChunk ? encodeChunk(value as ChunkResult) : encode(value)
  } catch (error) {
    throw new FinalFailure('failed', placedError(value, 'the result', error))
  }
}

function encodeChunk({ values, failed, error, runTime }: ChunkResult): EncodedChunk {
  return {
    values: encode(values),
    ...(runTime === undefined ? {} : { runTime }),
    ...(failed ? { thrown: encodeThrown(error) } : {}),
  }
}
