/** A job of the queue, and its future in the process that has asked for it. */
import {
  CANCEL,
  createLinkedFuture,
  define,
  deliver,
  deliverProgress,
  ERROR,
  InvalidStateError,
  STATE_CANCELLED,
  STATE_FINISHED,
  STATE_PENDING,
  STATE_RUNNING,
  storeOutcome,
  VALUE,
} from '../inner.ts'
import type { Future } from '../future/future.ts'
import type { TaskLink } from '../future/task-link.ts'
import type { WaitLimit } from '../future/wait-limit.ts'

/** The future of a job, which has the job's id. */
export interface JobFuture<T> extends Future<T> {
  readonly id: string
}

/** How a job ends, as `stats()` counts it. */
export type Ending = 'completed' | 'failed' | 'cancelled' | 'timedOut' | 'lost'

/** What a job asks of the executor that holds it. */
export interface JobOwner {
  /**
   * The future has its outcome. `isOver` says whether the job itself has ended, too; if not it has to be
   * stopped, for the `reason` of a cancel.
   */
  settled(job: HeldJob, ending: Ending, isOver: boolean, reason: unknown): void
  /** The run time that a map gives its tasks is over. */
  expired(job: HeldJob): void
}

/** A job whose outcome this process waits for. */
export class HeldJob implements TaskLink {
  id: string
  readonly future: JobFuture<any>
  readonly name: string
  readonly #owner: JobOwner
  #state: number = STATE_PENDING
  /** Whether it has been added to the queue, or was found there. */
  isAdded = false
  /** Ends when that is decided; there while it is being added. */
  adding: Promise<void> | undefined
  /** Whether it is a chunk of a map. */
  isChunk = false
  /** Whether nobody here has submitted it. */
  isFromElsewhere = false
  /** Whether it is taken out of the queue for being late, or has ended: that it is removed is nothing new. */
  isBeingRemoved = false
  /** Whether one of its id may have been in the queue before. */
  mayExist = false
  /** If so, the entry in the stream of events before which they tell of an earlier job of this id. */
  since: string | undefined
  /** How often a look at the queue has found that it has ended, or is not there, and no event said so. */
  looks = 0
  /** When it was submitted, began, as far as is known here, on the clock of this thread. */
  readonly submitted: number
  began: number | undefined
  /** How often it was started. */
  starts = 0
  /** The host that has begun it last. */
  host: string | undefined
  /** Others of the same job, which BullMQ has found to be duplicates of it. */
  readonly twins: HeldJob[] = []
  /** Its limits of time that are watched here. */
  limits: WaitLimit[] = []

  constructor(id: string, name: string, submitted: number, owner: JobOwner) {
    this.id = id
    this.name = name
    this.submitted = submitted
    this.#owner = owner
    this.future = createLinkedFuture(this, 0) as JobFuture<any>
    define(this.future, 'id', { get: () => this.id, enumerable: true, configurable: true })
  }

  get isDone(): boolean {
    return this.#state === STATE_CANCELLED || this.#state === STATE_FINISHED
  }

  get isRunning(): boolean {
    return this.#state === STATE_RUNNING
  }

  /** A host has told that it begins. */
  begin(host: string | undefined, at: number, starts: number = 1): void {
    if (this.isDone) return
    this.starts = Math.max(this.starts, starts)
    this.#state = STATE_RUNNING
    this.host = host
    this.began ??= at
    for (const twin of this.twins) twin.begin(host, at, starts)
  }

  progress(value: unknown): void {
    if (this.isDone) return
    deliverProgress(this.future, value)
    for (const twin of this.twins) twin.progress(value)
  }

  /** Gives the future its outcome, once: the value, the error, or the reason of a cancel. */
  settle(ending: Ending, value: unknown, isOver: boolean): void {
    if (this.#store(ending, value, isOver)) deliver(this.future)
  }

  #store(ending: Ending, value: unknown, isOver: boolean): boolean {
    if (this.isDone) return false
    const kind = ending === 'completed' ? VALUE : ending === 'cancelled' ? CANCEL : ERROR
    this.#state = kind === CANCEL ? STATE_CANCELLED : STATE_FINISHED
    for (const limit of this.limits) limit.dispose()
    this.limits = []
    storeOutcome(this.future, kind, value)
    this.#owner.settled(this, ending, isOver, kind === CANCEL ? value : undefined)
    for (const twin of this.twins) twin.settle(ending, value, true)
    return true
  }

  // What the future asks.

  state(): number {
    return this.#state
  }

  /** Everything that is known is stored at once. */
  collect(): boolean {
    return this.isDone
  }

  /** Of the future, which then delivers itself. */
  cancel(_slot: number, _future: Future<any>, interrupt: boolean, reason: unknown): boolean {
    if (this.isRunning && !interrupt) return false
    this.#store('cancelled', reason, false)
    return this.#state === STATE_CANCELLED
  }

  expire(): void {
    if (this.isRunning) this.#owner.expired(this)
  }

  park(): never {
    throw new InvalidStateError(
      'a job on another machine cannot be waited for by blocking: what comes of it arrives by the event loop',
    )
  }

  release(): void {}
}
