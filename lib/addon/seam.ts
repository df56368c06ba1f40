/**
 * The numbers and the calls of the addon, written by the build (scripts/seam.mjs) and never edited: each
 * number is declared in the file of crates/binding that is named above it, and is explained there.
 */

// crates/binding/src/isolate/header.rs
export const HEADER_BATCH_ROWS = 512
export const HEADER_SCRATCH = 16
export const HEADER_FRACTIONS = 8192
export const HEADER_STRUCTURE = 65536
export const HEADER_NUMBERS_AT = 0
export const HEADER_SCRATCH_AT = 4096
export const HEADER_FRACTIONS_AT = 4224
export const HEADER_SLOTS_AT = 69760
export const HEADER_KINDS_AT = 71808
export const HEADER_STRUCTURE_AT = 73856
export const HEADER_BYTES = 139392

// crates/binding/src/isolate/header.rs
export const AT_FORM = 0
export const AT_PORT_VALUE = 0
export const AT_TASK_ID = 14
export const AT_PRIORITY = 1
export const AT_TIMEOUT = 2
export const AT_QUEUE_TIMEOUT = 3
export const AT_TOTAL_TIMEOUT = 13
export const AT_POOL = 4
export const AT_FUNCTION = 5
export const AT_FLAGS = 6
export const AT_VALUE_FORM = 7
export const AT_ARITY = 7
export const AT_CHUNK_LIMIT = 12
export const AT_STREAM_ID = 9
export const AT_BUFFER = 10
export const AT_REFUSAL = 1
export const AT_MAX_WORKERS = 0
export const AT_MIN_WORKERS = 1
export const AT_IDLE_TIMEOUT = 2
export const AT_MAX_QUEUE = 3
export const AT_TASKS_PER_WORKER = 4
export const AT_MAX_TASKS_PER_WORKER = 5
export const AT_INTERRUPT_GRACE = 6
export const AT_POOL_NUMBER = 0
export const AT_TASK_FUNCTION = 8
export const AT_TASK_TOKEN = 9
export const AT_TASK_FORM = 10
export const AT_TASK_VALUES = 11
export const AT_SERVICES = 15

// crates/binding/src/isolate/row.rs
export const ROW_UNSETTLED = -1
export const ROW_COLLECTED = 0
export const ROW_NUMBER = 1
export const ROW_VALUE = 2
export const ROW_ERROR = 3
export const ROW_PANICKED = 4
export const ROW_CANCELLED = 5
export const ROW_EXPIRED = 6
export const ROW_TIMED_OUT = 7
export const ROW_LOST = 8
export const ROW_BROKEN = 9
export const ROW_UNDEFINED = 10
export const ROW_PROGRESS = 11
export const ROW_POOL = 12
export const ROW_OUT_OF_TIME = 13
export const ROW_LET_GO = 14

// crates/binding/src/isolate/row.rs
export const ROW_KIND_MASK = 255
export const ROW_FORM_SHIFT = 8
export const ROW_FORM_MASK = 255
export const ROW_HAS_CAUSE = 65536
export const ROW_IS_NATIVE = 131072
export const ROW_HAS_EXIT_CODE = 262144
export const ROW_HAS_WORKER = 524288
export const ROW_HAS_NOT_BEGUN = 1048576
export const ROW_HAS_SIGNAL = 2097152

// crates/binding/src/isolate/row.rs
export const ROW_FUNCTION_UNIT = 4294967296

// crates/binding/src/tasks/pool_event.rs
export const EVENT_START_WORKER = 0
export const EVENT_ROOM = 1
export const EVENT_CLOSED = 2
export const EVENT_END_WORKER = 3
export const EVENT_HAND_OVER = 4
export const EVENT_LOST_ARGUMENTS = 5
export const EVENT_LOST_RESULT = 6
export const EVENT_PASS_ON = 7
export const EVENT_STRAYS = 8
export const EVENT_END_STARTS = 9
export const EVENT_RESUME_STARTS = 10
export const EVENT_END_WORKERS = 11
export const EVENT_NEWS = 12

// crates/binding/src/isolate/run.rs
export const DISPATCH_NAMED = 256

// crates/binding/src/calls/submit.rs
export const FLAG_NATIVE = 1
export const FLAG_LIMITED = 2
export const FLAG_NAMED = 4
export const FLAG_MOVES = 8
export const FLAG_CHUNKED = 16
export const FLAG_STREAM = 32
export const FLAG_KEYED = 64
export const FLAG_REST = 128

