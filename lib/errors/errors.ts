/**
 * The errors of this package. Each class carries its `name` and its stable `code` on the prototype, and is
 * recognised by a registered symbol rather than by identity: two copies of the package in one process accept
 * each other's errors in `instanceof`.
 */
import { define } from '../host/define.ts'

/**
 * Own static property of each class below: the registered symbol that its prototype carries. User subclasses
 * do not own one.
 */
const kind: unique symbol = Symbol('concurrent-futures.kind')

const isOrdinaryInstance = Function.prototype[Symbol.hasInstance]

function brandError(constructor: typeof FutureError, name: string, code: string): void {
  const symbol = Symbol.for(`concurrent-futures.${name}`)
  define(constructor, kind, { value: symbol })
  define(constructor.prototype, 'name', { value: name, writable: true, configurable: true })
  // Enumerable: loggers such as pino write what `for … in` finds.
  define(constructor.prototype, 'code', { value: code, writable: true, configurable: true, enumerable: true })
  define(constructor.prototype, symbol, { value: true })
}

/**
 * What all errors of this package have in common; catch it to catch them all.
 *
 * @example
 * ```ts
 * try {
 *   await future.result(50)
 * } catch (error) {
 *   if (error instanceof FutureError) console.error(error.code)
 *   else throw error // the task's own error
 * }
 * ```
 */
export class FutureError extends Error {
  /** A stable identifier, such as `'ERR_FUTURE_TIMEOUT'`. */
  declare readonly code: string

  static {
    brandError(this, 'FutureError', 'ERR_FUTURE')
  }

  /**
   * True for an instance of this class or of a class under it, also when it was made by another copy of the
   * package. A class that a user derives from one of ours compares by its prototype, as usual.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    if (!Object.hasOwn(this, kind)) return isOrdinaryInstance.call(this, value)
    return (this as unknown as { [kind]: symbol })[kind] in value
  }
}

/** What a {@link TimeoutError} can be made with. */
export interface TimeoutErrorOptions extends ErrorOptions {
  /** Where the stopped task's JavaScript was when time ran out. */
  taskStack?: string | undefined
  /** What ran out; default `'wait'`. */
  phase?: TimeoutPhase | undefined
}

/**
 * What ran out: `'wait'`: only the waiting, as of `result(50)`, and the task goes on; else the task's own
 * limit: `'queue'`: `queueTimeout`, `'run'`: `timeout`, `'total'`: `totalTimeout`, or the `timeout` of a map.
 */
export type TimeoutPhase = 'wait' | 'queue' | 'run' | 'total'

/**
 * Time ran out: of a wait (the task goes on), or of a task (which was stopped, or never started).
 *
 * @example
 * ```ts
 * const error = await executor.with({ timeout: 50 }).submit(spin).exception()
 * if (error instanceof TimeoutError) console.error(error.phase, error.taskStack)
 * ```
 */
export class TimeoutError extends FutureError {
  /**
   * Where the JavaScript of a task that was stopped was when time ran out; undefined where the runtime cannot
   * tell, and for waits.
   */
  declare readonly taskStack?: string

  /** What ran out: the waiting (the task goes on), or which limit of the task. */
  readonly phase: TimeoutPhase

  static {
    brandError(this, 'TimeoutError', 'ERR_FUTURE_TIMEOUT')
  }

  constructor(message: string = 'time ran out', options?: TimeoutErrorOptions) {
    super(message, options)
    this.phase = options?.phase ?? 'wait'
    if (options?.taskStack !== undefined) this.taskStack = options.taskStack
  }
}

/**
 * The future was cancelled. `cause` is the reason given to `cancel()`, or the `reason` of the signal that
 * aborted.
 *
 * @example
 * ```ts
 * future.cancel({ reason: 'no longer needed' })
 * const error = await future.result().catch((error) => error)
 * error.cause // 'no longer needed'
 * ```
 */
export class CancelledError extends FutureError {
  static {
    brandError(this, 'CancelledError', 'ERR_FUTURE_CANCELLED')
  }

  constructor(message: string = 'the future was cancelled', options?: ErrorOptions) {
    super(message, options)
  }
}

/**
 * The operation does not fit the state of the future or the executor: a result set twice, a submit after
 * shutdown, a wait that can never end.
 *
 * @example
 * ```ts
 * const future = new Future<number>()
 * future.setResult(1)
 * future.setResult(2) // throws InvalidStateError
 * ```
 */
export class InvalidStateError extends FutureError {
  static {
    brandError(this, 'InvalidStateError', 'ERR_FUTURE_INVALID_STATE')
  }
}

/**
 * The executor can run nothing any more; `cause` says why.
 *
 * @example
 * ```ts
 * const error = await future.exception()
 * if (error instanceof BrokenExecutor) console.error('cannot start workers:', error.cause)
 * ```
 */
export class BrokenExecutor extends FutureError {
  static {
    brandError(this, 'BrokenExecutor', 'ERR_FUTURE_BROKEN')
  }
}

/**
 * A thread pool whose initializer threw or whose workers cannot start; `cause` says why. See
 * {@link BrokenExecutor}.
 */
export class BrokenThreadPool extends BrokenExecutor {
  static {
    brandError(this, 'BrokenThreadPool', 'ERR_FUTURE_BROKEN_THREAD_POOL')
  }
}

/**
 * A process pool whose initializer threw or whose children cannot start; `cause` says why. See
 * {@link BrokenExecutor}.
 */
export class BrokenProcessPool extends BrokenExecutor {
  static {
    brandError(this, 'BrokenProcessPool', 'ERR_FUTURE_BROKEN_PROCESS_POOL')
  }
}

/** What a {@link WorkerLostError} can be made with. */
export interface WorkerLostErrorOptions extends ErrorOptions {
  /** The exit code of the worker that died, where it had one. */
  exitCode?: number | undefined
  /** The signal that has ended the child, such as 'SIGSEGV'. */
  signal?: string | undefined
}

/**
 * The worker that held the task died: `process.exit()`, out of memory, a crash, a stray exception. The task
 * may have run in part; it is never run twice.
 *
 * @example
 * ```ts
 * const error = await executor.submit(() => process.exit(3)).exception()
 * if (error instanceof WorkerLostError) error.exitCode // 3
 * ```
 */
export class WorkerLostError extends FutureError {
  /** The exit code of the worker that died, undefined where it had none. */
  declare readonly exitCode: number | undefined
  /** The signal that has ended a child of a process pool, such as 'SIGSEGV'; undefined if none has. */
  declare readonly signal?: string

  static {
    brandError(this, 'WorkerLostError', 'ERR_FUTURE_WORKER_LOST')
  }

  constructor(message: string = 'the worker that ran the task died', options?: WorkerLostErrorOptions) {
    super(message, options)
    this.exitCode = options?.exitCode
    if (options?.signal !== undefined) this.signal = options.signal
  }
}

/**
 * `submit()` found `maxQueue` tasks waiting already. `await executor.ready()` resolves when there is room
 * again.
 *
 * @example
 * ```ts
 * await executor.ready()
 * executor.submit(work) // cannot throw QueueFullError, unless someone else submitted in between
 * ```
 */
export class QueueFullError extends FutureError {
  static {
    brandError(this, 'QueueFullError', 'ERR_FUTURE_QUEUE_FULL')
  }

  constructor(message: string = 'the queue is full', options?: ErrorOptions) {
    super(message, options)
  }
}
