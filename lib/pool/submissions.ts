/**
 * The hot path of `submit`: arguments are packed, the addon takes the task, and its future enters the table
 * of those that wait for the addon.
 */
import { binding, scratch } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import {
  AT_ARITY,
  AT_CHUNK_LIMIT,
  AT_FLAGS,
  AT_FUNCTION,
  AT_POOL,
  AT_PORT_VALUE,
  AT_PRIORITY,
  AT_QUEUE_TIMEOUT,
  AT_TASK_ID,
  AT_TIMEOUT,
  AT_TOTAL_TIMEOUT,
  AT_VALUE_FORM,
  FLAG_CHUNKED,
  FLAG_KEYED,
  FLAG_LIMITED,
  FLAG_MOVES,
  FLAG_NAMED,
  FLAG_NATIVE,
  FLAG_REST,
  FORM_AS_IS,
  FORM_PORT,
  FORM_WITH_SHARED,
} from '../addon/seam.ts'
import { areTasksWatched } from '../diagnostics/channels.ts'
import type { TaskStream } from '../executor/task-stream.ts'
import { cancelOnAbort } from '../future/cancel-on-abort.ts'
import type { Future } from '../future/future.ts'
import { NO_OPTIONS } from '../options/task-options.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { makeEnvelope } from '../ports/envelope.ts'
import type { PortValues } from '../ports/owner.ts'
import { sendArguments } from '../ports/worker.ts'
import { streamable, submittable } from '../tasks/functions.ts'
import type { Submittable } from '../tasks/functions.ts'
import { refuseSubmission, suspicions } from '../tasks/recursion.ts'
import {
  allGoAsIs,
  areOf,
  checkNativeTransfer,
  columnsOf,
  inOnePiece,
  packArgs,
  packMovingArgs,
  prepareAll,
} from '../values/arguments.ts'
import { chunkArgumentError, placedArgumentError } from '../values/clone-error.ts'
import { movesWhole } from '../values/codec.ts'
import { hasShared } from '../values/shared.ts'
import { someShared, splitShared, splitSharedColumns } from '../values/shared-arguments.ts'
import { emptyAll } from '../values/v8/transfer.ts'
import { PoolLink } from './completions.ts'
import type { PoolKind } from './kind.ts'
import { cancelledBy, refusalOf, refuseIfOver } from './refusal.ts'
import type { Room } from './room.ts'
import { StreamReader } from './stream-reader.ts'
import { watch } from './watched.ts'
import type { Identity, Submit } from './watched.ts'

/** So many values of a stream are made ahead of its reader. */
const USUAL_BUFFER = 16

export class Submissions {
  readonly #index: PoolIndex
  readonly #kind: PoolKind
  readonly #executor: Identity
  readonly #room: Room
  /** Undefined where another isolate owns the pool. */
  readonly #portValues: PortValues | undefined
  readonly #link: PoolLink

  constructor(
    index: PoolIndex,
    kind: PoolKind,
    executor: Identity,
    room: Room,
    portValues: PortValues | undefined,
  ) {
    this.#index = index
    this.#kind = kind
    this.#executor = executor
    this.#room = room
    this.#portValues = portValues
    this.#link = new PoolLink(index, kind)
  }

