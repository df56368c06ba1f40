/**
 * The JavaScript workers of one pool, as the isolate that owns it sees them: starting, watching and ending
 * the threads.
 */
import type { Worker } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import type { StartFailure } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import { START_LATE, START_REFUSED } from '../addon/seam.ts'
import { tellWorker } from '../diagnostics/workers.ts'
import { ofOwnClass } from '../errors/classes.ts'
import { now } from '../host/clocks.ts'
import { clearTimeout, setTimeout } from '../host/timers.ts'
import type { CheckedThreadOptions } from '../options/pool-options.ts'
import { watchDebugger } from '../pool/debugger.ts'
import { entry, explainStart } from '../pool/entry.ts'
import type { Fleet, FleetPool, PackedInitializer } from '../pool/fleet.ts'
import { exitOf, expectExit, forgetStart, watchStart } from '../pool/worker-exits.ts'
import type { PortValues } from '../ports/owner.ts'
import { packThrown } from '../values/thrown.ts'
import { ATTACHED, nextGeneration, STARTING } from '../tasks/recursion.ts'
import { ExitProbe } from './exit-probe.ts'
import { deathOf, isOverdue, refusalOf } from './start-failure.ts'
import { makeThread } from './thread.ts'
import type { Initializer, WorkerSeed } from './worker-seed.ts'

/** A start that has not attached by then counts as lost. */
const START_LIMIT = 30_000

/** How long the end of the pool waits for threads that were given up, in ms. */
const GIVEN_UP_LIMIT = 500

function seedOf(initializer: PackedInitializer | undefined): Initializer | undefined {
  if (initializer === undefined) return undefined
  const { task, form, args, shared } = initializer
  return { fn: task.number, form, args, shared: [...shared] }
}

export class WorkerFleet implements Fleet {
  readonly #index: PoolIndex
  readonly #poolNumber: number
  readonly #options: CheckedThreadOptions
  readonly #initializer: PackedInitializer | undefined
  readonly #portValues: PortValues
  readonly #workers: Map<number, { thread: Worker; threadId: number; progress: Int32Array }> = new Map()
  /** Node's numbers of the threads that were given up and have not ended. */
  readonly #givenUp: Map<number, number> = new Map()
  /** How many were asked for so far. */
  #asked = 0
  #isHeld = false
  #waiting: (() => void)[] = []
  #waitingForGivenUp: (() => void)[] = []

  constructor({ index, number, initializer, portValues }: FleetPool, options: CheckedThreadOptions) {
    this.#index = index
    this.#poolNumber = number
    this.#options = options
    this.#initializer = initializer
    this.#portValues = portValues
  }

  /** Node's number of the thread. */
  threadId(number: number): number {
    return this.#workers.get(number)?.threadId ?? this.#givenUp.get(number) ?? -1
  }

