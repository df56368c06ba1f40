/** One pool of the addon, as one isolate uses it: the hot path of `submit`, and what the pool asks of the isolate that owns it. */
import { binding, scratch } from '../addon/binding.ts'
import {
  ARITY,
  BROKEN,
  CHUNKED,
  FLAGS,
  FORM,
  FUNCTION,
  LIMITED,
  MOVES,
  NAMED,
  NATIVE,
  NO_CLOCK,
  POOL,
  POOL_EVENT,
  POOL_NUMBER,
  POOL_OPTION,
  PORT_VALUE,
  PRIORITY,
  QUEUE_FULL,
  QUEUE_TIMEOUT,
  SHUT_DOWN,
  TIMEOUT,
} from '../addon/codes.ts'
import { InvalidStateError, QueueFullError } from '../errors/errors.ts'
import { cancelOnAbort } from '../future/cancel-on-abort.ts'
import { Future } from '../future/future.ts'
import type { CheckedPoolOptions } from '../options/pool-options.ts'
import { NO_OPTIONS } from '../options/task-options.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { makeEnvelope } from '../ports/envelope.ts'
import { PortValues } from '../ports/owner.ts'
import { sendArguments } from '../ports/worker.ts'
import { currentContext } from '../tasks/current-task.ts'
import { submittable } from '../tasks/functions.ts'
import type { Submittable } from '../tasks/functions.ts'
import { loadingModules } from '../tasks/loading.ts'
import { allGoAsIs, areOf, checkNativeTransfer, emptyAll, inOnePiece, packArgs, prepareAll } from '../values/arguments.ts'
import { chunkArgumentError, placedArgumentError } from '../values/clone-error.ts'
import { movesWhole, NO_WRITING, packTransferred } from '../values/codec.ts'
import { AS_IS, PORT } from '../values/forms.ts'
import { unpackThrown } from '../values/thrown.ts'
import { brokenPool } from './broken-pool.ts'
import { PoolLink } from './completions.ts'
import { watchDebugger } from './debugger.ts'
import { atExit } from './exit.ts'
import type { Fleet, MakeFleet, PackedInitializer } from './fleet.ts'
import { onPoolEvent, serve } from './services.ts'
import { readStats } from './snapshot.ts'

const NONE: never[] = []

const AFTER_SHUTDOWN = 'cannot schedule new futures after shutdown'

/** Settles the waits that a pool's event ends. */
class Waiters {
  #list: (() => void)[] = []

  wait(): Promise<void> {
    binding.hold(true)
    return new Promise((resolve) => this.#list.push(resolve))
  }

  wake(): void {
    const list = this.#list
    this.#list = []
    for (const resolve of list) {
      binding.hold(false)
      resolve()
    }
  }
}

export class Pool {
  readonly maxWorkers: number
  /** This isolate's index of the pool. */
  readonly index: number
  /** The pool's number in the process. */
  readonly number: number
  /** Undefined where another isolate owns the pool. */
  readonly fleet: Fleet | undefined
  readonly #link: PoolLink
  /** Undefined where another isolate owns the pool. */
  readonly #portValues: PortValues | undefined
  readonly #room: Waiters = new Waiters()
  #isRoomReserved = false
  #isReleaseDue = false
  readonly #closing: Waiters = new Waiters()
  /** Whether there is a limit to its queue. */
  readonly #isBounded: boolean
  #isClosed = false
  #isShutDown = false
  /** How many tasks had ended when their output was asked for. */
  #endedBefore = -1

  private constructor(index: number, number: number, maxWorkers: number, isBounded: boolean, fleet?: Fleet, portValues?: PortValues) {
    this.index = index
    this.number = number
    this.maxWorkers = maxWorkers
    this.#isBounded = isBounded
    this.fleet = fleet
    this.#portValues = portValues
    this.#link = new PoolLink(index)
  }