  get #pool(): number {
    return this.#index.value
  }

  /** Submits a task; see `Executor.submit`. */
  submit(fn: unknown, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    if (areTasksWatched()) {
      const submit: Submit = (task, options) => this.#submitTask(task, args, options)
      return watch(this.#executor, () => submittable(fn), fn, options, submit)
    }
    return this.#submitTask(submittable(fn), args, options)
  }

  /** As `submit`, for a function that has been looked up. */
  submitTask(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    if (areTasksWatched()) {
      const submit: Submit = (task, options) => this.#submitTask(task, args, options)
      return watch(this.#executor, () => task, undefined, options, submit)
    }
    return this.#submitTask(task, args, options)
  }

  #submitTask(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    if (suspicions() > 0) refuseSubmission()
    if (task.prepare === undefined) return this.#send(task, args, options)
    refuseShared([args])
    return this.#sendNative(task, task.prepare(args), options)
  }

  /**
   * Submits a chunk of a map: one task that calls the function of `chunk` once for each list of arguments.
   * With a `limit`, in ms, it says how long that took, and begins no further call once it is over.
   */
  submitChunk(
    chunk: Submittable,
    lists: unknown[][],
    options: CheckedTaskOptions,
    limit: number | undefined,
  ): Future<any> {
    if (areTasksWatched()) {
      const submit: Submit = (chunk, options) => this.#submitChunk(chunk, lists, options, limit)
      return watch(this.#executor, () => chunk, undefined, options, submit, true)
    }
    return this.#submitChunk(chunk, lists, options, limit)
  }

  #submitChunk(
    chunk: Submittable,
    lists: unknown[][],
    options: CheckedTaskOptions,
    limit: number | undefined,
  ): Future<any> {
    if (suspicions() > 0) refuseSubmission()
    if (chunk.prepare !== undefined) {
      refuseShared(lists)
      const args = prepareAll(chunk.prepare, lists)
      return this.#sendNative(chunk, args, options, { calls: lists.length, limit })
    }
    const columns = columnsOf(lists)
    const split = splitSharedColumns(columns, this.#kind.way.all)
    const args = split === undefined ? columns : split.others
    try {
      return this.#send(chunk, limit === undefined ? [args] : [args, limit], options, split?.places)
    } catch (error) {
      throw chunkArgumentError(error)
    }
  }

  /** Submits a task that makes a stream; see `Executor.stream`. */
  submitStream(fn: unknown, args: readonly unknown[], options: CheckedTaskOptions): TaskStream<any, any> {
    const { bufferSize = USUAL_BUFFER } = options
    const reader = new StreamReader(bufferSize)
    const submit: Submit = (task, options) => {
      if (suspicions() > 0) refuseSubmission()
      return this.#send(task, args, options, undefined, reader)
    }
    const future = areTasksWatched()
      ? watch(this.#executor, () => streamable(fn), fn, options, submit)
      : submit(streamable(fn), options)
    return reader.attach(future)
  }

  /** With `places` there are shared values beside the arguments, which stand there. */
  #send(
    task: Submittable,
    args: readonly unknown[],
    options: CheckedTaskOptions,
    places?: readonly number[],
    reader?: StreamReader,
  ): Future<any> {
    const { signal, transfer } = options
    if (signal?.aborted === true) return this.#aborted(signal)
    const moves = transfer !== undefined && args.length === 1 && movesWhole(args[0], transfer)
    const isMoving = transfer !== undefined && transfer.length > 0
    if (moves || (!isMoving && allGoAsIs(args))) {
      scratch[AT_VALUE_FORM] = FORM_AS_IS
      return this.#submit(task, moves ? FLAG_MOVES : 0, args, options, undefined, reader)
    }
    const split = places === undefined ? splitShared(args, this.#kind.way.all) : undefined
    return this.#pack(task, split?.others ?? args, options, split?.places ?? places, reader)
  }

  /** Submits a task whose arguments are packed as one value. */
  #pack(
    task: Submittable,
    args: readonly unknown[],
    options: CheckedTaskOptions,
    places: readonly number[] | undefined,
    reader: StreamReader | undefined,
  ): Future<any> {
    const { transfer } = options
    const { all: means } = this.#kind.way
    const { form, data, emptied } =
      transfer !== undefined && transfer.length > 0
        ? packMovingArgs(args, transfer, means)
        : packArgs(args, means)
    if (form === FORM_PORT) return this.#sendByPort(task, args, data, options, places, reader)
    scratch[AT_VALUE_FORM] = places === undefined ? form : form | FORM_WITH_SHARED
    const values = places === undefined ? [data] : [data, places]
    return this.#submit(task, 0, values, options, emptied, reader)
  }

  /** Arguments of native tasks go each as it is. `chunk`: for how many calls these are, and their limit. */
  #sendNative(
    task: Submittable,
    args: readonly unknown[],
    options: CheckedTaskOptions,
    chunk?: { readonly calls: number; readonly limit: number | undefined },
  ): Future<any> {
    const { signal, transfer } = options
    refuseKey(options)
    if (signal?.aborted === true) return this.#aborted(signal)
    const emptied = transfer === undefined ? undefined : checkNativeTransfer(transfer)
    const flags = FLAG_NATIVE | (emptied !== undefined && areOf(args, emptied) ? FLAG_MOVES : 0)
    if (chunk === undefined) {
      scratch[AT_VALUE_FORM] = FORM_AS_IS
      return this.#submit(task, flags, args, options, emptied)
    }
    const values = [inOnePiece(args)]
    // After what may run code of the user's, which may submit as well.
    scratch[AT_ARITY] = args.length / chunk.calls
    scratch[AT_CHUNK_LIMIT] = chunk.limit ?? -1
    return this.#submit(task, flags | FLAG_CHUNKED, values, options, emptied)
  }

  /**
   * Submits a task whose form is in `scratch` already. The buffers that are `emptied` are detached once it is
   * accepted.
   */
  #submit(
    task: Submittable,
    flags: number,
    values: readonly unknown[],
    options: CheckedTaskOptions,
    emptied?: readonly ArrayBuffer[],
    reader?: StreamReader,
  ): Future<any> {
    const { label, signal } = options
    let limits = options === NO_OPTIONS ? 0 : writeLimits(options)
    if (reader !== undefined) limits |= reader.announce()
    const future = this.#link.prepare(label === undefined ? undefined : options.name)
    const slot = this.#call(task.number, flags | limits, values, label)
    if (slot < 0) throw refusalOf(this.#pool, this.#kind, slot)
    if (label !== undefined) noteId(options)
    reader?.register(slot, future)
    this.#link.register(future, slot, task)
    this.#room.noteSubmission()
    if (emptied !== undefined) emptyAll(emptied)
    if (signal !== undefined) cancelOnAbort(future, signal)
    return future
  }

  /**
   * Submits a task whose arguments only a MessagePort can carry. It is accepted first: a task that is refused
   * leaves them untouched.
   */
  #sendByPort(
    task: Submittable,
    args: readonly unknown[],
    value: unknown,
    options: CheckedTaskOptions,
    places: readonly number[] | undefined,
    reader: StreamReader | undefined,
  ): Future<any> {
    if (options.affinity !== undefined) {
      throw new TypeError('what only a MessagePort can carry cannot go to a task with an affinity')
    }
    const future = this.#link.prepare(options.name)
    scratch[AT_VALUE_FORM] = places === undefined ? FORM_PORT : FORM_PORT | FORM_WITH_SHARED
    const values = places === undefined ? [] : [places]
    const flags = writeLimits(options) | (reader?.announce() ?? 0)
    const slot = this.#call(task.number, flags, values, options.label)
    if (slot < 0) throw refusalOf(this.#pool, this.#kind, slot)
    noteId(options)
    const number = scratch[AT_PORT_VALUE] as number
    let isPacked = false
    try {
      const envelope = makeEnvelope(value, options.transfer)
      if (this.#portValues === undefined) sendArguments(number, envelope)
      else this.#portValues.keep(number, envelope)
      isPacked = true
    } catch (error) {
      throw placedArgumentError(args, error, options.transfer)
    } finally {
      if (!isPacked) binding.withdraw(this.#pool, slot)
    }
    binding.payloadReady(this.#pool, slot)
    reader?.register(slot, future)
    this.#link.register(future, slot, task)
    this.#room.noteSubmission()
    if (options.signal !== undefined) cancelOnAbort(future, options.signal)
    return future
  }

  #call(fn: number, flags: number, values: readonly unknown[], label: string | undefined): number {
    scratch[AT_POOL] = this.#pool
    scratch[AT_FUNCTION] = fn
    scratch[AT_FLAGS] = label === undefined ? flags : flags | FLAG_NAMED
    if (label !== undefined) return binding.submit(...values, label)
    return values.length === 1 ? binding.submit(values[0]) : binding.submit(...values)
  }

  #aborted(signal: AbortSignal): Future<any> {
    refuseIfOver(this.#pool, this.#kind)
    return cancelledBy(signal, this.#pool)
  }
}

/** Right after the submission. */
function noteId({ watched }: CheckedTaskOptions): void {
  if (watched !== undefined) watched.id = scratch[AT_TASK_ID] as number
}

function refuseShared(lists: readonly (readonly unknown[])[]): void {
  if (hasShared() && lists.some(someShared)) {
    throw new TypeError('a native task takes no shared value: it has no isolate in which that could be made')
  }
}

/** A native task has no worker that its key could live on. */
export function refuseKey(options: CheckedTaskOptions): void {
  if (options.affinity !== undefined) throw new TypeError('a native task cannot have an affinity')
}

/** Says what limits and which key the task has that is submitted next. */
function writeLimits(options: CheckedTaskOptions): number {
  const { timeout, queueTimeout, totalTimeout, affinity } = options
  if (affinity !== undefined) binding.keepKey(affinity)
  const flags = (affinity === undefined ? 0 : FLAG_KEYED) | (options.isRest === true ? FLAG_REST : 0)
  if (timeout < 0 && queueTimeout < 0 && totalTimeout < 0 && options.priority === 0) return flags
  scratch[AT_PRIORITY] = options.priority
  scratch[AT_TIMEOUT] = timeout
  scratch[AT_QUEUE_TIMEOUT] = queueTimeout
  scratch[AT_TOTAL_TIMEOUT] = totalTimeout
  return FLAG_LIMITED | flags
}
