/**
 * The seam to the native addon: what its functions take and give, and the memory that both sides share. The
 * numbers that both know are in seam.ts, which the build has written from the addon.
 */
import { connect, seam } from '../../index.js'
import type { Children, Joined } from './children.ts'
import { requireSameSeam } from './drift.ts'
import {
  HEADER_BATCH_ROWS,
  HEADER_FRACTIONS,
  HEADER_FRACTIONS_AT,
  HEADER_KINDS_AT,
  HEADER_NUMBERS_AT,
  HEADER_SCRATCH,
  HEADER_SCRATCH_AT,
  HEADER_SLOTS_AT,
  HEADER_STRUCTURE,
  HEADER_STRUCTURE_AT,
  SEAM,
} from './seam.ts'
import type {
  CallName,
  START_DIED,
  START_FATAL,
  START_LATE,
  START_REFUSED,
  START_UNINITIALIZED,
} from './seam.ts'

/** How the start of a worker has failed. */
export type StartFailure =
  | typeof START_REFUSED
  | typeof START_DIED
  | typeof START_FATAL
  | typeof START_LATE
  | typeof START_UNINITIALIZED

/**
 * Calls the task that `scratch` says: its function, token and form, and how many values it has. One value is
 * given as it is, several in a list. With DISPATCH_NAMED in the form, the values are in a list after the name
 * that the task was given.
 */
type Dispatch = (values: unknown) => unknown

/**
 * The functions of the addon. Slots, indices, tokens and numbers are plain numbers; times are milliseconds.
 */
