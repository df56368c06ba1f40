/**
 * The numbers that stand in crates/binding as well, in the files named; those of values are in
 * values/forms.ts, those of futures in future/states.ts, those of kernels in tasks/native.ts.
 */

/** Bits of the flags of `submit` (submit_calls.rs). */
export const NATIVE = 1
export const LIMITED = 2
export const NAMED = 4
export const MOVES = 8
export const CHUNKED = 16

/** Answers of `submit` that are no slot (submit_calls.rs). */
export const QUEUE_FULL = -1
export const SHUT_DOWN = -2
export const BROKEN = -3
export const NO_CLOCK = -4

/**
 * Where in `scratch` `refusal` leaves how a submission would be answered now, and the form of a broken pool's
 * cause (submit_calls.rs).
 */
export const REFUSAL = 1
export const CAUSE_FORM = 0

/** Where in `scratch` the limits of a LIMITED task are (submit_calls.rs). */
export const PRIORITY = 1
export const TIMEOUT = 2
export const QUEUE_TIMEOUT = 3

/** Where in `scratch` the numbers of a submission are (submit_calls.rs). */
export const POOL = 4
export const FUNCTION = 5
export const FLAGS = 6
export const FORM = 7
/** Of a CHUNKED task instead, whose values go as they are: how many of them each call takes. */
export const ARITY = 7

/** Where in `scratch` the number of a task's port value is, once the task is accepted (submit_calls.rs). */
export const PORT_VALUE = 0

/** Where in `scratch` the options of a new pool are, and then its number in the process (pool_calls.rs). */
export const POOL_OPTION = {
  maxWorkers: 0,
  minWorkers: 1,
  idleTimeout: 2,
  maxQueue: 3,
  tasksPerWorker: 4,
  maxTasksPerWorker: 5,
  interruptGrace: 6,
} as const
export const POOL_NUMBER = 0

/** How the start of a worker has failed (pool_calls.rs). */
export const START_FAILURE = { refused: 0, died: 1, fatal: 2 } as const
export type StartFailure = (typeof START_FAILURE)[keyof typeof START_FAILURE]

/** What `dump` says of a worker, by number (pool_calls.rs). */
export const WORKER_KINDS = ['native', 'isolate', 'process'] as const
export const WORKER_STATES = ['starting', 'idle', 'busy', 'abandoned'] as const

/** What happened to a pool (mailbox.rs). */
export const POOL_EVENT = {
  startWorker: 0,
  room: 1,
  closed: 2,
  endWorker: 3,
  handOver: 4,
  lostArguments: 5,
  lostResult: 6,
  passOn: 7,
} as const

type RowName =
  | 'collected'
  | 'number'
  | 'value'
  | 'error'
  | 'panicked'
  | 'cancelled'
  | 'expired'
  | 'timedOut'
  | 'lost'
  | 'broken'
  | 'undefined'
  | 'progress'
  | 'pool'

/**
 * What a row of a batch says (deliver.rs): in its lowest 8 bits. The form of its value is in bits 8 to 15.
 */
export const ROW: Record<RowName, number> = {
  collected: 0,
  number: 1,
  value: 2,
  error: 3,
  panicked: 4,
  cancelled: 5,
  expired: 6,
  timedOut: 7,
  lost: 8,
  broken: 9,
  undefined: 10,
  progress: 11,
  pool: 12,
}
/** Bits above: a cause came with it; its function is native; the exit code of its worker is known. */
export const HAS_CAUSE = 65_536
export const IS_NATIVE = 131_072
export const HAS_EXITED = 262_144

/**
 * In the number of a row of a failure, the number of the task's function times this is above the 32 bits of
 * an exit code (deliver.rs).
 */
export const FUNCTION_UNIT: number = 2 ** 32

/**
 * Exit codes from UNKNOWN_EXIT on, MOST_WORKER_NUMBERS of them, stand for the number of a worker whose exit
 * is not known yet (worker.rs).
 */
export const UNKNOWN_EXIT: number = -(2 ** 31)
export const MOST_WORKER_NUMBERS: number = 2 ** 24

/**
 * In the number of a port value, the number of the worker that has it times this is above its own
 * (parcel.rs).
 */
export const WORKER: number = 2 ** 32

/** Answers of `prepareNow` (readiness.rs). */
export const NOT_NOW = 0
export const LOADED = 1
export const LOADED_ASYNC = 2

/** The code of the addon's own invalid-state errors (js.rs). */
export const INVALID_STATE = 'ERR_FUTURE_INVALID_STATE'

/** The layout of the header (isolate.rs). */
export const BATCH = 512
export const SCRATCH = 16
export const FRACTIONS = 8_192
export const STRUCTURE = 65_536

/**
 * Where in `scratch` the addon says that `services()` should be called before this thread goes on
 * (isolate.rs).
 */
export const SERVICE_FLAG: number = SCRATCH - 1
