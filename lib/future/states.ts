/** The states of a task by name, and the kinds of its outcome. */
import { STATE_CANCELLED, STATE_FINISHED, STATE_PENDING, STATE_RUNNING } from '../addon/seam.ts'

/** Where a future stands: `cancelled` and `finished` are final. */
export type FutureState = 'pending' | 'running' | 'cancelled' | 'finished'

/** The names of the states, by number. */
export const STATE_NAMES: Readonly<Record<number, FutureState>> = {
  [STATE_PENDING]: 'pending',
  [STATE_RUNNING]: 'running',
  [STATE_CANCELLED]: 'cancelled',
  [STATE_FINISHED]: 'finished',
}

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
