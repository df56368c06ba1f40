/**
 * How a map is fed: argument lists are read and submitted as far as they may be, a chunk a task.
 *
 * Tasks are *outstanding* from their submission until the reader reaches them. How many may be is the limit:
 * `bufferSize`; without it any number for sync iterables, 4 × maxWorkers as soon as one is async. With
 * `chunkSize: 'auto'` no more than a few for each worker are *under way* besides, submitted and not done: the
 * size of those after them goes by what they show. So the feeding goes on whenever such a task ends. A worker
 * may hand back rows of one: they are submitted before anything else is read, whatever the limits are, for
 * they were in a task before. While that may happen the pool expects them, also when it is shut down.
 *
 * A failure of any kind (a source's, a refused submission) ends the feeding, and stands behind the tasks
 * before it.
 */
import { AsyncResource } from 'node:async_hooks'
import { QueueFullError } from '../errors/errors.ts'
import { storedOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { protocolOf } from '../future/protocol.ts'
import { VALUE } from '../future/states.ts'
import { now } from '../host/clocks.ts'
import { LONGEST, TARGET } from './chunk-sizer.ts'
import type { ChunkSizer } from './chunk-sizer.ts'
import type { ChunkResult, MapFeed } from './map-feed.ts'
import type { Chunk, ChunkReader } from './map-source.ts'
import { Outstanding } from './outstanding.ts'
import type { Place } from './outstanding.ts'

/** How the feeding of a map goes, by its options. */
export interface FeedingPlan {
  /** Of each chunk, or what says it. */
  readonly chunkSize: number | ChunkSizer
  /** How many tasks may be outstanding, now. */
  readonly mostOutstanding: number
  /** Whether all input is read at the call. */
  readonly isEager: boolean
}

/** What a feeding tells. */
export interface FeedingEvents {
  /** There may be something new to read. */
  changed(): void
  /** Nothing will be read from the sources any more. */
  ended(): void
}

export class Feeding {
  readonly outstanding: Outstanding = new Outstanding()
  /** Stands behind the outstanding tasks. */
  failure: { error: unknown } | undefined
  /** Nothing will be read from the sources any more; rows may still wait. */
  isFed = false
  /** Whether the failure came from `submit`. */
  isRefusal = false
  readonly #feed: MapFeed
  readonly #source: ChunkReader
  readonly #plan: FeedingPlan
  readonly #sizer: ChunkSizer | undefined
  readonly #events: FeedingEvents
  /**
   * The async context of the call of `map`, in which the source's code runs whoever reads on. Undefined when
   * all is read at the call.
   */
  readonly #context: AsyncResource | undefined
  #underWay = 0
  /** Whether the pool was told to expect what workers hand back. */
  #expectsRests = false
  #isFilling = false
  #isAwaitingSource = false
  #isAwaitingRoom = false
  #isStopped = false

  constructor(feed: MapFeed, source: ChunkReader, plan: FeedingPlan, events: FeedingEvents) {
    this.#feed = feed
    this.#source = source
    this.#plan = plan
    this.#sizer = typeof plan.chunkSize === 'number' ? undefined : plan.chunkSize
    this.#events = events
    this.#context = plan.isEager ? undefined : new AsyncResource('FutureMap')
  }

  /** Whether the end of each task is noted here. */
  get watchesTasks(): boolean {
    return this.#sizer !== undefined
  }

  /** Submits as much as may be, and goes on by itself when it has to wait for a source, room, or tasks. */
  fill(): void {
    if (this.#isFilling) return
    this.#isFilling = true
    try {
      while (this.#mayFeed() && this.#step());
    } finally {
      this.#isFilling = false
      this.#expectRests()
    }
  }

  #mayFeed(): boolean {
    if (this.#isStopped || this.#isAwaitingRoom) return false
    return (
      this.outstanding.waiting?.isRest === true ||
      (this.outstanding.tasks < this.#plan.mostOutstanding &&
        (this.#sizer === undefined || this.#underWay < this.#sizer.mostUnderWay))
    )
  }

  /** Tells the pool whether rows may come back, or have come back and wait, when that has changed. */
  #expectRests(isSubmitting = false): void {
    if (this.#sizer === undefined) return
    const mayComeBack = this.#underWay > 0 || this.outstanding.waiting?.isRest === true
    const areExpected = !this.#isStopped && (isSubmitting || mayComeBack)
    if (areExpected === this.#expectsRests) return
    this.#expectsRests = areExpected
    this.#feed.expectRests?.(areExpected)
  }

  /** Submits what waits, or reads; false when that cannot go on now. */
  #step(): boolean {
    const place = this.outstanding.waiting
    if (place !== undefined) return this.#submit(place)
    if (this.isFed || this.#isAwaitingSource) return false
    try {
      const { chunkSize } = this.#plan
      const rows = this.inContext(() =>
        typeof chunkSize === 'number'
          ? this.#source.read(chunkSize)
          : this.#source.read(chunkSize.size(this.#source.left), TARGET),
      )
      if (rows instanceof Promise) return this.#awaitSource(rows)
      this.#take(rows)
    } catch (error) {
      this.end({ error })
    }
    return true
  }

  #take(rows: Chunk | undefined): void {
    // The source's code may have closed the iterator.
    if (this.isFed) return
    if (rows === undefined) this.end()
    else this.outstanding.add(rows)
  }

  #awaitSource(rows: Promise<Chunk | undefined>): false {
    this.#isAwaitingSource = true
    const goOn = (step: () => void): void => {
      this.#isAwaitingSource = false
      if (this.isFed) return
      step()
      this.fill()
      this.#events.changed()
    }
    rows.then(
      (read) => goOn(() => this.#take(read)),
      (error) => goOn(() => this.end({ error })),
    )
    return false
  }

  #awaitRoom(): false {
    if (this.#plan.isEager) this.#source.drain(this.#plan.chunkSize as number)
    this.#isAwaitingRoom = true
    const goOn = (step: () => void): void => {
      this.#isAwaitingRoom = false
      if (this.#isStopped) return
      step()
      this.fill()
      this.#events.changed()
    }
    this.#feed.room().then(
      () => goOn(() => {}),
      // A rest may be taken all the same.
      (error) => goOn(() => this.outstanding.waiting?.isRest !== true && this.endWaiting(error)),
    )
    return false
  }

  /** Submits a place that waits; false when there is no room. */
  #submit(place: Place): boolean {
    if (!this.#feed.hasRoom()) return this.#awaitRoom()
    const rows = this.#cut(place)
    this.#expectRests(true)
    const began = this.#sizer === undefined ? 0 : now()
    try {
      const future = this.#feed.submit(rows, this.#sizer === undefined ? undefined : LONGEST, place.isRest)
      this.#noteSubmission(place, future, began)
    } catch (error) {
      if (error instanceof QueueFullError) return this.#awaitRoom()
      // Because of one of its items, or of the pool: those before it are submitted one by one.
      if (rows.length > 1) place.isSingle = true
      else if (!place.isDropped) this.#refuse(place, error)
    }
    return true
  }

  /** As many rows of a place as a task may have now. */
  #cut(place: Place): Chunk {
    const { length } = place.rows as Chunk
    const size = place.isSingle ? 1 : (this.#sizer?.size(length + this.#source.left) ?? length)
    if (size < length) this.outstanding.split(place, size)
    return place.rows as Chunk
  }

  #noteSubmission(place: Place, future: Future<unknown>, began: number): void {
    // Code of the user's, called to pack the arguments, has closed the iterator.
    if (place.isDropped) return void future.cancel()
    this.outstanding.fill(place, future, this.#sizer !== undefined)
    if (this.#sizer === undefined) return
    place.submission = now() - began
    this.#underWay++
    if (storedOutcome(future) !== undefined) this.noteEnd(place)
    else {
      protocolOf(future)?.add(future, () => {
        this.noteEnd(place)
        if (place.isDropped) return this.#expectRests()
        this.fill()
        this.#events.changed()
      })
    }
  }

  /** Notes the end of a task, and what of its rows has come back; once, though it may be called twice. */
  noteEnd(place: Place): void {
    const { future, rows } = place
    if (place.isNoted || this.#sizer === undefined || future === undefined) return
    place.isNoted = true
    place.rows = undefined
    this.#underWay--
    const outcome = storedOutcome(future)
    if (!place.isDropped && outcome?.kind === VALUE) {
      this.#noteResult(this.#sizer, place, rows as Chunk, outcome.value as ChunkResult)
    }
  }

  #noteResult(sizer: ChunkSizer, place: Place, rows: Chunk, result: ChunkResult): void {
    const { values, failed, runTime = 0, unpackTime = 0 } = result
    if (failed) return
    sizer.note(values.length, Math.max(runTime, unpackTime, place.submission))
    if (values.length < rows.length) this.outstanding.handBack(place, rows, values.length)
  }

  /** A place is refused: nothing from there on is delivered. */
  #refuse(place: Place, error: unknown): void {
    this.isRefusal = true
    for (const future of this.outstanding.dropFrom(place)) future.cancel()
    this.#expectRests()
    // It stands before a failure of what came later.
    this.failure = { error }
    this.end()
  }

  /** Ends the feeding, where rows wait before the first of them. */
  endWaiting(error: unknown): void {
    const place = this.outstanding.waiting
    if (place === undefined) return this.end({ error })
    for (const future of this.outstanding.dropFrom(place)) future.cancel()
    this.#expectRests()
    this.failure = { error }
    this.end()
  }

  /** Reads no more. */
  end(failure?: { error: unknown }): void {
    this.isFed = true
    this.failure ??= failure
    this.#events.ended()
    this.inContext(() => this.#source.discard())
  }

  /** Submits nothing any more. Returns the tasks from a place on, which go. */
  stop(from: Place | undefined): Future<unknown>[] {
    this.#isStopped = true
    this.end()
    const dropped = this.outstanding.dropFrom(from)
    this.#expectRests()
    return dropped
  }

  inContext<V>(fn: () => V): V {
    return this.#context === undefined ? fn() : this.#context.runInAsyncScope(fn)
  }

  /** Gives the sources that are open their `return()`. */
  close(): Promise<unknown> | undefined {
    return this.inContext(() => this.#source.close())
  }
}