export interface Binding {
  readonly header: ArrayBuffer
  /** Whether buffers can be moved and shared here; otherwise a transfer is a copy. */
  readonly canMove: boolean
  /** Whether `write` is there. */
  readonly canWrite: boolean
  /** Whether running JavaScript can be interrupted here. */
  readonly canInterrupt: boolean
  /** Whether child processes can be started here. */
  readonly canStartChildren: boolean
  /** Pool, function, flags and form are in `scratch`: to read them there is cheaper than as arguments. */
  submit(...values: unknown[]): number
  /**
   * Has V8's serializer write the value: the number that the next call with a value of the form WRITTEN
   * takes; 0 if it throws.
   */
  write(value: unknown): number
  /**
   * Keeps the plain value that was written into the header (values/plain/codes.ts) for the next call with a
   * value of the form PLAIN, and gives its number. After the fractions, as such, come the ends of all pieces
   * but the last: so many of the texts, and of those in lists.
   */
  keepKey(text: string): void
  keepPlain(
    structure: number,
    fractions: number,
    texts: string,
    ends: number,
    lists: string,
    listEnds: number,
  ): number
  /**
   * Whether an array, which must not be a proxy, has enumerable properties besides its elements; undefined
   * where that cannot be asked.
   */
  hasNames(array: unknown[]): boolean | undefined
  /** Whether an ArrayBuffer can move; the memory of WebAssembly cannot. */
  isDetachable(buffer: ArrayBuffer): boolean
  /** A copy of what `write` has written; of a plain value, the parts. */
  readBack(number: number): unknown
  /**
   * The arguments of a task of the form PORT were sent, or kept by the pool's owner (ports/owner.ts): it may
   * be claimed.
   */
  payloadReady(pool: number, slot: number): void
  /** Instead: as if it had not been submitted. */
  withdraw(pool: number, slot: number): void
  /**
   * The number of the arguments that are to be sent to a worker now, with the worker's above; -1 for none.
   * `delivered` must follow.
   */
  assign(pool: number): number
  delivered(pool: number): void
  /**
   * The cause of a broken pool, its form in `scratch[0]`. In `scratch[1]` why a task would be refused, as
   * `submit` answers, or 0.
   */
  refusal(pool: number): unknown
  countCancelled(pool: number): void
  state(slot: number): number
  /** Writes row 0, kind -1 when the task has not settled; returns the row's value. */
  collect(slot: number): unknown
  progress(slot: number): unknown[] | undefined
  /** The reason is for a task that runs, if there is one. */
  cancel(pool: number, slot: number, interrupt: boolean, form?: number, reason?: unknown): boolean
  /** Ends a task, if it runs, as if its run time were over. */
  expire(pool: number, slot: number): void
  park(slot: number, left: number, token: number): void
  /** The slot's outcome was collected and is not to be delivered. */
  release(slot: number): void
  services(): number[]
  keepAlive(held: boolean): void
  /** With `children` the workers that run JavaScript are processes, which the addon starts and ends. */
  createPool(threadName: string, name: string, children?: Children): number
  /** The name of the executor of a pool. */
  poolName(pool: number): string
  /**
   * Kills all children of a pool. Those that hold no task may leave by themselves for so long, which blocks;
   * the pool is shut down then.
   */
  endChildren(pool: number, ms: number): void
  /**
   * In a child: what its parent has said of it, for which it waits. Throws where there is no parent that has
   * started this process.
   */
  joinParent(): Joined
  /** Whether plug-ins may be loaded: not in a child of a pool with `permission`. */
  mayLoadNative(): boolean
  /** No pool of this process has children from now on; that cannot be taken back. */
  forbidChildren(): void
  openPool(number: number): number
  /** The index may be another pool's next (pool-index.ts). */
  releasePool(pool: number): void
  maxWorkers(pool: number): number
  /** 0; or the pool's `minWorkers`, if they are more, and nothing changes. */
  resize(pool: number, maxWorkers: number): number
  /**
   * The slot of a future that settles when so many workers are ready for tasks; or why there is none, as
   * `submit` answers.
   */
  warmUp(pool: number, workers: number): number
  /** How many workers would run a broadcast now. */
  audience(pool: number): number
  /** The arguments for one worker more, of the form that is in `scratch`. */
  addCopy(...values: unknown[]): void
  /** So many copies that were added last are not needed. */
  dropCopies(count: number): void
  /**
   * A task for each of so many workers, with the copies that were added last; function, flags and time limit
   * are in `scratch`. The slots of their futures, and after them the ids of the tasks; or why there are none,
   * as `submit` answers.
   */
  broadcast(pool: number, count: number, names?: string[]): number[] | number
  shutdown(pool: number, cancelPending: boolean, limit: number): boolean
  terminate(pool: number): void
  isClosed(pool: number): boolean
  wantRoom(pool: number): boolean
  /** Whether chunks of a map may come back in part; said once for each map, and taken back. */
  expectRests(pool: number, areExpected: boolean): void
  startFailed(pool: number, failure: StartFailure, form: number, cause: unknown, start: number): void
  resumeStarts(pool: number): void
  /** Without a pool: what is the process's, and of a pool in which nothing has run. */
  stats(pool?: number): number[]
  dump(pool: number): unknown[][]
  /** A debugger holds this thread at a breakpoint, or lets it go on. */
  holdClocks(held: boolean): void
  noteInspector(): void
  /** Whether an inspector was noted, by whichever thread. */
  isInspected(): boolean
  exitAfter(code: number, ms: number): boolean
  mustForceExit(): boolean
  /** The number of a function, of which this isolate is one more of the users, until `releaseFunction`. */
  functionNumber(text: string, name: string): number
  releaseFunction(fn: number): void
  /** Of a function without users: ''. */
  functionText(fn: number): string
  functionName(fn: number): string
  /**
   * The number of a shape by its keys as JSON (values/plain/shapes.ts), for the whole process; 0 if there
   * are too many.
   */
  shapeNumber(keys: string): number
  shapeKeys(shape: number): string
  /**
   * Keeps what was packed, for all isolates, until `releaseShared`; what moves is detached. Gives its number,
   * which is negative if the value cannot leave this process.
   */
  share(form: number, data: unknown): number
  /** Keeps a value that this isolate keeps once more. */
  keepShared(number: number): void
  releaseShared(number: number): void
  /** How many bytes were written for a value that this isolate keeps. */
  sharedBytes(number: number): number
  /** By this function this isolate makes shared values. */
  unpackBy(unpack: (form: number, data: unknown) => unknown): void
  /** A value that somebody in this process keeps, as this isolate has made it. */
  openShared(number: number): unknown
  /** Throws an Error with a code (plugins.rs). */
  loadPlugin(path: string): [first: number, ...names: string[]]
  attach(
    poolNumber: number,
    workerNumber: number,
    dispatch: Dispatch,
    prepare: (fn: number) => void,
    leave: (now: boolean) => void,
    abort: (token: number) => void,
    recover: (token: number, unharmed: boolean) => void,
    packError: (error: unknown) => unknown,
    prepareNow: (fn: number) => number,
    serve: (() => void) | undefined,
    /** The stacks of tasks are cut at this function of this file. */
    caller: string,
    callerScript: string,
    /** As which of the pool's workers this one was asked for, or 0. */
    start: number,
    proceed: (token: number) => unknown,
    threadId: number,
  ): boolean
  /** For `serve`: the values of the next task; a negative function in `scratch`: return. */
  beginTask(): unknown
  /**
   * What that task has returned, its form in `scratch`; nothing is `undefined` as it is. A negative function
   * there: return.
   */
  endTask(result?: unknown): void
  settle(token: number, form: number, value: unknown): void
  prepared(fn: number, isAsync: boolean, isNew: boolean): void
  /** This worker has the function no longer: it is prepared before the next task of it. */
  forgetFunction(fn: number): void
  suspend(token: number): void
  /** This worker ends, and claims nothing more. Whether arguments are on their way to it. */
  quit(): boolean
  /** The numbers of arguments that are here for tasks which cannot be claimed now. `gaveBack` must follow. */
  giveBack(isEnding: boolean): number[] | undefined
  gaveBack(): void
  /** Asks the pool's owner to pass results on. */
  requestPassOn(): void
  workerNumber(): number
  resume(token: number): void
  loadRefused(form: number, cause: unknown): boolean
  recovered(ok: boolean): void
  /** This worker goes on only for the other tasks that it holds; false if there are none. */
  retire(): boolean
  raiseUncaught(): void
  leaveIfIdle(): boolean
  /** Collects all garbage of this worker, in some 20 ms, if it has nothing to do; whether that was so. */
  collectIfIdle(): boolean
  detach(): void
  taskId(token: number): number
  taskInfo(token: number): [id: number, name: string, fn: number, msLeft?: number] | undefined
  isCancelled(token: number): boolean
  /** Why the task is asked to stop, if that was said. */
  stopReason(token: number): [form: number, reason: unknown] | undefined
  reportProgress(token: number, form: number, value: unknown): void
  /** A value of a stream: for how many more there is room; -1 if the stream is to end. */
  yieldValue(token: number, form: number, value: unknown): number
  /** A stream without room stands still until `proceed` is called; false if it has to go on. */
  standStill(token: number): boolean
  /** Has `proceed` called for a stream. */
  requestStretch(token: number): void
  /** A stream may have made so many values by now, from its first on. */
  allow(slot: number, count: number): void
  /** The reader is about to cancel a stream: it may end by itself. */
  leaveStream(slot: number): void
  /** Whether a stream keeps the event loop of its reader alive; at first it does. */
  holdStream(slot: number, held: boolean): void
  /** A task of this worker begins to wait for the next value of a stream: the number of the wait. */
  beginReading(token: number, slot: number): number
  endReading(wait: number): void
  noteOrigin(number: number): void
  noteExit(code: number): void
  noteCause(form: number, value: unknown): void
  /** Whether a stray error of this task, or of one that is not known (0), has to end the worker. */
  mustDieOf(token: number): boolean
  /**
   * A stray error that has not: of the ended task of this name, or of none that is known. The worker retires.
   */
  noteStray(task: string | undefined, form: number, value: unknown): void
  /** What was noted so in a pool that this isolate owns, as a flat array of task, form and value. */
  takeStrays(pool: number): unknown[]
  /** What has happened to workers: a flat array of event, thread, exit code and task. */
  takeNews(pool: number): (number | undefined)[]
  traceStart(pool: number): number
  /** Ends a trace, and gives the next of its rows; none when all were given. */
  traceTake(pool: number, trace: number): unknown[][]
  traceDropped(pool: number, trace: number): number
  traceForget(pool: number, trace: number): void
}

