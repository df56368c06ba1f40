/**
 * How `wait`, `asCompleted` and `map` reach into a future, also into one made by another copy of this
 * package.
 */

/** Where a future keeps its protocol. */
export const brand: unique symbol = Symbol.for('concurrent-futures.Future')

/** What `wait`, `asCompleted` and `map` ask of a future. */
export interface FutureProtocol {
  /**
   * 'value', 'error' or 'cancelled' when it is done, undefined otherwise; reads the live state, and runs no
   * code of the user.
   */
  outcome(future: unknown): 'value' | 'error' | 'cancelled' | undefined
  /** Calls `fn` when the future is delivered; not if it was delivered before. */
  add(future: unknown, fn: (future: any) => void): void
  /** Takes back one `add`. */
  remove(future: unknown, fn: (future: any) => void): void
}

/** The protocol of `value` if it is a future, of whichever copy of the package. */
export function protocolOf(value: unknown): FutureProtocol | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { [brand]?: FutureProtocol })[brand]
}
