/**
 * A stream, as its worker makes it: a task that holds what is iterated over, and takes value after value from
 * it for as long as its reader has room.
 *
 * It runs in *stretches*. The first is the call of the task; each other one is asked for by the addon, when
 * there is room again, or by the stream itself, when what it has awaited has come. All of them run in the
 * guard, so that a stop finds the generator there, and in the async context in which the last one has ended.
 * Only the values of an async iterable come in between: they follow each other as microtasks.
 *
 * When the stream is to end, because of its reader, a stop or an error, the iterable is told by `return()`,
 * so that its `finally` blocks run here. What it still yields is dropped.
 */
import { AsyncResource } from 'node:async_hooks'
import { binding } from '../addon/binding.ts'
import { FORM_AS_IS } from '../addon/seam.ts'
import { defer } from '../future/deferred.ts'
import type { Deferred } from '../future/deferred.ts'
import { isThenable } from '../host/thenable.ts'
import { currentContext } from '../tasks/current-task.ts'
import type { TaskContext } from '../tasks/current-task.ts'
import { goesAsIs, pack, packTransfer } from '../values/codec.ts'
import type { Packed } from '../values/codec.ts'
import { isToMove, takeList } from '../values/transfer.ts'
import { asResultError } from './result.ts'

type AnyFunction = (...args: any[]) => unknown
type Step = IteratorResult<unknown, unknown>

/** What both kinds of iterators have. */
interface Source {
  next(): Step | PromiseLike<Step>
  return?(value?: unknown): Step | PromiseLike<Step>
}

/** The streams of this worker, by the tokens of their tasks. */
export const streams: Map<number, StreamRun> = new Map()

/** The functions that make streams. */
const streamed: WeakSet<AnyFunction> = new WeakSet()

/** The task that makes a stream of what `fn` gives; `explain` makes of an error of `fn` what is reported. */
export function runStream(fn: AnyFunction, explain: (error: unknown) => unknown): AnyFunction {
  const run = (...args: unknown[]): Promise<unknown> => {
    const context = currentContext() as TaskContext
    const stream = new StreamRun(context, explain)
    streams.set(context.token, stream)
    return stream.start(() => fn(...args))
  }
  streamed.add(run)
  return run
}

class StreamRun {
  readonly #context: TaskContext
  readonly #explain: (error: unknown) => unknown
  readonly #end: Deferred = defer()
  #source: Source | undefined
  #isAsync = false
  /** The context in which the next stretch is to run. */
  #resource: AsyncResource | undefined
  /** Ends the wait of a stream that stands still, which gives up its worker's place. */
  #endStanding: (() => void) | undefined
  /** Counts its waits: for room, or for what a promise comes to. */
  #waits = 0
  #isWaiting = false
  /** What to do in the next stretch, if what was awaited has come. */
  #then: (() => void) | undefined
  #isClosing = false
  #isOver = false
  /** What it fails with, once it is closed. */
  #failure: { readonly error: unknown } | undefined

  constructor(context: TaskContext, explain: (error: unknown) => unknown) {
    this.#context = context
    this.#explain = explain
  }

