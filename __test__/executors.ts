/**
 * The executors that the tests run over: a behaviour is stated once, and is a test of each executor that it
 * is a promise of.
 *
 *     const behaviour = behaviours(ava.serial)
 *     behaviour('a result comes back', async (t, { create }) => {
 *       await using executor = create(1)
 *       …
 *     })
 *
 * The kind of the executor ends the title of each test: `a result comes back [thread]`.
 *
 * **A new executor** is one more entry of `makers`. Whatever its constructor has in common with the others
 * goes through `create`.
 *
 * **What a test has to ask for.** `behaviours(test)` asks for a pool of workers on this machine. Such a pool
 * can be counted on for all of `Executor` and `PoolOptions`: functions sent as source, `resultSync()`,
 * `transfer`, counts of its workers, futures whose state changes while the event loop does not turn.
 * `behaviours(test, [])` asks for nothing: its behaviours are promises of executors too whose workers are
 * elsewhere, use functions that a module names, and make an executor with a number of workers at most.
 * Further:
 *
 * - `behaviours(test, ['pool', 'ports'])`, and what else `Capability` has, asks for more than every pool has.
 * - What each executor has in words of its own `Pool` tells: `broken`, `workerKind`, `nativeKind`,
 *   `smallHeap`.
 * - A worker is told from another by `work.thread` and its like, or by `dump()`, never by `threadId`, which
 *   is 0 in all processes.
 * - Tasks and tests that signal to each other do so with files (`Folder`), not with shared memory.
 * - A program in a child process is run by the pool's `inChild`, and makes its executors with the `create`
 *   that it is given.
 *
 * The variable EXECUTORS restricts a run to some kinds: `EXECUTORS=thread npx ava`.
 *
 * What is only a thread pool's is an ordinary test, and says `new ThreadPoolExecutor`: its own options,
 * `worker_threads` and their events, an environment or a folder that is the whole process's, memory and
 * threads counted by the process, threads that are given up.
 */
import type { ExecutionContext, TestFn } from 'ava'
import { BrokenProcessPool, BrokenThreadPool, ProcessPoolExecutor, ThreadPoolExecutor } from 'concurrent-futures'
import type { BrokenExecutor, Executor, PoolExecutor, ProcessPoolOptions, WorkerDump } from 'concurrent-futures'
import { inChild } from './child.ts'
import type { ChildEnd, ChildOptions, Package } from './child.ts'

/** What the constructor of every pool takes. */
export type PoolOptions = Omit<ProcessPoolOptions, 'maxMemoryPerWorker' | 'permission'>

/** Makes an executor as its constructor does, errors of the options included. */
export type Create = (options?: number | PoolOptions) => PoolExecutor

/** What not every executor has. */
export type Capability =
  /** Workers of its own on this machine; what that brings stands above. */
  | 'pool'
  /** A SharedArrayBuffer in an argument, a result or `initargs` is the same memory on both sides. */
  | 'sharedMemory'
  /** What only a MessagePort can carry travels: ports, keys, Blobs, streams, file handles. */
  | 'ports'
  /**
   * The workers are threads of this process: `process` tells of them as `worker`, `resourceLimits` hold,
   * `terminate()` ends one.
   */
  | 'threads'

/** The names by which the package exports classes of executors. */
type ExecutorName = {
  [Name in keyof Package]: Package[Name] extends new (workers: number) => Executor ? Name : never
}[keyof Package]

export interface Maker {
  readonly name: ExecutorName
  /** As the titles of its tests have it. */
  readonly kind: 'thread' | 'process' | 'bullmq'
  readonly create: Create
  /** What `submit` throws, and pending futures fail with, once workers cannot start. */
  readonly broken: typeof BrokenExecutor
  /** The `kind` in `dump()` of a worker that runs JavaScript, and of one that runs a native task. */
  readonly workerKind: WorkerDump['kind']
  readonly nativeKind: WorkerDump['kind']
  /** Options by which a worker has a heap of 24 MB. */
  readonly smallHeap: object
  readonly has: readonly Capability[]
}

const makers: readonly Maker[] = [
  {
    name: 'ThreadPoolExecutor',
    kind: 'thread',
    create: (options) => new ThreadPoolExecutor(options),
    broken: BrokenThreadPool,
    workerKind: 'isolate',
    nativeKind: 'native',
    smallHeap: { resourceLimits: { maxOldGenerationSizeMb: 24 } },
    has: ['pool', 'sharedMemory', 'ports', 'threads'],
  },
  {
    name: 'ProcessPoolExecutor',
    kind: 'process',
    create: (options) => new ProcessPoolExecutor(options),
    broken: BrokenProcessPool,
    workerKind: 'process',
    nativeKind: 'process',
    smallHeap: { execArgv: ['--max-old-space-size=24'] },
    has: ['pool'],
  },
]

/** The package, and what makes the executor that the behaviour is a promise of. */
export type ChildPackage = Package & Pick<Maker, 'create' | 'broken'>

/** A maker as a test sees it. */
export interface Pool extends Maker {
  /** An executor for all tests of the file that ask for one of so many workers. */
  shared(workers: number): PoolExecutor
  /** As `inChild` of child.ts. */
  inChild<A extends unknown[], T>(
    body: (api: ChildPackage, ...args: A) => T | Promise<T>,
    args: A,
    options?: ChildOptions,
  ): Promise<ChildEnd<T>>
}

function poolOf(maker: Maker, after: TestFn['after']): Pool {
  const kept = new Map<number, PoolExecutor>()
  after.always(`the executors of the file are shut down: ${maker.kind}`, async () => {
    await Promise.all([...kept.values()].map((executor) => executor.shutdown()))
  })
  return {
    ...maker,
    shared(workers) {
      const executor = kept.get(workers) ?? maker.create(workers)
      kept.set(workers, executor)
      return executor
    },
    inChild: (body, args, options) => inChild(body, args, options, { name: maker.name, broken: maker.broken.name }),
  }
}

export type Behaviour = (title: string, body: (t: ExecutionContext, pool: Pool) => void | Promise<void>) => void

/** AVA's `test`, or its `test.serial`. */
type Register = Pick<TestFn, 'after'> & ((title: string, body: (t: ExecutionContext) => void | Promise<void>) => void)

/** Registers each behaviour with `test`, once for each executor that has what it needs. */
export function behaviours(test: Register, needs: readonly Capability[] = ['pool']): Behaviour {
  const kinds = process.env['EXECUTORS']?.split(',')
  const pools = makers
    .filter(({ kind }) => kinds?.includes(kind) ?? true)
    .filter(({ has }) => needs.every((need) => has.includes(need)))
    .map((maker) => poolOf(maker, test.after))
  return (title, body) => {
    for (const pool of pools) test(`${title} [${pool.kind}]`, (t) => body(t, pool))
  }
}
