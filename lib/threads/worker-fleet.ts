/**
 * The JavaScript workers of one pool, as the isolate that owns it sees them: starting, watching and ending
 * the threads.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import type { StartFailure } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import { START_DIED, START_FATAL, START_REFUSED } from '../addon/seam.ts'
import { ofOwnClass } from '../errors/classes.ts'
import { clearTimeout, setTimeout } from '../host/timers.ts'
import type { CheckedPoolOptions } from '../options/pool-options.ts'
import { watchDebugger } from '../pool/debugger.ts'
import type { Fleet, FleetPool, PackedInitializer } from '../pool/fleet.ts'
import { exitOf, expectExit, forgetStart, watchStart } from '../pool/worker-exits.ts'
import type { PortValues } from '../ports/owner.ts'
import { packThrown } from '../values/thrown.ts'
import { nextGeneration, STARTING } from '../tasks/recursion.ts'
import { ExitProbe } from './exit-probe.ts'
import { makeThread } from './thread.ts'
import type { WorkerSeed } from './worker-seed.ts'

/** A start that has not attached by then counts as lost. */
const START_LIMIT = 30_000

/** Why a start has failed. If the cause is that the user has bundled the program, the error says so. */
function startError(error: unknown): unknown {
  const entry = new URL('./worker/main.js', import.meta.url)
  if (entry.protocol !== 'file:' || existsSync(entry)) return error
  const path = fileURLToPath(entry)
  return new Error(
    `there is no ${path}, which workers run: ` +
      'a bundler must leave concurrent-futures out (mark it as external)',
    { cause: error },
  )
}

export class WorkerFleet implements Fleet {
  readonly #index: PoolIndex
  readonly #poolNumber: number
  readonly #options: CheckedPoolOptions
  readonly #initializer: PackedInitializer | undefined
  readonly #portValues: PortValues
  readonly #workers: Map<number, { thread: Worker; threadId: number; progress: Int32Array }> = new Map()
  /** Node's numbers of the threads that were given up and have not ended. */
  readonly #givenUp: Map<number, number> = new Map()
  #isHeld = false
  #waiting: (() => void)[] = []

  constructor({ index, number, initializer, portValues }: FleetPool, options: CheckedPoolOptions) {
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
    const channel = this.#portValues.connect(number)
    const progress = new Int32Array(new SharedArrayBuffer(4))
    const exitProbe = new ExitProbe()
    const seed: WorkerSeed = {
      concurrentFutures: true,
      pool: this.#poolNumber,
      worker: number,
      progress,
      generation: nextGeneration,
      exitProbe: exitProbe.port,
      idleTimeout: this.#options.idleTimeout,
      maxWorkers: this.#options.maxWorkers,
      channel,
      initializer: this.#initializer,
    }
    let thread: Worker
    try {
      // Relative to the file into which this is bundled, at the top of dist/. Nothing imports the entry.
      thread = makeThread(new URL('./worker/main.js', import.meta.url), {
        ...this.#options.worker,
        name: `${this.#options.threadNamePrefix}-${number}`,
        workerData: seed,
        transferList: [channel, exitProbe.port],
      })
    } catch (error) {
      this.#portValues.disconnect(number)
      exitProbe.close()
      // An invalid execArgv stays invalid at the next start; a system that has refused a thread may have one
      // later.
      const isRefused =
        error instanceof RangeError || (error as { code?: unknown }).code === 'ERR_WORKER_INIT_FAILED'
      this.#fail(error, isRefused ? START_REFUSED : START_FATAL)
      return
    }
    this.#watch(number, thread, progress, exitProbe)
  }

  #watch(number: number, thread: Worker, progress: Int32Array, exitProbe: ExitProbe): void {
    if (!this.#isHeld) thread.unref()
    this.#workers.set(number, { thread, threadId: thread.threadId, progress })
    let cause: unknown
    let isOver = false
    const tellExit = expectExit(number)
    const endStart = (): void => {
      forgetStart(look)
      exitProbe.close()
    }
    const look = (): void => {
      const hasGone = exitProbe.hasExited()
      if (Atomics.load(progress, 0) !== STARTING) endStart()
      else if (hasGone) fail(new Error('a worker ended before it was ready'))
    }
    watchStart(look)
    const fail = (error: unknown): void => {
      endStart()
      if (isOver) return
      isOver = true
      if (Atomics.load(progress, 0) === STARTING) this.#fail(error, START_DIED)
    }
    const limit = setTimeout(() => {
      fail(new Error(`a worker did not start within ${START_LIMIT} ms`))
      if (Atomics.load(progress, 0) === STARTING) this.end(number)
    }, START_LIMIT)
    limit.unref()
    thread.on('error', (error) => (cause = ofOwnClass(error)))
    thread.on('exit', (code) => {
      clearTimeout(limit)
      tellExit({ code, cause })
      this.#workers.delete(number)
      this.#givenUp.delete(number)
      this.#portValues.disconnect(number)
      fail(cause ?? new Error(`a worker ended with exit code ${code} before it was ready`))
      this.#tellIfEmpty()
    })
  }

  #fail(error: unknown, failure: StartFailure): void {
    const { form, data } = packThrown(startError(error))
    binding.startFailed(this.#index.value, failure, form, data)
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

  /** Resolves when the last thread has gone; meanwhile the threads keep the process alive. */
  async gone(): Promise<void> {
    this.#isHeld = true
    for (const { thread } of this.#workers.values()) thread.ref()
    await this.empty()
  }

  /** The same, without keeping the process alive. */
  async empty(): Promise<void> {
    if (this.#workers.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #tellIfEmpty(): void {
    if (this.#workers.size > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