// crates/binding/src/calls/submit.rs
export const REFUSED_FULL = -1
export const REFUSED_SHUT_DOWN = -2
export const REFUSED_BROKEN = -3
export const REFUSED_NO_CLOCK = -4

// crates/binding/src/calls/future.rs
export const STATE_PENDING = 0
export const STATE_RUNNING = 1
export const STATE_CANCELLED = 2
export const STATE_FINISHED = 3

// crates/binding/src/values/value.rs
export const FORM_BITS = 7
export const FORM_AS_IS = 0
export const FORM_JSON = 1
export const FORM_CLONED = 2
export const FORM_PORT = 3
export const FORM_MOVED = 4
export const FORM_WRITTEN = 5
export const FORM_READ = 6
export const FORM_WHOLE = 7
export const FORM_COMPACT = 9
export const FORM_PLAIN = 13
export const FORM_CHUNK = 16
export const FORM_DESCRIPTION = 32
export const FORM_ERROR = 33
export const FORM_NATIVE_CHUNK = 48
export const FORM_NUMBERS = 1
export const FORM_WITH_SHARED = 128
export const FORM_THREW = 64
export const FORM_YIELDED = 16
export const FORM_YIELDED_NUMBERS = 48
export const FORM_PENDING = 255

// crates/binding/src/tasks/port_value.rs
export const PORT_VALUE_WORKER_UNIT = 4294967296

// crates/binding/src/worker/loaded_functions.rs
export const LOADED_NO = 0
export const LOADED_SYNC = 1
export const LOADED_ASYNC = 2

// crates/binding/src/calls/pool.rs
export const START_REFUSED = 0
export const START_DIED = 1
export const START_FATAL = 2
export const START_LATE = 3
export const START_UNINITIALIZED = 4

// crates/binding/src/tasks/counts.rs
export const STATS_IDLE = 0
export const STATS_BUSY = 1
export const STATS_STARTING = 2
export const STATS_ABANDONED = 3
export const STATS_QUEUED = 4
export const STATS_RUNNING = 5
export const STATS_COMPLETED = 6
export const STATS_FAILED = 7
export const STATS_CANCELLED = 8
export const STATS_TIMED_OUT = 9
export const STATS_LOST = 10
export const STATS_DIED = 11
export const STATS_BROKEN = 12
export const STATS_SHARED_VALUES = 13
export const STATS_SHARED_BYTES = 14
export const STATS_WAIT_TIME = 15
export const STATS_RUN_TIME = 63
export const STATS_LENGTH = 111

// crates/binding/src/tasks/news.rs
export const WORKER_EVENT_START = 0
export const WORKER_EVENT_EXIT = 1
export const WORKER_EVENT_INTERRUPT = 2
export const WORKER_EVENT_ABANDON = 3

// crates/binding/src/tasks/recorder.rs
export const TRACE_ENDED = 0
export const TRACE_RUNNING = 1
export const TRACE_CANCELLED = 2
export const TRACE_INTERRUPTED = 3

// crates/binding/src/tasks/recorder.rs
export const TRACE_ROW = 0
export const TRACE_ID = 1
export const TRACE_LABEL = 2
export const TRACE_NAME = 3
export const TRACE_KIND = 4
export const TRACE_THREAD = 5
export const TRACE_WORKER = 6
export const TRACE_SUBMITTED = 7
export const TRACE_BEGAN = 8
export const TRACE_END = 9
export const TRACE_CELL_COUNT = 10

// crates/binding/src/tasks/counts.rs
export const SUMMARY_COUNT = 0
export const SUMMARY_MIN = 1
export const SUMMARY_MEAN = 2
export const SUMMARY_P50 = 3
export const SUMMARY_P90 = 4
export const SUMMARY_P99 = 5
export const SUMMARY_MAX = 6
export const SUMMARY_SUM = 7
export const SUMMARY_BUCKETS = 20
export const SUMMARY_FIRST_BUCKET = 8

// crates/binding/src/calls/snapshot.rs
export const DUMP_WORKER = 0
export const DUMP_KIND = 1
export const DUMP_STATE = 2
export const DUMP_TASK = 3
export const DUMP_TASK_NAME = 4
export const DUMP_RUNNING_FOR = 5
export const DUMP_STACK = 6
export const DUMP_FUNCTION = 7
export const DUMP_IS_ASLEEP = 8
export const DUMP_MEMORY = 9
export const DUMP_FUNCTION_NAME = 10

// crates/binding/src/calls/snapshot.rs
export const WORKER_STARTING = 0
export const WORKER_IDLE = 1
export const WORKER_BUSY = 2
export const WORKER_ABANDONED = 3

