/** What every executor can do. */
import type { Trace } from '../diagnostics/trace.ts'
import { bindToThread } from '../errors/thread-bound.ts'
import type { Future } from '../future/future.ts'
import type { TaskOptions } from '../options/task-options.ts'
import type { StreamTask, Task } from '../tasks/functions.ts'
import type { Shared } from '../values/shared.ts'
import type { ExecutorStats, WorkerDump } from './stats.ts'
import type { TaskStream } from './task-stream.ts'

/** A source of arguments for `map`. */
export type Source<T> = Iterable<T> | AsyncIterable<T>

/** The arguments of a function, each of which may be a shared value instead. */
export type OrShared<A extends unknown[]> = { [K in keyof A]: A[K] | Shared<A[K]> }

/** One source for each argument. */
export type Sources<A extends unknown[]> = { [K in keyof A]: Source<A[K] | Shared<A[K]>> }

/** How an executor is shut down. */
export interface ShutdownOptions {
  /** Whether the promise waits for the accepted tasks and the threads; default true. */
  wait?: boolean | undefined
  /** Whether tasks that have not started are cancelled first; default false. */
  cancelFutures?: boolean | undefined
  /**
   * What is not done after so many milliseconds is ended as by `terminateWorkers()`, with `wait: false` too:
   * running tasks fail with `WorkerLostError`, waiting ones are cancelled. Default: no limit.
   */
  timeout?: number | undefined
}

/**
 * Runs functions somewhere else and gives futures of their results.
 *
 * @example
 * ```ts
 * await using executor = new ThreadPoolExecutor(4)
 * const sum = await executor.submit((a: number, b: number) => a + b, 1, 2).result()
 * ```
 */
export abstract class Executor {
  static {
    bindToThread(this.prototype, 'in a task, currentExecutor() is the one that runs it')
  }

  constructor() {
    if (new.target === Executor) {
      throw new TypeError('Executor is abstract: make a ThreadPoolExecutor, or a class that extends it')
    }
  }

  /**
   * Submits `fn(...args)`. When this returns the task is visible to the workers, counted, and on the clock.
   * Arguments are taken as they are now. What `share()` gave stands for its value.
   *
   * @throws TypeError for a function that cannot be sent; DataCloneError for an argument that cannot be
   * cloned; QueueFullError; InvalidStateError after `shutdown`, and for a shared value that was released;
   * BrokenExecutor
   */
  abstract submit<A extends unknown[], R>(fn: Task<A, R>, ...args: OrShared<A>): Future<Awaited<R>>
  abstract submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Future<Awaited<R>>

  /**
   * Submits `fn` for each item of the iterables, side by side, and gives the results in the order of the
   * input. Stops with the shortest. Leaving the loop early, like an error, cancels what has not started; when
   * its `timeout` is over what runs is stopped as well.
   *
   * With `chunkSize` several items are one task; `'auto'` puts as many into one as take about a millisecond.
   *
   * @example
   * ```ts
   * for await (const size of executor.with({ chunkSize: 'auto' }).map(length, lines)) console.log(size)
   * ```
   */
  abstract map<A extends unknown[], R>(
    fn: Task<A, R>,
    ...iterables: Sources<A>
  ): AsyncIterableIterator<Awaited<R>>

  /**
   * Calls `fn(...args)` as a task, and gives the values of what it returns, one after the other: of a
   * generator, or of anything else that can be iterated over. What is made ahead of the reader is limited;
   * see `bufferSize` of `with()`. Leaving the loop early ends the generator, whose `finally` blocks run.
   *
   * @throws as `submit` does; TypeError for a native task, and where the executor has no streams
   * @example
   * ```ts
   * function* count(n: number) {
   *   for (let i = 0; i < n; i++) yield i
   * }
   * for await (const i of executor.with({ bufferSize: 64 }).stream(count, 3)) console.log(i)
   * ```
   */
  stream<A extends unknown[], Y, R>(
    fn: StreamTask<A, Y, R>,
    ...args: OrShared<A>
  ): TaskStream<Awaited<Y>, Awaited<R>>
  stream<A extends unknown[], Y, R>(fn: StreamTask<A, Y, R>, ...args: A): TaskStream<Awaited<Y>, Awaited<R>>
  stream(fn: unknown, ...args: unknown[]): TaskStream<any, any> {
    void [fn, args]
    throw new TypeError('this executor has no streams')
  }

  /**
   * The same executor, seen through these options. The view inherits from its original: what a subclass keeps
   * in `#private` fields cannot be reached through it, as JavaScript has them on the original alone.
   */
  abstract with(options: TaskOptions): this

  /**
   * Resolves when `submit()` would not throw QueueFullError. Rejects with InvalidStateError after `shutdown`.
   */
  abstract ready(): Promise<void>

  /** Accepts no more tasks. What was accepted still runs to its end. Calling it again is fine. */
  abstract shutdown(options?: ShutdownOptions): Promise<void>

  /** Fails running tasks with WorkerLostError, cancels queued ones, ends the workers. */
  abstract terminateWorkers(): Promise<void>

  /** Counts and times, now. */
  abstract stats(): ExecutorStats

  /** What each worker is doing, with the stack of its JavaScript now. */
  abstract dump(): Promise<WorkerDump[]>

  /**
   * Begins to record what this executor does: the tasks of every isolate, where they waited and ran. Each
   * call begins a recording of its own. @throws TypeError where the executor keeps no traces
   *
   * @example
   * ```ts
   * const trace = executor.trace()
   * await work(executor)
   * await trace.write('trace.json')
   * ```
   */
  trace(): Trace {
    throw new TypeError('this executor keeps no traces')
  }

  /** `shutdown({ wait: true })`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  /** `shutdown({ wait: false })`, for `using`. */
  [Symbol.dispose](): void {
    void this.shutdown({ wait: false })
  }
}
