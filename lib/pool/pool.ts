/**
 * One pool of the addon, as one isolate uses it: its beginning, its end, and what it asks of the isolate that
 * owns it.
 */
import { binding, scratch } from '../addon/binding.ts'
import type { Children } from '../addon/children.ts'
import { PoolIndex } from '../addon/pool-index.ts'
import {
  AT_IDLE_TIMEOUT,
  AT_INTERRUPT_GRACE,
  AT_MAX_QUEUE,
  AT_MAX_TASKS_PER_WORKER,
  AT_MAX_WORKERS,
  AT_MIN_WORKERS,
  AT_POOL_NUMBER,
  AT_TASKS_PER_WORKER,
  EVENT_CLOSED,
  EVENT_END_STARTS,
  EVENT_END_WORKER,
  EVENT_END_WORKERS,
  EVENT_HAND_OVER,
  EVENT_LOST_ARGUMENTS,
  EVENT_LOST_RESULT,
  EVENT_NEWS,
  EVENT_RESUME_STARTS,
  EVENT_ROOM,
  EVENT_START_WORKER,
  EVENT_STRAYS,
} from '../addon/seam.ts'
import type { Trace } from '../diagnostics/trace.ts'
import { logPool, tellWorker } from '../diagnostics/workers.ts'
import type { Future } from '../future/future.ts'
import { now } from '../host/clocks.ts'
import { setTimeout } from '../host/timers.ts'
import type { CheckedPoolOptions } from '../options/pool-options.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { PortValues } from '../ports/owner.ts'
import { submittable } from '../tasks/functions.ts'
import { refuseWarmUp } from '../tasks/recursion.ts'
import { packArgs } from '../values/arguments.ts'
import { splitShared } from '../values/shared-arguments.ts'
import { broadcast } from './broadcast.ts'
import { watchDebugger } from './debugger.ts'
import { watchEarlyDeath } from './early-death.ts'
import { atExit } from './exit.ts'
import type { Fleet, MakeFleet, PackedInitializer } from './fleet.ts'
import { THREADS } from './kind.ts'
import type { PoolKind } from './kind.ts'
import { Room } from './room.ts'
import { tellNews } from './news.ts'
import { onPoolEvent, serve } from './services.ts'
import { readStats } from './snapshot.ts'
import { tellStrays } from './strays.ts'
import { Submissions } from './submissions.ts'
import { trace } from './traced.ts'
import type { Identity } from './watched.ts'
import { Waiters } from './waiters.ts'
import { warmUp } from './warm-up.ts'
import { forgetStart, watchStart } from './worker-exits.ts'

const NONE: never[] = []

watchEarlyDeath()

/**
 * How often an isolate that does not own the pool, and gets no events of it, looks whether it is closed, in
 * ms.
 */
const BETWEEN_LOOKS = 2

export class Pool {
  readonly tasksPerWorker: number
  readonly kind: PoolKind
  readonly identity: Identity
  readonly #index: PoolIndex
  /** The pool's number in the process. */
  readonly number: number
  /** Undefined where another isolate owns the pool. */
  readonly fleet: Fleet | undefined
  readonly room: Room
  readonly submissions: Submissions
  /** Undefined where another isolate owns the pool. */
  readonly #portValues: PortValues | undefined
  readonly #closing: Waiters = new Waiters()
  /** The numbers of the shared values among the initializer's arguments. */
  readonly #kept: number[] = []
  #isClosed = false
  /** How many tasks had ended when their output was asked for. */
  #endedBefore = -1

  private constructor(
    index: PoolIndex,
    number: number,
    { tasksPerWorker }: Pick<CheckedPoolOptions, 'tasksPerWorker'>,
    kind: PoolKind,
    isBounded: boolean,
    fleet?: Fleet,
    portValues?: PortValues,
  ) {
    this.#index = index
    this.number = number
    this.tasksPerWorker = tasksPerWorker
    this.fleet = fleet
    this.#portValues = portValues
    this.kind = kind
    this.identity = { name: binding.poolName(index.value), kind: kind.name }
    this.room = new Room(index, kind, isBounded, fleet !== undefined)
    this.submissions = new Submissions(index, kind, this.identity, this.room, portValues)
  }

