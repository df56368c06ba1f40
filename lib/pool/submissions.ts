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
  AT_TIMEOUT,
  AT_VALUE_FORM,
  FLAG_CHUNKED,
  FLAG_LIMITED,
  FLAG_MOVES,
  FLAG_NAMED,
  FLAG_NATIVE,
  FORM_AS_IS,
  FORM_PORT,
  REFUSED_BROKEN,
  REFUSED_SHUT_DOWN,
} from '../addon/seam.ts'
import { cancelOnAbort } from '../future/cancel-on-abort.ts'
import { Future } from '../future/future.ts'
import { NO_OPTIONS } from '../options/task-options.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { makeEnvelope } from '../ports/envelope.ts'
import type { PortValues } from '../ports/owner.ts'
import { sendArguments } from '../ports/worker.ts'
import { submittable } from '../tasks/functions.ts'
import type { Submittable } from '../tasks/functions.ts'
import { refuseSubmission, suspicions } from '../tasks/recursion.ts'
import {
  allGoAsIs,
  areOf,
  checkNativeTransfer,
  columnsOf,
  emptyAll,
  inOnePiece,
  packArgs,
  prepareAll,
} from '../values/arguments.ts'
import { chunkArgumentError, placedArgumentError } from '../values/clone-error.ts'
import { movesWhole, packTransferred } from '../values/codec.ts'
import { PoolLink } from './completions.ts'
import { answerNow, refusalOf } from './refusal.ts'
import type { Room } from './room.ts'

export class Submissions {
  readonly #index: PoolIndex
  readonly #room: Room
  /** Undefined where another isolate owns the pool. */
  readonly #portValues: PortValues | undefined
  readonly #link: PoolLink

  constructor(index: PoolIndex, room: Room, portValues: PortValues | undefined) {
    this.#index = index
    this.#room = room
    this.#portValues = portValues
    this.#link = new PoolLink(index)
  }

  get #pool(): number {
    return this.#index.value
  }

  /** Submits a task; see `Executor.submit`. */
  submit(fn: unknown, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    return this.submitTask(submittable(fn), args, options)
  }

  /** As `submit`, for a function that has been looked up. */
  submitTask(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    if (suspicions > 0) refuseSubmission()
    if (task.prepare === undefined) return this.#send(task, args, options)
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
    if (suspicions > 0) refuseSubmission()
    if (chunk.prepare !== undefined) {
      const args = prepareAll(chunk.prepare, lists)
      return this.#sendNative(chunk, args, options, { calls: lists.length, limit })
    }
    const columns = columnsOf(lists)
    try {
      return this.#send(chunk, limit === undefined ? [columns] : [columns, limit], options)
    } catch (error) {
      throw chunkArgumentError(error)
    }
  }

  #send(task: Submittable, args: readonly unknown[], options: CheckedTaskOptions): Future<any> {
    const { signal, transfer } = options
    if (signal?.aborted === true) return this.#aborted(signal)
    const moves = transfer !== undefined && args.length === 1 && movesWhole(args[0], transfer)
    const isMoving = transfer !== undefined && transfer.length > 0
    if (moves || (!isMoving && allGoAsIs(args))) {
      scratch[AT_VALUE_FORM] = FORM_AS_IS
      return this.#submit(task, moves ? FLAG_MOVES : 0, args, options)
    }
    const { form, data } = isMoving ? packTransferred(args, transfer) : packArgs(args)
    if (form === FORM_PORT) return this.#sendByPort(task, args, data, options)
    scratch[AT_VALUE_FORM] = form
    return this.#submit(task, 0, [data], options)
  }

  /** Arguments of native tasks go each as it is. `chunk`: for how many calls these are, and their limit. */
  #sendNative(
    task: Submittable,
    args: readonly unknown[],
    options: CheckedTaskOptions,
    chunk?: { readonly calls: number; readonly limit: number | undefined },
  ): Future<any> {
    const { signal, transfer } = options
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
    emptied?: ArrayBuffer[],
  ): Future<any> {
    const { name, signal } = options
    const limits = options === NO_OPTIONS ? 0 : writeLimits(options)
    const future = this.#link.prepare(name)
    const slot = this.#call(task.number, flags | limits, values, name)
    if (slot < 0) throw refusalOf(this.#pool, slot)
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
  ): Future<any> {
    const future = this.#link.prepare(options.name)
    scratch[AT_VALUE_FORM] = FORM_PORT
    const slot = this.#call(task.number, writeLimits(options), [], options.name)
    if (slot < 0) throw refusalOf(this.#pool, slot)
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
    this.#link.register(future, slot, task)
    this.#room.noteSubmission()
    if (options.signal !== undefined) cancelOnAbort(future, options.signal)
    return future
  }

  #call(fn: number, flags: number, values: readonly unknown[], name: string | undefined): number {
    scratch[AT_POOL] = this.#pool
    scratch[AT_FUNCTION] = fn
    scratch[AT_FLAGS] = name === undefined ? flags : flags | FLAG_NAMED
    if (name !== undefined) return binding.submit(...values, name)
    return values.length === 1 ? binding.submit(values[0]) : binding.submit(...values)
  }

  #aborted(signal: AbortSignal): Future<any> {
    const answer = answerNow(this.#pool)
    if (answer === REFUSED_BROKEN || answer === REFUSED_SHUT_DOWN) throw refusalOf(this.#pool, answer)
    const future = new Future<any>()
    future.cancel({ reason: signal.reason })
    binding.countCancelled(this.#pool)
    return future
  }
}

function writeLimits(options: CheckedTaskOptions): number {
  if (options.timeout < 0 && options.queueTimeout < 0 && options.priority === 0) return 0
  scratch[AT_PRIORITY] = options.priority
  scratch[AT_TIMEOUT] = options.timeout
  scratch[AT_QUEUE_TIMEOUT] = options.queueTimeout
  return FLAG_LIMITED
}