  /** Node's numbers of the threads that are not ready for tasks yet. */
  starting(): number[] {
    return [...this.#workers.values()]
      .filter(({ progress }) => Atomics.load(progress, 0) === STARTING)
      .map(({ threadId }) => threadId)
  }

  /** Starts one more. */
  start(): void {
    watchDebugger()
    // Unique in the process, so that a lost task's worker, and a result's, can be found.
    const number = binding.workerNumber()
    const start = ++this.#asked
    const channel = this.#portValues.connect(number)
    const progress = new Int32Array(new SharedArrayBuffer(8))
    const exitProbe = new ExitProbe()
    const seed: WorkerSeed = {
      concurrentFutures: true,
      pool: this.#poolNumber,
      worker: number,
      start,
      progress,
      generation: nextGeneration,
      exitProbe: exitProbe.port,
      idleTimeout: this.#options.idleTimeout,
      tasksPerWorker: this.#options.tasksPerWorker,
      channel,
      initializer: seedOf(this.#initializer),
    }
    let thread: Worker
    try {
      thread = makeThread(entry, {
        ...this.#options.worker,
        name: `${this.#options.threadNamePrefix}-${number}`,
        workerData: seed,
        transferList: [channel, exitProbe.port],
      })
    } catch (error) {
      this.#portValues.disconnect(number)
      exitProbe.close()
      this.#fail(error, refusalOf(error), start)
      return
    }
    this.#watch(number, thread, seed, exitProbe)
  }

  #watch(number: number, thread: Worker, { progress, start }: WorkerSeed, exitProbe: ExitProbe): void {
    if (!this.#isHeld) thread.unref()
    // Of a thread that has ended it is -1.
    const { threadId } = thread
    this.#workers.set(number, { thread, threadId, progress })
    tellWorker(this.#options.name, 'start', threadId)
    let cause: unknown
    let isOver = false
    const tellExit = expectExit(number)
    const endStart = (): void => {
      forgetStart(look)
      exitProbe.close()
    }
    const since = now()
    const look = (): void => {
      const hasGone = exitProbe.hasExited()
      if (Atomics.load(progress, 0) !== STARTING) endStart()
      else if (hasGone) fail(new Error('a worker ended before it was ready'), deathOf(undefined))
      else if (Atomics.load(progress, 1) === 0 && isOverdue(now() - since)) {
        fail(new Error('a worker has not come'), START_REFUSED)
      }
    }
    watchStart(look)
    const fail = (error: unknown, failure: StartFailure): void => {
      endStart()
      // One whose start was given up was ended by `end`.
      if (isOver || this.#givenUp.has(number)) return
      isOver = true
      if (Atomics.load(progress, 0) === STARTING) this.#fail(error, failure, start)
    }
    const limit = setTimeout(() => {
      fail(new Error(`a worker did not start within ${START_LIMIT} ms`), START_LATE)
      // Also one whose initializer has failed, if its thread does not end.
      if (Atomics.load(progress, 0) !== ATTACHED) this.end(number)
    }, START_LIMIT)
    limit.unref()
    thread.on('error', (error) => (cause = ofOwnClass(error)))
    thread.on('exit', (code) => {
      clearTimeout(limit)
      tellExit({ code, cause })
      tellWorker(this.#options.name, 'exit', threadId, { exitCode: code })
      this.#workers.delete(number)
      this.#portValues.disconnect(number)
      const error = cause ?? new Error(`a worker ended with exit code ${code} before it was ready`)
      fail(error, deathOf(error))
      this.#givenUp.delete(number)
      this.#tellIfEmpty()
    })
  }

  #fail(error: unknown, failure: StartFailure, start: number): void {
    const { form, data } = packThrown(explainStart(error))
    binding.startFailed(this.#index.value, failure, form, data, start)
  }

  /** Ends a worker that was given up, without waiting for its thread, which may never end. */
  end(number: number): void {
    const worker = this.#workers.get(number)
    if (worker === undefined) return
    this.#workers.delete(number)
    this.#givenUp.set(number, worker.threadId)
    void worker.thread.terminate()
    // terminate() refs the thread.
    worker.thread.unref()
    this.#tellIfEmpty()
  }

  /** Ends those that are not ready for tasks yet. */
  endStarts(): void {
    for (const [number, { progress }] of [...this.#workers]) {
      if (Atomics.load(progress, 0) === STARTING) this.end(number)
    }
  }

  /**
   * The output of the workers, as promises that it is here; of one that has left, that its thread has ended.
   */
  output(): Promise<unknown>[] {
    const ready = [...this.#workers].filter(([, { progress }]) => Atomics.load(progress, 0) !== STARTING)
    return ready.map(([number]) => Promise.race([this.#portValues.output(number), exitOf(number)]))
  }

  /** Ends all threads. */
  endAll(): void {
    for (const { thread } of this.#workers.values()) void thread.terminate()
  }

  /** Threads end with the process. */
  exit(): void {}

  /**
   * Resolves when the last thread has gone; meanwhile the threads keep the process alive. For those that were
   * given up it waits a while: they may never end.
   */
  async gone(): Promise<void> {
    this.#isHeld = true
    for (const { thread } of this.#workers.values()) thread.ref()
    await this.empty()
    if (this.#givenUp.size === 0) return
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, GIVEN_UP_LIMIT)
      this.#waitingForGivenUp.push(() => {
        clearTimeout(limit)
        resolve()
      })
    })
  }

  /** The same, without keeping the process alive. */
  async empty(): Promise<void> {
    if (this.#workers.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #tellIfEmpty(): void {
    if (this.#workers.size > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
    if (this.#givenUp.size === 0) for (const resolve of this.#waitingForGivenUp.splice(0)) resolve()
  }
}
