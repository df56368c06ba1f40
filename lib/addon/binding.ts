/**
 * The seam to the native addon: what its functions take and give, and the memory that both sides share. The
 * numbers that both know are in codes.ts.
 */
import { connect } from '../../index.js'
import { BATCH, FRACTIONS, SCRATCH, STRUCTURE } from './codes.ts'
import type { StartFailure } from './codes.ts'

type Dispatch = (fn: number, token: number, form: number, ...values: unknown[]) => unknown

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
  seal(pool: number, slot: number): void
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
  cancel(pool: number, slot: number, interrupt: boolean): boolean
  park(slot: number, left: number): void
  /** The slot's outcome was collected and is not to be delivered. */
  release(slot: number): void
  services(): number[]
  hold(held: boolean): void
  createPool(threadName: string): number
  openPool(number: number): number
  shutdown(pool: number, cancelPending: boolean): void
  terminate(pool: number): void
  isClosed(pool: number): boolean
  wantRoom(pool: number): boolean
  startFailed(pool: number, failure: StartFailure, form: number, cause: unknown): void
  stats(pool: number): number[]
  dump(pool: number): unknown[][]
  /** A debugger holds this thread at a breakpoint, or lets it go on. */
  holdClocks(held: boolean): void
  noteInspector(): void
  /** Whether an inspector was noted, by whichever thread. */
  isInspected(): boolean
  exitAfter(code: number, ms: number): boolean
  mustForceExit(): boolean
  functionNumber(text: string): number
  functionText(fn: number): string
  /**
   * The number of a template by its path (values/template/codes.ts), for the whole process; 0 if there are
   * too many.
   */
  templateNumber(path: string): number
  templatePath(template: number): string
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
    /** The stacks of tasks are cut at this function of this file. */
    caller: string,
    callerScript: string,
  ): boolean
  settle(token: number, form: number, value: unknown): void
  prepared(fn: number, isAsync: boolean): void
  suspend(): void
  /** The numbers of arguments that are here for tasks which cannot be claimed now. `gaveBack` must follow. */
  giveBack(): number[] | undefined
  gaveBack(): void
  /** Asks the pool's owner to pass results on. */
  nudge(): void
  workerNumber(): number
  resume(): void
  recovered(ok: boolean): void
  fatal(): void
  leaveIfIdle(): boolean
  detach(): void
  look(token: number): [id: number, name: string, fn: number, msLeft?: number] | undefined
  isCancelled(token: number): boolean
  reportProgress(token: number, form: number, value: unknown): void
  noteExit(code: number): void
  noteCause(form: number, value: unknown): void
}

let deliverBatch: (count: number, values: unknown[] | undefined) => void = () => {}

export const binding: Binding = connect((count, values) => deliverBatch(count, values)) as Binding
export const numbers: Float64Array = new Float64Array(binding.header, 0, BATCH)
export const scratch: Float64Array = new Float64Array(binding.header, BATCH * 8, SCRATCH)
/** Where a plain value is written (values/plain/codes.ts). */
export const fractionsOut: Float64Array = new Float64Array(binding.header, (BATCH + SCRATCH) * 8, FRACTIONS)
const integers = (BATCH + SCRATCH + FRACTIONS) * 8
export const slots: Int32Array = new Int32Array(binding.header, integers, BATCH)
export const kinds: Int32Array = new Int32Array(binding.header, integers + BATCH * 4, BATCH)
export const structureOut: Uint8Array = new Uint8Array(binding.header, integers + 2 * BATCH * 4, STRUCTURE)

/** Sets what is called with the completions of this isolate. */
export function onDeliver(deliver: (count: number, values: unknown[] | undefined) => void): void {
  deliverBatch = deliver
}