  /** Makes a pool that this isolate owns, whose workers are those of the fleet that `makeFleet` makes. */
  static create(options: CheckedPoolOptions, makeFleet: MakeFleet): Pool {
    watchDebugger()
    const initializer = packInitializer(options)
    scratch[POOL_OPTION.maxWorkers] = options.maxWorkers
    scratch[POOL_OPTION.minWorkers] = options.minWorkers
    scratch[POOL_OPTION.idleTimeout] = options.idleTimeout === Infinity ? -1 : options.idleTimeout
    scratch[POOL_OPTION.maxQueue] = options.maxQueue ?? -1
    scratch[POOL_OPTION.tasksPerWorker] = options.tasksPerWorker
    scratch[POOL_OPTION.maxTasksPerWorker] = options.maxTasksPerWorker ?? -1
    scratch[POOL_OPTION.interruptGrace] = options.interruptGrace
    const index = binding.createPool(options.threadNamePrefix)
    const number = scratch[POOL_NUMBER] as number
    const portValues = new PortValues(index)
    const fleet = makeFleet({ index, number, initializer, portValues }, options)
    const pool = new Pool(index, number, options.maxWorkers, options.maxQueue !== undefined, fleet, portValues)
    onPoolEvent(number, (event, worker) => pool.#onEvent(event, worker))
    atExit(pool)
    serve()
    return pool
  }

  /** Opens a pool that another isolate owns; undefined if it is closed. */
  static open(number: number, maxWorkers: number): Pool | undefined {
    const index = binding.openPool(number)
    // Only its owner knows its limit.
    return index < 0 ? undefined : new Pool(index, number, maxWorkers, true)
  }

  #onEvent(event: number, worker: number): void {
    if (event === POOL_EVENT.startWorker) this.fleet?.start()
    else if (event === POOL_EVENT.endWorker) this.fleet?.end(worker)
    else if (event === POOL_EVENT.room) this.#room.wake()
    else if (event === POOL_EVENT.closed) this.#onClosed()
    else this.#onPortValue(event, worker)
  }

  #onPortValue(event: number, number: number): void {
    if (event === POOL_EVENT.handOver) this.#portValues?.handOver()
    else if (event === POOL_EVENT.lostArguments) this.#portValues?.loseArguments(number)
    else if (event === POOL_EVENT.lostResult) this.#portValues?.loseResult(number)
    else this.#portValues?.passOn()
  }