/** What of the addon is no function. */
type Property = 'header' | 'canMove' | 'canWrite' | 'canInterrupt' | 'canStartChildren'
type Declared = Exclude<keyof Binding, Property>

/** Does not compile when a function is declared above that the addon lacks, or the other way round. */
const areAllDeclared: [Declared, CallName] extends [CallName, Declared] ? true : never = true
void areAllDeclared

// An addon of an older build has no such function.
requireSameSeam(SEAM, typeof seam === 'function' ? seam() : '')

let deliverBatch: (count: number, values: unknown[] | undefined) => void = () => {}

export const binding: Binding = connect((count, values) => deliverBatch(count, values)) as Binding

const { header } = binding
/** The columns of a batch of completions: for each row a number, the slot of its future, and its kind. */
export const numbers: Float64Array = new Float64Array(header, HEADER_NUMBERS_AT, HEADER_BATCH_ROWS)
export const slots: Int32Array = new Int32Array(header, HEADER_SLOTS_AT, HEADER_BATCH_ROWS)
export const kinds: Int32Array = new Int32Array(header, HEADER_KINDS_AT, HEADER_BATCH_ROWS)
/** Numbers that go with a call. */
export const scratch: Float64Array = new Float64Array(header, HEADER_SCRATCH_AT, HEADER_SCRATCH)
/** Where a value is taken apart (plain/codes.ts). */
export const fractionsOut: Float64Array = new Float64Array(header, HEADER_FRACTIONS_AT, HEADER_FRACTIONS)
export const structureOut: Uint8Array = new Uint8Array(header, HEADER_STRUCTURE_AT, HEADER_STRUCTURE)

/** Sets what is called with the completions of this isolate. */
export function onDeliver(deliver: (count: number, values: unknown[] | undefined) => void): void {
  deliverBatch = deliver
}
