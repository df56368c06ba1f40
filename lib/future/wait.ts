/**
 * Waiting for several futures at once. It goes through done callbacks, so that no future gets a promise whose
 * rejection would be unhandled.
 */
import {
  duration,
  iterable,
  oneOf,
  options as checkOptions,
  signal as checkSignal,
} from '../options/check.ts'
import type { WaitOptions } from '../options/wait-options.ts'
import type { Future } from './future.ts'
import { protocolOf } from './protocol.ts'
import type { FutureProtocol } from './protocol.ts'
import { beginWait } from './wait-hook.ts'
import { WaitLimit } from './wait-limit.ts'

/** For `returnWhen`: return when any future is done. */
export const FIRST_COMPLETED = 'FIRST_COMPLETED'
/** For `returnWhen`: return when any future has failed (a cancelled one has not), or when all are done. */
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION'
/** For `returnWhen`: return when all futures are done; the default. */
export const ALL_COMPLETED = 'ALL_COMPLETED'

/** When `wait` returns. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED

const ALL_WAYS: readonly ReturnWhen[] = [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED]

/** The limits of `wait`, and what it waits for. */
export interface WaitForOptions extends WaitOptions {
  /** Default `ALL_COMPLETED`. */
  returnWhen?: ReturnWhen | undefined
}

/** The futures that `wait` was given, each once, in their order. */
export interface WaitResult<F> {
  /** Those that were finished or cancelled when `wait` returned. */
  done: Set<F>
  /** The others. */
  notDone: Set<F>
}

/**
 * The futures of an iterable, each once, with the way to reach into each. Throws TypeError when it is not
 * iterable or has something else in it.
 */
export function readFutures<F>(futures: Iterable<F>): Map<F, FutureProtocol> {
  const all = new Map<F, FutureProtocol>()
  let index = 0
  for (const future of iterable(futures, 'futures')) {
    const protocol = protocolOf(future)
    if (protocol === undefined) {
      throw new TypeError(`futures must contain only futures; item ${index} is none`)
    }
    all.set(future as F, protocol)
    index++
  }
  return all
}

function splitByDone<F>(futures: Map<F, FutureProtocol>): WaitResult<F> {
  const done = new Set<F>()
  const notDone = new Set<F>()
  for (const [future, protocol] of futures) {
    ;(protocol.outcome(future) === undefined ? notDone : done).add(future)
  }
  return { done, notDone }
}

function isEnough(outcome: string | undefined, returnWhen: ReturnWhen): boolean {
  if (outcome === undefined) return false
  return returnWhen === FIRST_COMPLETED || (returnWhen === FIRST_EXCEPTION && outcome === 'error')
}

/**
 * Waits until all, or the first, of some futures are done. They may belong to different executors, or be made
 * by hand; duplicates count once. The event loop is not blocked.
 *
 * @param futures - read once, at the call
 * @param options - `timeout` in milliseconds (default: no limit), after which it returns what is done by
 * then; `signal`; `returnWhen`, by default `ALL_COMPLETED`
 * @returns two sets, in the order of the input; it rejects only when the signal aborts, with `signal.reason`
 * @throws TypeError or RangeError, synchronously, for wrong arguments
 * @example
 * ```ts
 * const { done, notDone } = await wait(futures, { timeout: 1_000, returnWhen: FIRST_COMPLETED })
 * for (const future of notDone) future.cancel()
 * ```
 */
export function wait<F extends Future<any>>(
  futures: Iterable<F>,
  options?: WaitForOptions,
): Promise<WaitResult<F>> {
  const given = checkOptions<WaitForOptions>(options, 'options', ['timeout', 'signal', 'returnWhen'])
  const timeout = duration(given.timeout, 'timeout')
  const signal = checkSignal(given.signal, 'signal')
  const returnWhen =
    given.returnWhen === undefined ? ALL_COMPLETED : oneOf(given.returnWhen, 'returnWhen', ALL_WAYS)
  const all = readFutures(futures)
  if (signal?.aborted === true) return Promise.reject(signal.reason)

  const pending: [F, FutureProtocol][] = []
  let enough = timeout === 0
  for (const entry of all) {
    const outcome = entry[1].outcome(entry[0])
    if (outcome === undefined) pending.push(entry)
    else if (isEnough(outcome, returnWhen)) enough = true
  }
  if (enough || pending.length === 0) return Promise.resolve(splitByDone(all))
  return waitForPending(all, pending, { timeout, signal, returnWhen })
}

function waitForPending<F>(
  all: Map<F, FutureProtocol>,
  pending: [F, FutureProtocol][],
  {
    timeout,
    signal,
    returnWhen,
  }: { timeout: number; signal: AbortSignal | undefined; returnWhen: ReturnWhen },
): Promise<WaitResult<F>> {
  return new Promise((resolve, reject) => {
    const endWait = beginWait()
    let left = pending.length
    let isOver = false
    const end = (): void => {
      isOver = true
      limit.dispose()
      for (const [future, protocol] of pending) protocol.remove(future, noteDone)
      endWait?.()
    }
    const finish = (): void => {
      end()
      resolve(splitByDone(all))
    }
    const noteDone = (future: F): void => {
      // A callback that ran before this one may have ended the wait already.
      if (isOver) return
      left--
      if (left === 0 || isEnough(all.get(future)?.outcome(future), returnWhen)) finish()
    }
    const limit = new WaitLimit(timeout, signal, finish, (reason) => {
      end()
      reject(reason)
    })
    for (const [future, protocol] of pending) protocol.add(future, noteDone)
  })
}
