/** What differs between pools of threads and pools of children, chosen once for each pool. */
import { BrokenProcessPool, BrokenThreadPool } from '../errors/errors.ts'
import type { BrokenExecutor } from '../errors/errors.ts'
import { TO_PROCESSES, TO_THREADS } from '../values/means.ts'
import type { Way } from '../values/means.ts'

export interface PoolKind {
  /** As `stats()` and the channels call it. */
  readonly name: 'thread' | 'process'
  /** The class of its error when it cannot run anything any more. */
  readonly Broken: new (message?: string, options?: ErrorOptions) => BrokenExecutor
  /** The way of what is sent to its workers. */
  readonly way: Way
  /** What a program can do whose file its own workers run anew. */
  readonly cure: string
}

const OWN_FILE = 'Put the tasks into a file of their own, which a bundler must leave beside the program'

export const THREADS: PoolKind = {
  name: 'thread',
  Broken: BrokenThreadPool,
  way: TO_THREADS,
  cure: `${OWN_FILE}, or start nothing unless isMainThread (node:worker_threads) is true`,
}

export const PROCESSES: PoolKind = {
  name: 'process',
  Broken: BrokenProcessPool,
  way: TO_PROCESSES,
  cure: OWN_FILE,
}
