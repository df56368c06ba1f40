/** What the addon is told of the children of a pool, and they of themselves. */

/** How the children of a pool are started. */
export type Children = [
  program: string,
  args: string[],
  /** As NAME=value; undefined for that of this process. */
  env: string[] | undefined,
  /** The number of the initializer, or 0, and its packed arguments. */
  initializer: number,
  form: number,
  data: unknown,
  /** In bytes, or -1. */
  maxMemory: number,
  /** Whether they run under `permission`: what native code could do besides is closed in them. */
  isRestricted: boolean,
  /** Whether they may have children of their own. */
  mayStartChildren: boolean,
  /** Of the initializer's arguments: places, and after each the number of a shared value. */
  shared: readonly number[],
]

/** What a child is told of itself. */
export type Joined = [
  /** The parent's pool, for `openPool`. */
  pool: number,
  /** The pool from which this process gets its tasks, for `attach`. */
  localPool: number,
  worker: number,
  tasksPerWorker: number,
  /** The number of the initializer, or 0, and its packed arguments. */
  initializer: number,
  form: number,
  data: unknown,
  shared: number[],
]