  /** This isolate's index of the pool; it is the pool's no longer than the pool is kept. */
  get index(): number {
    return this.#index.value
  }

  /**
   * Makes a pool that this isolate owns, whose workers are those of the fleet that `makeFleet` makes; where
   * they are processes, `children` says how they are started.
   */
  static create(
    options: CheckedPoolOptions,
    makeFleet: MakeFleet,
    kind: PoolKind = THREADS,
    children?: (initializer: PackedInitializer | undefined) => Children,
  ): Pool {
    if (options.minWorkers > 0) refuseWarmUp()
    watchDebugger()
    const initializer = packInitializer(options, kind)
    const start = children?.(initializer)
    scratch[AT_MAX_WORKERS] = options.maxWorkers
    scratch[AT_MIN_WORKERS] = options.minWorkers
    scratch[AT_IDLE_TIMEOUT] = options.idleTimeout === Infinity ? -1 : options.idleTimeout
    scratch[AT_MAX_QUEUE] = options.maxQueue ?? -1
    scratch[AT_TASKS_PER_WORKER] = options.tasksPerWorker
    scratch[AT_MAX_TASKS_PER_WORKER] = options.maxTasksPerWorker ?? -1
    scratch[AT_INTERRUPT_GRACE] = options.interruptGrace
    const { threadNamePrefix } = options
    const index = new PoolIndex(
      start === undefined
        ? binding.createPool(threadNamePrefix, options.name)
        : binding.createPool(threadNamePrefix, options.name, start),
    )
    const number = scratch[AT_POOL_NUMBER] as number
    const portValues = new PortValues(index)
    const fleet = makeFleet({ index, number, initializer, portValues })
    const pool = new Pool(index, number, options, kind, options.maxQueue !== undefined, fleet, portValues)
    pool.#keep(initializer?.shared ?? NONE)
    onPoolEvent(number, (event, worker) => pool.#onEvent(event, worker))
    atExit(pool)
    logPool(options.name, `made, of at most ${options.maxWorkers} workers`)
    serve()
    return pool
  }

  /** Opens a pool that another isolate owns; undefined if it is closed. */
  static open(
    number: number,
    size: Pick<CheckedPoolOptions, 'tasksPerWorker'>,
    kind: PoolKind,
  ): Pool | undefined {
    const index = binding.openPool(number)
    // Only its owner knows its limit.
    return index < 0 ? undefined : new Pool(new PoolIndex(index), number, size, kind, true)
  }

  /** Keeps the shared values of the initializer until the pool is closed. */
  #keep(places: readonly number[]): void {
    for (let at = 1; at < places.length; at += 2) {
      const number = places[at] as number
      binding.keepShared(number)
      this.#kept.push(number)
    }
  }

