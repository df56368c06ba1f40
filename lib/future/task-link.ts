/**
 * What a future asks of the pool that runs its task; every call is made on the thread that submitted it. The
 * future itself (`F`) is passed along for the link to give to `storeOutcome` and the others of future.ts;
 * this interface knows nothing of it.
 */
export interface TaskLink<F = any> {
  /** What the pool is, for whoever has made the link. */
  readonly kind?: unknown
  /** The live native state. */
  state(slot: number): number
  /**
   * If the native task has settled: deliver outstanding progress, store the outcome by `storeOutcome`, return
   * true. Runs no done callbacks.
   */
  collect(slot: number, future: F): boolean
  /**
   * Cancels natively; when that turned the task to cancelled, stores it by
   * `storeOutcome(future, CANCEL, reason)`.
   */
  cancel(slot: number, future: F, interrupt: boolean, reason: unknown): boolean
  /** Fails the native task, if it runs, with a TimeoutError, and stops it. */
  expire(slot: number): void
  /**
   * Parks this OS thread until the task has settled or about `left` milliseconds have passed, Infinity for no
   * limit; returns every few milliseconds; throws InvalidStateError when waiting can never end.
   */
  park(slot: number, left: number): void
  /** The future has its outcome and no listeners: there is nothing to deliver. */
  release(slot: number): void
}
