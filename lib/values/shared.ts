/**
 * `share(value)`: a value that many tasks need is written once, into the addon, and each worker that needs it
 * makes it once. What an isolate has is a number; the bytes stay as long as somebody has a use of them
 * (crates/binding/src/values/shared_value.rs).
 */
import { inspect } from 'node:util'
import { binding } from '../addon/binding.ts'
import { InvalidStateError } from '../errors/errors.ts'
import { bindToThread } from '../errors/thread-bound.ts'
import { define } from '../host/define.ts'
import { options as checkOptions } from '../options/check.ts'
import { packShared } from './shareable.ts'
import { emptyAll } from './v8/transfer.ts'

/** What `share()` takes beside the value. */
export interface ShareOptions {
  /** What is moved instead of copied: ArrayBuffers, which are detached here. */
  transfer?: readonly ArrayBuffer[] | undefined
}

const BY_ITSELF = 'give it as an argument by itself, to the copy of the package that has made it'

/** What is known of a value that was shared. */
export interface Source {
  readonly number: number
  /** Whether it cannot leave this process: it holds shared memory, or is too large. */
  readonly isBound: boolean
}

let lookAt: (value: unknown) => Source | undefined

/** What `value` stands for, if it is a `Shared` of ours. @throws InvalidStateError if it was released */
export function sourceOf(value: unknown): Source | undefined {
  return lookAt(value)
}

/** Shows that `share` has called the constructor. */
const made: unique symbol = Symbol('made')

/** Lets values go whose `Shared` was collected. */
const collected: FinalizationRegistry<number> = new FinalizationRegistry((number) =>
  binding.releaseShared(number),
)

let isAnyShared = false

/** Whether this isolate has ever shared a value: if not, no argument can be one. */
export function hasShared(): boolean {
  return isAnyShared
}

/**
 * A value that tasks get in each worker once. It is given to `submit`, `map` (by `repeat`) or in `initargs`
 * as an argument by itself; the function gets the value. `share` makes it.
 *
 * @example
 * ```ts
 * using table = share(new Map(rows))
 * for await (const price of executor.map(priceOf, repeat(table), orders)) console.log(price)
 * ```
 */
export class Shared<T> {
  /** What the function gets: only a type. */
  declare protected readonly value: T
  readonly #source: Source
  #isReleased = false

  static {
    lookAt = (value) => {
      if (typeof value !== 'object' || value === null || !(#source in value)) return undefined
      if (value.#isReleased) throw new InvalidStateError('the shared value was released')
      return value.#source
    }
    bindToThread(this.prototype, BY_ITSELF)
    define(this.prototype, inspect.custom, {
      value(this: unknown): string {
        return Shared.#describe(this)
      },
    })
  }

  /** @throws TypeError: `share` makes it */
  constructor(key?: unknown, source?: unknown) {
    if (key !== made) throw new TypeError('a Shared is made by share()')
    this.#source = source as Source
    collected.register(this, this.#source.number, this)
  }

  /**
   * Frees the value in every worker and child. Tasks that were accepted with it still get it, and an executor
   * keeps what its `initargs` hold until it has shut down. Calling it again does nothing.
   */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    collected.unregister(this)
    binding.releaseShared(this.#source.number)
  }

  /** `release()`, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }

  static #describe(value: unknown): string {
    if (typeof value !== 'object' || value === null || !(#source in value)) return 'Shared'
    if (value.#isReleased) return 'Shared <released>'
    return `Shared <${binding.sharedBytes(value.#source.number)} bytes>`
  }
}

/**
 * Writes `value` once, for all tasks that get it. Each worker makes it once, from there: all tasks of a
 * worker get the same object, which they should treat as read-only. Shared memory inside stays shared, for
 * threads; process pools refuse such a value.
 *
 * @param value - anything that `structuredClone` takes, but for what only a MessagePort can carry: ports,
 * Blobs, keys
 * @param options - `transfer`: the ArrayBuffers in it that move instead of being copied
 * @returns what stands for it as an argument
 * @throws DataCloneError for what cannot be shared; RangeError for more than 2^31 - 1 bytes that do not move;
 * TypeError for a wrong option
 * @example
 * ```ts
 * using weights = share(matrix, { transfer: [matrix.buffer] })
 * const scores = await Promise.all(rows.map((row) => executor.submit(score, weights, row)))
 * ```
 */
export function share<T>(value: T, options?: ShareOptions): Shared<T> {
  const { transfer } = checkOptions<ShareOptions>(options, 'options', ['transfer'])
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw new TypeError('transfer must be an array of ArrayBuffers')
  }
  const { form, data, emptied } = packShared(value, transfer)
  const number = binding.share(form, data)
  isAnyShared = true
  const shared = new Shared<T>(made, { number: Math.abs(number), isBound: number < 0 })
  if (emptied !== undefined) emptyAll(emptied)
  return shared
}
