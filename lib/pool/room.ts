/** The room in a pool's queue, for those who wait for some (`Executor.ready`) and for `map`. */
import { binding } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import { REFUSED_BROKEN, REFUSED_FULL } from '../addon/seam.ts'
import { setImmediate, setTimeout } from '../host/timers.ts'
import type { PoolKind } from './kind.ts'
import { answerNow, refusalOf, shutDownError } from './refusal.ts'
import { Waiters } from './waiters.ts'

/** How often an isolate that does not own the pool, and gets no events of it, looks for room, in ms. */
const BETWEEN_LOOKS = 2

export class Room {
  readonly #index: PoolIndex
  readonly #kind: PoolKind
  /** Whether there is a limit to the queue. */
  readonly #isBounded: boolean
  /** Whether the pool's events come to this isolate. */
  readonly #isOwner: boolean
  readonly #waiters: Waiters = new Waiters()
  #isReserved = false
  #isReleaseDue = false
  #isClosed = false

  constructor(index: PoolIndex, kind: PoolKind, isBounded: boolean, isOwner: boolean) {
    this.#index = index
    this.#kind = kind
    this.#isBounded = isBounded
    this.#isOwner = isOwner
  }

  get #pool(): number {
    return this.#index.value
  }

  /** Whether a submission would find room now. */
  has(): boolean {
    return !this.#isBounded || binding.wantRoom(this.#pool)
  }

  /** Resolves when a submission would find room. */
  async wait(): Promise<void> {
    for (;;) {
      const answer = answerNow(this.#pool)
      if (answer === REFUSED_BROKEN) throw refusalOf(this.#pool, this.#kind, answer)
      if (this.#isClosed) throw shutDownError()
      const mayHave = !this.#isReserved && (answer !== REFUSED_FULL || binding.wantRoom(this.#pool))
      if (mayHave) return this.#reserve()
      if (this.#isOwner) await this.#waiters.wait()
      else await new Promise<void>((resolve) => setTimeout(resolve, BETWEEN_LOOKS))
    }
  }

  /** Reserves the room that there is for one caller, until it has submitted or the event loop has turned. */
  #reserve(): void {
    this.#isReserved = true
    if (this.#isReleaseDue) return
    this.#isReleaseDue = true
    setImmediate(() => {
      this.#isReleaseDue = false
      this.#release()
    })
  }

  #release(): void {
    this.#isReserved = false
    this.#waiters.wake()
  }

  /** A task was submitted. */
  noteSubmission(): void {
    if (this.#isReserved) this.#release()
  }

  /** There may be room: those who wait look again. */
  wake(): void {
    this.#waiters.wake()
  }

  /** The pool was shut down: every later look throws. */
  close(): void {
    this.#isClosed = true
  }
}