  #onEvent(event: number, worker: number): void {
    if (event === EVENT_START_WORKER) this.fleet?.start()
    else if (event === EVENT_END_WORKER) this.#abandon(worker)
    else if (event === EVENT_END_WORKERS) this.fleet?.endAll()
    else if (event === EVENT_END_STARTS) this.fleet?.endStarts()
    else if (event === EVENT_RESUME_STARTS) this.#resumeStarts(worker)
    else if (event === EVENT_ROOM) this.room.wake()
    else if (event === EVENT_CLOSED) this.#onClosed()
    else if (event === EVENT_STRAYS) tellStrays(this.index)
    else if (event === EVENT_NEWS) tellNews(this.index, this.identity.name)
    else this.#onPortValue(event, worker)
  }

  #abandon(worker: number): void {
    const threadId = this.fleet?.threadId(worker) ?? -1
    this.fleet?.end(worker)
    if (threadId >= 0) tellWorker(this.identity.name, 'abandon', threadId)
  }

  /** Has the pool try starts again after so long: it has no thread of its own that could watch the clock. */
  #resumeStarts(after: number): void {
    const due = now() + after
    const look = (): void => {
      if (now() < due) return
      forgetStart(look)
      binding.resumeStarts(this.index)
    }
    // A thread that blocks for a future looks by itself.
    watchStart(look)
    // A timer may be a bit early.
    setTimeout(look, after + 5).unref()
  }

  #onPortValue(event: number, number: number): void {
    if (event === EVENT_HAND_OVER) this.#portValues?.handOver()
    else if (event === EVENT_LOST_ARGUMENTS) this.#portValues?.loseArguments(number)
    else if (event === EVENT_LOST_RESULT) this.#portValues?.loseResult(number)
    else this.#portValues?.passOn()
  }

  #onClosed(): void {
    this.#portValues?.close()
    this.#isClosed = true
    logPool(this.identity.name, 'closed')
    for (const number of this.#kept.splice(0)) binding.releaseShared(number)
    this.room.close()
    // The listener stays until the last thread has ended: one that does not end may still have to be given
    // up.
    void this.fleet?.empty().then(() => onPoolEvent(this.number, undefined))
    this.#closing.wake()
    this.room.wake()
  }

  /** How many tasks may run at once, now: any isolate may have changed that. */
  get maxWorkers(): number {
    return binding.maxWorkers(this.index)
  }

  /** See `PoolExecutor.resize`. */
  resize(maxWorkers: number): void {
    const least = binding.resize(this.index, maxWorkers)
    if (least > 0) {
      throw new RangeError(`maxWorkers must not be below minWorkers, ${least}, got ${maxWorkers}`)
    }
  }

  /** See `MapFeed.expectRests`. A map of a task needs none of this: the task keeps the pool going. */
  expectRests(areExpected: boolean): void {
    if (this.fleet !== undefined) binding.expectRests(this.index, areExpected)
  }

  /** See `PoolExecutor.broadcast`. */
  broadcast(fn: unknown, args: readonly unknown[], options: CheckedTaskOptions): Future<any>[] {
    return broadcast(this.#index, this.kind, this.identity, fn, args, options)
  }

  /** See `Executor.trace`. */
  trace(): Trace {
    return trace(this.#index, this.identity.name)
  }

  /** See `PoolExecutor.warmUp`. */
  warmUp(workers: number): Promise<void> {
    return warmUp(this.#index, this.kind, workers)
  }

  /** See `Executor.shutdown`. */
  async shutdown(wait: boolean, cancelPending: boolean, limit: number = Infinity): Promise<void> {
    this.room.close()
    if (!this.#isClosed && !binding.isClosed(this.index)) {
      const isWatched = binding.shutdown(this.index, cancelPending, limit === Infinity ? -1 : limit)
      // The system refuses the thread that would end it in time.
      if (!isWatched) setTimeout(() => void this.terminate(), limit)
    }
    if (wait) await this.#closed()
  }

  /** See `Executor.terminateWorkers`. */
  async terminate(): Promise<void> {
    this.room.close()
    if (!this.#isClosed) binding.terminate(this.index)
    this.fleet?.endAll()
    await this.#closed()
  }

  async #closed(): Promise<void> {
    if (this.fleet === undefined) {
      while (!binding.isClosed(this.index)) {
        await new Promise<void>((resolve) => setTimeout(resolve, BETWEEN_LOOKS))
      }
      return
    }
    const gone = this.fleet.gone()
    if (!this.#isClosed) await this.#closing.wait()
    await gone
  }

  /** The process is ending: what is running is given up. */
  exit(): void {
    if (this.#isClosed) return
    binding.terminate(this.index)
    this.fleet?.exit()
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
    const { completed, failed, cancelled, timedOut, lost } = readStats(this.index, this.identity)
    return completed + failed + cancelled + timedOut + lost
  }

  get isStarting(): boolean {
    return this.fleet !== undefined && this.fleet.starting().length > 0
  }

  get isClosed(): boolean {
    return this.#isClosed
  }
}

function packInitializer(options: CheckedPoolOptions, { way }: PoolKind): PackedInitializer | undefined {
  if (options.initializer === undefined) return undefined
  const task = submittable(options.initializer)
  if (task.isNative) throw new TypeError('initializer must be a JavaScript function')
  const split = splitShared(options.initargs, way.aside)
  const { form, data } = packArgs(split?.others ?? options.initargs, way.aside)
  return { task, form, args: data, shared: split?.places ?? [] }
}