  /** The first stretch. The promise settles when the stream has ended. */
  start(call: () => unknown): Promise<unknown> {
    this.#run(() => {
      const given = call()
      if (isThenable(given)) this.#await(given, (iterable) => this.#open(iterable))
      else this.#open(given)
    })
    return this.#end.promise
  }

  /** A stretch that was asked for. */
  proceed(): void {
    // It may have been called for more than one reason.
    const then = this.#then
    const isDue = then !== undefined || this.#endStanding !== undefined || this.#mustEnd()
    if (this.#isOver || !this.#isWaiting || !isDue) return
    this.#then = undefined
    this.#isWaiting = false
    this.#endStanding?.()
    this.#endStanding = undefined
    this.#run(() => {
      if (this.#mustEnd()) this.#close()
      else if (then === undefined) this.#advance()
      else then()
    })
  }

  /** The task is asked to stop, or its reader has left: what stands still or waits is ended now. */
  askToEnd(): void {
    if (this.#isWaiting && !this.#isClosing) binding.requestStretch(this.#context.token)
  }

  #mustEnd(): boolean {
    return !this.#isClosing && binding.isCancelled(this.#context.token)
  }

  /** Runs a part of the stream in its async context; what it throws ends the stream. */
  #run(part: () => void): void {
    const guarded = (): void => {
      try {
        part()
      } catch (error) {
        this.#fail(error)
      }
      if (!this.#isOver) this.#resource = new AsyncResource('Stream')
    }
    if (this.#resource === undefined) guarded()
    else this.#resource.runInAsyncScope(guarded)
  }

  #open(iterable: unknown): void {
    this.#source = sourceOf(iterable)
    this.#isAsync = (iterable as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] != null
    this.#advance()
  }

  /** Takes values for as long as there is room and nothing is to be awaited. */
  #advance(): void {
    const source = this.#source as Source
    for (;;) {
      const step = source.next()
      if (this.#isAsync) return this.#await(step as PromiseLike<Step>, (step) => this.#goOnWith(step))
      if (!this.#take(step as Step)) return
    }
  }

  #goOnWith(step: Step): void {
    if (this.#take(step)) this.#advance()
  }

  /** Takes what the iterator has given. Whether it is to go on at once. */
  #take(step: Step): boolean {
    if (typeof step !== 'object' || step === null) {
      throw new TypeError(`${String(step)} is no iterator result`)
    }
    if (step.done === true) {
      this.#finish(step.value)
      return false
    }
    const { value } = step
    if (isThenable(value)) {
      this.#await(value, (value) => {
        if (this.#emit(value)) this.#advance()
      })
      return false
    }
    return this.#emit(value)
  }

  /** Sends a value. Whether the stream is to go on at once. */
  #emit(value: unknown): boolean {
    let packed: Packed
    try {
      packed = packYielded(value)
    } catch (error) {
      this.#failure = { error }
      this.#close()
      return false
    }
    const { token } = this.#context
    const room = binding.yieldValue(token, packed.form, packed.data)
    if (room > 0) return true
    if (room === 0 && binding.standStill(token)) {
      this.#waits++
      this.#isWaiting = true
      this.#endStanding = this.#context.beginWait()
      return false
    }
    if (!this.#mustEnd()) return true
    this.#close()
    return false
  }

  /**
   * Goes on with what a promise comes to: at once with the next of an async iterable, in a stretch of its own
   * otherwise.
   */
  #await<T>(promise: PromiseLike<T>, then: (value: T) => void): void {
    const wait = ++this.#waits
    this.#isWaiting = true
    // From now on it is asked to end before it is stopped: it can hear of it.
    void this.#context.view
    const arrive = (part: () => void): void => {
      // It may have been closed meanwhile.
      if (wait !== this.#waits || this.#isOver) return
      if (this.#isAsync && !this.#mustEnd()) {
        this.#isWaiting = false
        this.#run(part)
        return
      }
      this.#then = part
      binding.requestStretch(this.#context.token)
    }
    Promise.resolve(promise).then(
      (value) => arrive(() => then(value)),
      (error: unknown) => arrive(() => this.#failAt(error)),
    )
  }

  /** A promise that a sync iterable has yielded was rejected: the iterable is closed, as by `for await`. */
  #failAt(error: unknown): void {
    if (this.#isAsync || this.#source === undefined) return this.#fail(error)
    this.#failure = { error: this.#explain(error) }
    this.#close()
  }

  /** Tells the iterable that it is not read any more, and lets it end. */
  #close(): void {
    this.#isClosing = true
    const source = this.#source
    if (source?.return === undefined) return this.#finish(undefined)
    this.#drain(source, source.return())
  }

  /** What it yields in a `finally` block is dropped. */
  #drain(source: Source, step: Step | PromiseLike<Step>): void {
    let at = step
    while (!isThenable(at)) {
      if (typeof at !== 'object' || at === null || at.done === true) return this.#finish(undefined)
      at = source.next()
    }
    this.#await(at, (step) => this.#drain(source, step))
  }

  #finish(value: unknown): void {
    if (this.#failure !== undefined) return this.#fail(this.#failure.error)
    this.#leave()
    this.#end.resolve(value)
  }

  #fail(error: unknown): void {
    this.#leave()
    this.#end.reject(this.#failure === undefined ? this.#explain(error) : this.#failure.error)
  }

  #leave(): void {
    this.#isOver = true
    this.#resource = undefined
    streams.delete(this.#context.token)
  }
}

/** What is iterated over. @throws TypeError */
function sourceOf(iterable: unknown): Source {
  const given = iterable as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
  const make = given?.[Symbol.asyncIterator] ?? given?.[Symbol.iterator]
  if (typeof make !== 'function') {
    throw new TypeError(
      'a stream is made of a generator or of a function that returns an iterable or async iterable, got ' +
        (given === null ? 'null' : typeof given),
    )
  }
  const source = (make as (this: unknown) => unknown).call(given) as Partial<Source> | null | undefined
  if (typeof source?.next !== 'function') throw new TypeError('what a stream iterates over has no next()')
  return source as Source
}

function packYielded(value: unknown): Packed {
  if (!isToMove(value) && goesAsIs(value)) return { form: FORM_AS_IS, data: value }
  try {
    const list = takeList(value)
    return list === undefined ? pack(value, 'the value') : packTransfer(value, list, 'the value')
  } catch (error) {
    throw asResultError(error)
  }
}
