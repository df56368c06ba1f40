/** The states of a task, and the kinds of its outcome, as the native side numbers them too. */

export const PENDING = 0
export const RUNNING = 1
export const CANCELLED = 2
export const FINISHED = 3

/** Where a future stands: `cancelled` and `finished` are final. */
export type FutureState = 'pending' | 'running' | 'cancelled' | 'finished'

/** The names of the states, by number. */
export const STATE_NAMES: readonly FutureState[] = ['pending', 'running', 'cancelled', 'finished']

export const VALUE = 0
export const ERROR = 1
export const CANCEL = 2

/** How a task ended: with a result, with an error, or cancelled. */
export type OutcomeKind = typeof VALUE | typeof ERROR | typeof CANCEL

/** A task's outcome: the result, the error, or the reason of the cancel. */
export interface StoredOutcome {
  kind: OutcomeKind
  value: unknown
}