// crates/binding/src/calls/snapshot.rs
export const KIND_NATIVE = 0
export const KIND_ISOLATE = 1
export const KIND_PROCESS = 2

// crates/binding/src/native/kernels.rs
export const KERNEL_COUNT_PRIMES = 1
export const KERNEL_SHA256 = 2
export const KERNEL_BLAKE3 = 3
export const KERNEL_XXH3 = 4
export const KERNEL_CRC32 = 5
export const KERNEL_GZIP = 6
export const KERNEL_GUNZIP = 7
export const KERNEL_ZSTD = 8
export const KERNEL_UNZSTD = 9
export const KERNEL_SORT = 10
export const KERNEL_SELECT = 11
export const KERNEL_STATISTICS = 12
export const KERNEL_MATMUL = 13
export const KERNEL_ARGON2ID = 14
export const KERNEL_ARGON2_VERIFY = 15

// crates/binding/src/native/kernels.rs
export const LEVEL_GZIP_MIN = 0
export const LEVEL_GZIP_MAX = 9
export const LEVEL_GZIP_DEFAULT = 6
export const LEVEL_ZSTD_MIN = -100
export const LEVEL_ZSTD_MAX = 22
export const LEVEL_ZSTD_DEFAULT = 3

/** The functions of the addon. */
export type CallName =
  | 'submit'
  | 'payloadReady'
  | 'withdraw'
  | 'refusal'
  | 'countCancelled'
  | 'state'
  | 'collect'
  | 'progress'
  | 'cancel'
  | 'expire'
  | 'park'
  | 'release'
  | 'write'
  | 'keepKey'
  | 'keepPlain'
  | 'hasNames'
  | 'isDetachable'
  | 'readBack'
  | 'services'
  | 'keepAlive'
  | 'assign'
  | 'delivered'
  | 'createPool'
  | 'openPool'
  | 'releasePool'
  | 'maxWorkers'
  | 'resize'
  | 'warmUp'
  | 'audience'
  | 'addCopy'
  | 'dropCopies'
  | 'broadcast'
  | 'shutdown'
  | 'terminate'
  | 'isClosed'
  | 'wantRoom'
  | 'expectRests'
  | 'startFailed'
  | 'endChildren'
  | 'joinParent'
  | 'mayLoadNative'
  | 'forbidChildren'
  | 'resumeStarts'
  | 'stats'
  | 'dump'
  | 'holdClocks'
  | 'noteInspector'
  | 'isInspected'
  | 'exitAfter'
  | 'mustForceExit'
  | 'functionNumber'
  | 'functionText'
  | 'functionName'
  | 'releaseFunction'
  | 'shapeNumber'
  | 'shapeKeys'
  | 'share'
  | 'keepShared'
  | 'releaseShared'
  | 'sharedBytes'
  | 'unpackBy'
  | 'openShared'
  | 'loadPlugin'
  | 'attach'
  | 'beginTask'
  | 'endTask'
  | 'settle'
  | 'prepared'
  | 'loadRefused'
  | 'forgetFunction'
  | 'recovered'
  | 'retire'
  | 'raiseUncaught'
  | 'leaveIfIdle'
  | 'collectIfIdle'
  | 'detach'
  | 'suspend'
  | 'requestPassOn'
  | 'workerNumber'
  | 'quit'
  | 'giveBack'
  | 'gaveBack'
  | 'resume'
  | 'taskId'
  | 'taskInfo'
  | 'stopReason'
  | 'isCancelled'
  | 'yieldValue'
  | 'standStill'
  | 'requestStretch'
  | 'allow'
  | 'leaveStream'
  | 'holdStream'
  | 'beginReading'
  | 'endReading'
  | 'reportProgress'
  | 'noteOrigin'
  | 'noteExit'
  | 'mustDieOf'
  | 'noteStray'
  | 'takeNews'
  | 'traceStart'
  | 'traceTake'
  | 'traceDropped'
  | 'traceForget'
  | 'poolName'
  | 'takeStrays'
  | 'noteCause'