  #onClosed(): void {
    this.#portValues?.close()
    this.#isClosed = true
    // Until then a thread that does not end may have to be given up.
    void this.fleet?.empty().then(() => onPoolEvent(this.number, undefined))
    this.#closing.wake()
    this.#room.wake()
  }

  /** Submits a task; see `Executor.submit`. */
  submit(fn: unknown, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    return this.submitTask(submittable(fn), args, options)
  }

  /** As `submit`, for a function that has been looked up. */
  submitTask(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    if (loadingModules > 0 && currentContext() === undefined) throw recursionError()
    if (task.prepare === undefined) return this.#send(task, args, options)
    return this.#sendNative(task, task.prepare(args), options)
  }

  /** Submits a chunk of a map: one task that calls the function of `chunk` once for each list of arguments. */
  submitChunk(chunk: Submittable, lists: unknown[][], options: CheckedTaskOptions): Future<any> {
    if (loadingModules > 0 && currentContext() === undefined) throw recursionError()
    if (chunk.prepare !== undefined) return this.#sendNative(chunk, prepareAll(chunk.prepare, lists), options, lists.length)
    try {
      return this.#send(chunk, [lists], options)
    } catch (error) {
      throw chunkArgumentError(error)
    }
  }

  #send(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    const { signal, transfer } = options
    if (signal?.aborted === true) return this.#aborted(signal)
    const moves = transfer !== undefined && args.length === 1 && movesWhole(args[0], transfer)
    const isMoving = transfer !== undefined && transfer.length > 0
    if (moves || (!isMoving && allGoAsIs(args))) {
      scratch[FORM] = AS_IS
      return this.#submit(task.number, moves ? MOVES : 0, args, options)
    }
    const { form, data } = isMoving ? packTransferred(args, transfer) : packArgs(args)
    if (form === PORT) return this.#sendByPort(task, args, data, options)
    scratch[FORM] = form
    return this.#submit(task.number, 0, [data], options)
  }

  /** Arguments of native tasks go each as it is. `calls`: of a chunk, for how many calls these are. */
  #sendNative(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions, calls: number = 0): Future<any> {
    const { signal, transfer } = options
    if (signal?.aborted === true) return this.#aborted(signal)
    const emptied = transfer === undefined ? undefined : checkNativeTransfer(transfer)
    const flags = NATIVE | (emptied !== undefined && areOf(args, emptied) ? MOVES : 0)
    if (calls === 0) {
      scratch[FORM] = AS_IS
      return this.#submit(task.number, flags, args, options, emptied)
    }
    scratch[ARITY] = args.length / calls
    return this.#submit(task.number, flags | CHUNKED, [inOnePiece(args)], options, emptied)
  }

  /** Submits a task whose form is in `scratch` already. The buffers that are `emptied` are detached once it is accepted. */
  #submit(fn: number, flags: number, values: readonly unknown[], options: CheckedTaskOptions, emptied?: ArrayBuffer[]): Future<any> {
    const { name, signal } = options
    const limits = options === NO_OPTIONS ? 0 : writeLimits(options)
    const future = this.#link.prepare(name)
    const slot = this.#call(fn, flags | limits, values, name)
    if (slot < 0) throw this.#refusal(slot)
    this.#link.open(future, slot)
    if (this.#isRoomReserved) this.#releaseRoom()
    if (emptied !== undefined) emptyAll(emptied)
    if (signal !== undefined) cancelOnAbort(future, signal)
    return future
  }

  /** Submits a task whose arguments only a MessagePort can carry. It is accepted first: a task that is refused leaves them untouched. */
  #sendByPort(task: Submittable, args: readonly unknown[], value: unknown, options: CheckedTaskOptions): Future<any> {
    const future = this.#link.prepare(options.name)
    scratch[FORM] = PORT
    const slot = this.#call(task.number, writeLimits(options), [], options.name)
    if (slot < 0) throw this.#refusal(slot)
    const number = scratch[PORT_VALUE] as number
    let isPacked = false
    try {
      const envelope = makeEnvelope(value, options.transfer)
      if (this.#portValues === undefined) sendArguments(number, envelope)
      else this.#portValues.keep(number, envelope)
      isPacked = true
    } catch (error) {
      throw placedArgumentError(args, error, options.transfer)
    } finally {
      if (!isPacked) binding.withdraw(this.index, slot)
    }
    binding.seal(this.index, slot)
    this.#link.open(future, slot)
    if (this.#isRoomReserved) this.#releaseRoom()
    if (options.signal !== undefined) cancelOnAbort(future, options.signal)
    return future
  }

  #call(fn: number, flags: number, values: readonly unknown[], name: string | undefined): number {
    scratch[POOL] = this.index
    scratch[FUNCTION] = fn
    scratch[FLAGS] = name === undefined ? flags : flags | NAMED
    if (name !== undefined) return binding.submit(...values, name)
    return values.length === 1 ? binding.submit(values[0]) : binding.submit(...values)
  }

  #aborted(signal: AbortSignal): Future<any> {
    const answer = this.#answer()
    if (answer === BROKEN || answer === SHUT_DOWN) throw this.#refusal(answer)
    const future = new Future<any>()
    future.cancel({ reason: signal.reason })
    binding.countCancelled(this.index)
    return future
  }

  /** How a submission would be refused now, as `binding.submit` says it, or 0. */
  #answer(): number {
    binding.refusal(this.index)
    return scratch[1] as number
  }

  #refusal(answer: number): Error {
    if (answer === QUEUE_FULL) return new QueueFullError()
    if (answer === NO_CLOCK) {
      return Object.assign(new Error('the system refuses a thread: nobody would watch the time-outs of the task'), { code: 'EAGAIN' })
    }
    if (answer !== BROKEN) return new InvalidStateError(AFTER_SHUTDOWN)
    const cause = binding.refusal(this.index)
    const options = cause === undefined ? undefined : { cause: unpackThrown(scratch[0] as number, cause) }
    return brokenPool('the pool cannot run tasks any more', options)
  }

  /** Whether a submission would find room now. */
  hasRoom(): boolean {
    return !this.#isBounded || binding.wantRoom(this.index)
  }

  /** Resolves when a submission would find room. */
  async room(): Promise<void> {
    for (;;) {
      const answer = this.#answer()
      if (answer === BROKEN) throw this.#refusal(answer)
      if (this.#isShutDown || this.#isClosed) throw new InvalidStateError(AFTER_SHUTDOWN)
      if (!this.#isRoomReserved && (answer !== QUEUE_FULL || binding.wantRoom(this.index))) return this.#reserveRoom()
      if (this.fleet === undefined) await new Promise((resolve) => setTimeout(resolve, 2))
      else await this.#room.wait()
    }
  }

  /** The room that there is is one caller's, until it has submitted or the event loop has turned. */
  #reserveRoom(): void {
    this.#isRoomReserved = true
    if (this.#isReleaseDue) return
    this.#isReleaseDue = true
    setImmediate(() => {
      this.#isReleaseDue = false
      this.#releaseRoom()
    })
  }

  #releaseRoom(): void {
    this.#isRoomReserved = false
    this.#room.wake()
  }

  /** See `Executor.shutdown`. */
  async shutdown(wait: boolean, cancelPending: boolean): Promise<void> {
    this.#isShutDown = true
    if (!this.#isClosed && !binding.isClosed(this.index)) binding.shutdown(this.index, cancelPending)
    if (wait) await this.#closed()
  }

  /** See `Executor.terminateWorkers`. */
  async terminate(): Promise<void> {
    this.#isShutDown = true
    if (!this.#isClosed) binding.terminate(this.index)
    this.fleet?.endAll()
    await this.#closed()
  }

  async #closed(): Promise<void> {
    if (this.fleet === undefined) {
      while (!binding.isClosed(this.index)) await new Promise((resolve) => setTimeout(resolve, 2))
      return
    }
    const gone = this.fleet.gone()
    if (!this.#isClosed) await this.#closing.wait()
    await gone
  }

  /** The process is ending: what is running is given up. */
  exit(): void {
    if (!this.#isClosed) binding.terminate(this.index)
  }

  /** What tasks have printed since the last call comes until these promises have resolved. */
  output(): Promise<unknown>[] {
    const ended = this.#ended()
    if (this.fleet === undefined || ended === this.#endedBefore) return NONE
    this.#endedBefore = ended
    return this.fleet.output()
  }

  /** How many tasks have ended. */
  #ended(): number {
    const { completed, failed, cancelled, timedOut, lost } = readStats(this.index)
    return completed + failed + cancelled + timedOut + lost
  }

  get isStarting(): boolean {
    return this.fleet !== undefined && this.fleet.starting().length > 0
  }

  get isClosed(): boolean {
    return this.#isClosed
  }
}

function recursionError(): InvalidStateError {
  return new InvalidStateError(
    'a pool worker is importing this module, which submits tasks while it is loaded: put the tasks into a file of their own, or submit only if isMainThread (node:worker_threads)',
  )
}

function writeLimits(options: CheckedTaskOptions): number {
  if (options.timeout < 0 && options.queueTimeout < 0 && options.priority === 0) return 0
  scratch[PRIORITY] = options.priority
  scratch[TIMEOUT] = options.timeout
  scratch[QUEUE_TIMEOUT] = options.queueTimeout
  return LIMITED
}

function packInitializer(options: CheckedPoolOptions): PackedInitializer | undefined {
  if (options.initializer === undefined) return undefined
  const { number, isNative } = submittable(options.initializer)
  if (isNative) throw new TypeError('initializer must be a JavaScript function')
  const { form, data } = packArgs(options.initargs, NO_WRITING)
  return { fn: number, form, args: data }
}
