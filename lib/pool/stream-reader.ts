/**
 * A stream as its reader has it: the values that have come and were not read, and what the worker is told of
 * that.
 *
 * The {@link StreamReader} is known to the table of futures for as long as its task lives. The user has a
 * {@link StreamView}, which nothing here holds unless it is being read: so it can be collected, and then the
 * stream is ended.
 */
import { binding, scratch } from '../addon/binding.ts'
import { AT_BUFFER, AT_STREAM_ID, FLAG_STREAM } from '../addon/seam.ts'
import { bindToThread, READ_IT } from '../errors/thread-bound.ts'
import { Fifo } from '../executor/fifo.ts'
import type { TaskStream } from '../executor/task-stream.ts'
import { defer } from '../future/deferred.ts'
import type { Deferred } from '../future/deferred.ts'
import { addOwnCallback, isDelivered, storedOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { VALUE } from '../future/states.ts'
import type { StoredOutcome } from '../future/states.ts'
import { beginWait } from '../future/wait-hook.ts'
import { nextTick } from '../host/timers.ts'
import { currentContext } from '../tasks/current-task.ts'
import { unpack } from '../values/codec.ts'

type Result = IteratorResult<any, any>

/** A `next()` that waits; it holds what it was called on. */
interface Waiting extends Deferred {
  readonly view: StreamView
}

/** The streams whose tasks live, by the numbers that the addon knows them by. */
const readers: Map<number, StreamReader> = new Map()
const byFuture: WeakMap<Future<any>, StreamReader> = new WeakMap()
let lastId = 0

/** The stream whose task a future is of. */
export function readerOf(future: Future<any>): StreamReader | undefined {
  return byFuture.get(future)
}

/** The task of the stream of this number has settled, and no worker holds it any more. */
export function letGo(id: number): void {
  readers.get(id)?.noteLetGo()
}

/** Ends the streams that were collected before their end. */
const collected: FinalizationRegistry<StreamReader> = new FinalizationRegistry((reader) => {
  void reader.leave()
})

export class StreamReader {
  readonly #id: number = nextId()
  readonly #bufferSize: number
  readonly #values: Fifo<Result | { readonly error: unknown }> = new Fifo()
  readonly #waiting: Fifo<Waiting> = new Fifo()
  #future: Future<any> | undefined
  /** The slot of the task, which is good until the outcome is stored. */
  #slot = -1
  /** How many values were read. */
  #read = 0
  #isToldSoon = false
  #isHeld = true
  #outcome: StoredOutcome | undefined
  /** Whether the reader has read the end, or has left. */
  #isOver = false
  /** Settles when no worker holds the task; undefined from then on. */
  #held: Deferred | undefined
  #endWait: (() => void) | undefined

  constructor(bufferSize: number) {
    this.#bufferSize = bufferSize
  }

  /** Writes what the addon has to know of the stream that is submitted next. Gives the flag that says so. */
  announce(): number {
    scratch[AT_STREAM_ID] = this.#id
    scratch[AT_BUFFER] = this.#bufferSize
    return FLAG_STREAM
  }

  /** The task was accepted. */
  register(slot: number, future: Future<any>): void {
    this.#slot = slot
    this.#held = defer()
    readers.set(this.#id, this)
    byFuture.set(future, this)
  }

  /** What the user gets. The future may have been cancelled without having been submitted. */
  attach(future: Future<any>): TaskStream<any, any> {
    this.#future = future
    if (isDelivered(future)) this.#noteEnd()
    else addOwnCallback(future, () => this.#noteEnd())
    const view = new StreamView(this, future)
    // Of one that has ended nothing is left to end. And its error may know the view: it was made by a call.
    if (this.#held !== undefined && this.#outcome === undefined) collected.register(view, this, this)
    return view
  }

  /** A value has come. */
  take(form: number, data: unknown): void {
    if (this.#isOver) return
    try {
      this.#values.push({ done: false, value: unpack(form, data) })
    } catch (error) {
      this.#values.push({ error })
    }
    this.#serve()
    this.#hold(this.#values.size < this.#bufferSize)
  }

  /** Many values have come that are numbers. */
  takeNumbers(numbers: Float64Array): void {
    if (this.#isOver) return
    for (const value of numbers) this.#values.push({ done: false, value })
    this.#serve()
    this.#hold(this.#values.size < this.#bufferSize)
  }

  #noteEnd(): void {
    this.#outcome = storedOutcome(this.#future as Future<any>)
    collected.unregister(this)
    this.#serve()
  }

  noteLetGo(): void {
    readers.delete(this.#id)
    this.#held?.resolve(undefined)
    this.#held = undefined
  }

  next(view: StreamView): Promise<Result> {
    if (this.#waiting.size === 0) {
      const answer = this.#take()
      if (answer !== undefined && 'error' in answer) return Promise.reject(answer.error)
      if (answer !== undefined) return Promise.resolve(answer)
    }
    const waiting: Waiting = { ...defer(), view }
    this.#waiting.push(waiting)
    this.#serve()
    if (this.#waiting.size > 0) this.#endWait ??= this.#beginWait()
    return waiting.promise as Promise<Result>
  }

  /** Of a task the addon has to know what it waits for, too: a circle of waits is refused. */
  #beginWait(): (() => void) | undefined {
    const end = beginWait()
    const context = currentContext()
    if (context === undefined || !this.#isLive()) return end
    const wait = binding.beginReading(context.token, this.#slot)
    return () => {
      binding.endReading(wait)
      end?.()
    }
  }

  /** Answers those that wait, first come first served, as far as possible. */
  #serve(): void {
    while (this.#waiting.size > 0) {
      const answer = this.#take()
      if (answer === undefined) return
      const waiting = this.#waiting.shift()
      if ('error' in answer) waiting?.reject(answer.error)
      else waiting?.resolve(answer)
    }
    this.#endWait?.()
    this.#endWait = undefined
  }

  /** The next answer, if there is one. */
  #take(): Result | { readonly error: unknown } | undefined {
    const value = this.#values.shift()
    if (value !== undefined) {
      this.#noteRead()
      if ('error' in value) void this.leave()
      return value
    }
    if (this.#isOver) return { done: true, value: undefined }
    if (this.#outcome === undefined) return undefined
    this.#isOver = true
    const { kind, value: end } = this.#outcome
    return kind === VALUE ? { done: true, value: end } : { error: end }
  }

  /** There is room for one more. The worker is told once for all that are read in one go. */
  #noteRead(): void {
    this.#read++
    this.#hold(true)
    if (this.#isToldSoon || !this.#isLive()) return
    this.#isToldSoon = true
    nextTick(() => {
      this.#isToldSoon = false
      if (this.#isLive()) binding.allow(this.#slot, this.#bufferSize + this.#read)
    })
  }

  /** Whether the task may still make values. */
  #isLive(): boolean {
    return this.#slot >= 0 && this.#future !== undefined && storedOutcome(this.#future) === undefined
  }

  /** Whether the stream keeps the process alive: not while it stands still. */
  #hold(held: boolean): void {
    if (held === this.#isHeld || !this.#isLive()) return
    this.#isHeld = held
    binding.holdStream(this.#slot, held)
  }

  /** Ends the stream: what has come is dropped. Resolves when its worker has let it go. */
  async leave(): Promise<void> {
    const isFirst = !this.#isOver
    this.#isOver = true
    this.#values.clear()
    if (isFirst && this.#isLive()) {
      binding.leaveStream(this.#slot)
      this.#future?.cancel({ interrupt: true })
    }
    this.#serve()
    if (this.#held === undefined) return
    binding.keepAlive(true)
    try {
      await this.#held.promise
    } finally {
      binding.keepAlive(false)
    }
  }
}

function nextId(): number {
  do lastId = (lastId + 1) & 0x7fff_ffff
  while (readers.has(lastId))
  return lastId
}

class StreamView implements TaskStream<any, any> {
  static {
    bindToThread(this.prototype, READ_IT)
  }

  readonly future: Future<any>
  readonly #reader: StreamReader

  constructor(reader: StreamReader, future: Future<any>) {
    this.#reader = reader
    this.future = future
  }

  next(): Promise<Result> {
    return this.#reader.next(this)
  }

  async return(value?: unknown): Promise<Result> {
    await this.#reader.leave()
    return { done: true, value: await value }
  }

  async throw(error?: unknown): Promise<Result> {
    await this.#reader.leave()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.leave()
  }
}