/** All of this as the addon that it was written for says it. */
export const SEAM: string = `HEADER_BATCH_ROWS = 512
HEADER_SCRATCH = 16
HEADER_FRACTIONS = 8192
HEADER_STRUCTURE = 65536
HEADER_NUMBERS_AT = 0
HEADER_SCRATCH_AT = 4096
HEADER_FRACTIONS_AT = 4224
HEADER_SLOTS_AT = 69760
HEADER_KINDS_AT = 71808
HEADER_STRUCTURE_AT = 73856
HEADER_BYTES = 139392
AT_FORM = 0
AT_PORT_VALUE = 0
AT_TASK_ID = 14
AT_PRIORITY = 1
AT_TIMEOUT = 2
AT_QUEUE_TIMEOUT = 3
AT_TOTAL_TIMEOUT = 13
AT_POOL = 4
AT_FUNCTION = 5
AT_FLAGS = 6
AT_VALUE_FORM = 7
AT_ARITY = 7
AT_CHUNK_LIMIT = 12
AT_STREAM_ID = 9
AT_BUFFER = 10
AT_REFUSAL = 1
AT_MAX_WORKERS = 0
AT_MIN_WORKERS = 1
AT_IDLE_TIMEOUT = 2
AT_MAX_QUEUE = 3
AT_TASKS_PER_WORKER = 4
AT_MAX_TASKS_PER_WORKER = 5
AT_INTERRUPT_GRACE = 6
AT_POOL_NUMBER = 0
AT_TASK_FUNCTION = 8
AT_TASK_TOKEN = 9
AT_TASK_FORM = 10
AT_TASK_VALUES = 11
AT_SERVICES = 15
ROW_UNSETTLED = -1
ROW_COLLECTED = 0
ROW_NUMBER = 1
ROW_VALUE = 2
ROW_ERROR = 3
ROW_PANICKED = 4
ROW_CANCELLED = 5
ROW_EXPIRED = 6
ROW_TIMED_OUT = 7
ROW_LOST = 8
ROW_BROKEN = 9
ROW_UNDEFINED = 10
ROW_PROGRESS = 11
ROW_POOL = 12
ROW_OUT_OF_TIME = 13
ROW_LET_GO = 14
ROW_KIND_MASK = 255
ROW_FORM_SHIFT = 8
ROW_FORM_MASK = 255
ROW_HAS_CAUSE = 65536
ROW_IS_NATIVE = 131072
ROW_HAS_EXIT_CODE = 262144
ROW_HAS_WORKER = 524288
ROW_HAS_NOT_BEGUN = 1048576
ROW_HAS_SIGNAL = 2097152
ROW_FUNCTION_UNIT = 4294967296
EVENT_START_WORKER = 0
EVENT_ROOM = 1
EVENT_CLOSED = 2
EVENT_END_WORKER = 3
EVENT_HAND_OVER = 4
EVENT_LOST_ARGUMENTS = 5
EVENT_LOST_RESULT = 6
EVENT_PASS_ON = 7
EVENT_STRAYS = 8
EVENT_END_STARTS = 9
EVENT_RESUME_STARTS = 10
EVENT_END_WORKERS = 11
EVENT_NEWS = 12
DISPATCH_NAMED = 256
FLAG_NATIVE = 1
FLAG_LIMITED = 2
FLAG_NAMED = 4
FLAG_MOVES = 8
FLAG_CHUNKED = 16
FLAG_STREAM = 32
FLAG_KEYED = 64
FLAG_REST = 128
REFUSED_FULL = -1
REFUSED_SHUT_DOWN = -2
REFUSED_BROKEN = -3
REFUSED_NO_CLOCK = -4
STATE_PENDING = 0
STATE_RUNNING = 1
STATE_CANCELLED = 2
STATE_FINISHED = 3
FORM_BITS = 7
FORM_AS_IS = 0
FORM_JSON = 1
FORM_CLONED = 2
FORM_PORT = 3
FORM_MOVED = 4
FORM_WRITTEN = 5
FORM_READ = 6
FORM_WHOLE = 7
FORM_COMPACT = 9
FORM_PLAIN = 13
FORM_CHUNK = 16
FORM_DESCRIPTION = 32
FORM_ERROR = 33
FORM_NATIVE_CHUNK = 48
FORM_NUMBERS = 1
FORM_WITH_SHARED = 128
FORM_THREW = 64
FORM_YIELDED = 16
FORM_YIELDED_NUMBERS = 48
FORM_PENDING = 255
PORT_VALUE_WORKER_UNIT = 4294967296
LOADED_NO = 0
LOADED_SYNC = 1
LOADED_ASYNC = 2
START_REFUSED = 0
START_DIED = 1
START_FATAL = 2
START_LATE = 3
START_UNINITIALIZED = 4
STATS_IDLE = 0
STATS_BUSY = 1
STATS_STARTING = 2
STATS_ABANDONED = 3
STATS_QUEUED = 4
STATS_RUNNING = 5
STATS_COMPLETED = 6
STATS_FAILED = 7
STATS_CANCELLED = 8
STATS_TIMED_OUT = 9
STATS_LOST = 10
STATS_DIED = 11
STATS_BROKEN = 12
STATS_SHARED_VALUES = 13
STATS_SHARED_BYTES = 14
STATS_WAIT_TIME = 15
STATS_RUN_TIME = 63
STATS_LENGTH = 111
WORKER_EVENT_START = 0
WORKER_EVENT_EXIT = 1
WORKER_EVENT_INTERRUPT = 2
WORKER_EVENT_ABANDON = 3
TRACE_ENDED = 0
TRACE_RUNNING = 1
TRACE_CANCELLED = 2
TRACE_INTERRUPTED = 3
TRACE_ROW = 0
TRACE_ID = 1
TRACE_LABEL = 2
TRACE_NAME = 3
TRACE_KIND = 4
TRACE_THREAD = 5
TRACE_WORKER = 6
TRACE_SUBMITTED = 7
TRACE_BEGAN = 8
TRACE_END = 9
TRACE_CELL_COUNT = 10
SUMMARY_COUNT = 0
SUMMARY_MIN = 1
SUMMARY_MEAN = 2
SUMMARY_P50 = 3
SUMMARY_P90 = 4
SUMMARY_P99 = 5
SUMMARY_MAX = 6
SUMMARY_SUM = 7
SUMMARY_BUCKETS = 20
SUMMARY_FIRST_BUCKET = 8
DUMP_WORKER = 0
DUMP_KIND = 1
DUMP_STATE = 2
DUMP_TASK = 3
DUMP_TASK_NAME = 4
DUMP_RUNNING_FOR = 5
DUMP_STACK = 6
DUMP_FUNCTION = 7
DUMP_IS_ASLEEP = 8
DUMP_MEMORY = 9
DUMP_FUNCTION_NAME = 10
WORKER_STARTING = 0
WORKER_IDLE = 1
WORKER_BUSY = 2
WORKER_ABANDONED = 3
KIND_NATIVE = 0
KIND_ISOLATE = 1
KIND_PROCESS = 2
KERNEL_COUNT_PRIMES = 1
KERNEL_SHA256 = 2
KERNEL_BLAKE3 = 3
KERNEL_XXH3 = 4
KERNEL_CRC32 = 5
KERNEL_GZIP = 6
KERNEL_GUNZIP = 7
KERNEL_ZSTD = 8
KERNEL_UNZSTD = 9
KERNEL_SORT = 10
KERNEL_SELECT = 11
KERNEL_STATISTICS = 12
KERNEL_MATMUL = 13
KERNEL_ARGON2ID = 14
KERNEL_ARGON2_VERIFY = 15
LEVEL_GZIP_MIN = 0
LEVEL_GZIP_MAX = 9
LEVEL_GZIP_DEFAULT = 6
LEVEL_ZSTD_MIN = -100
LEVEL_ZSTD_MAX = 22
LEVEL_ZSTD_DEFAULT = 3
call submit
call payloadReady
call withdraw
call refusal
call countCancelled
call state
call collect
call progress
call cancel
call expire
call park
call release
call write
call keepKey
call keepPlain
call hasNames
call isDetachable
call readBack
call services
call keepAlive
call assign
call delivered
call createPool
call openPool
call releasePool
call maxWorkers
call resize
call warmUp
call audience
call addCopy
call dropCopies
call broadcast
call shutdown
call terminate
call isClosed
call wantRoom
call expectRests
call startFailed
call endChildren
call joinParent
call mayLoadNative
call forbidChildren
call resumeStarts
call stats
call dump
call holdClocks
call noteInspector
call isInspected
call exitAfter
call mustForceExit
call functionNumber
call functionText
call functionName
call releaseFunction
call shapeNumber
call shapeKeys
call share
call keepShared
call releaseShared
call sharedBytes
call unpackBy
call openShared
call loadPlugin
call attach
call beginTask
call endTask
call settle
call prepared
call loadRefused
call forgetFunction
call recovered
call retire
call raiseUncaught
call leaveIfIdle
call collectIfIdle
call detach
call suspend
call requestPassOn
call workerNumber
call quit
call giveBack
call gaveBack
call resume
call taskId
call taskInfo
call stopReason
call isCancelled
call yieldValue
call standStill
call requestStretch
call allow
call leaveStream
call holdStream
call beginReading
call endReading
call reportProgress
call noteOrigin
call noteExit
call mustDieOf
call noteStray
call takeNews
call traceStart
call traceTake
call traceDropped
call traceForget
call poolName
call takeStrays
call noteCause`
