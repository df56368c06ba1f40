/**
 * Timers for a thread whose `setTimeout` and `setImmediate` were replaced before the package was loaded. What
 * is still Node's own then is the class of `scheduler` of node:timers/promises: what replaces its functions
 * puts others on the object.
 */
import { scheduler } from 'node:timers/promises'
import { now } from './clocks.ts'

/** What `setTimeout` returns. */
export interface Timer {
  ref(): unknown
  unref(): unknown
}

type Wait = (ms: number, options: { ref: boolean; signal: AbortSignal }) => Promise<unknown>
type Yield = () => Promise<unknown>

const ofClass = Object.getPrototypeOf(scheduler ?? {}) as { wait?: Wait; yield?: Yield }
const [wait, next] = [ofClass.wait?.bind(scheduler), ofClass.yield?.bind(scheduler)]

function ignore(): void {}

class DelayedCall implements Timer {
  readonly #callback: () => void
  readonly #wait: Wait
  readonly #due: number
  #isRef = true
  #controller: AbortController | undefined

  constructor(callback: () => void, ms: number, wait: Wait) {
    this.#callback = callback
    this.#wait = wait
    this.#due = now() + ms
    this.#arm()
  }

  #arm(): void {
    const controller = new AbortController()
    this.#controller = controller
    const left = Math.max(0, this.#due - now())
    this.#wait(left, { ref: this.#isRef, signal: controller.signal }).then(() => {
      if (this.#controller !== controller) return
      this.#controller = undefined
      this.#callback()
    }, ignore)
  }

  ref(): this {
    return this.#hold(true)
  }

  unref(): this {
    return this.#hold(false)
  }

  /** A promise of Node's cannot be told: another takes its place. */
  #hold(isRef: boolean): this {
    if (isRef === this.#isRef) return this
    this.#isRef = isRef
    const controller = this.#controller
    if (controller === undefined) return this
    this.#arm()
    controller.abort()
    return this
  }

  stop(): void {
    this.#controller?.abort()
    this.#controller = undefined
  }
}

/** As `setTimeout`; undefined where Node's cannot be had in this way. */
export const delayed: ((callback: () => void, ms: number) => Timer) | undefined =
  wait === undefined ? undefined : (callback, ms) => new DelayedCall(callback, ms, wait)

/** As `clearTimeout`. */
export function stop(timer: Timer | undefined): void {
  if (timer instanceof DelayedCall) timer.stop()
}

/** As `setImmediate`; undefined where Node's cannot be had in this way. */
export const soon: ((callback: () => void) => void) | undefined =
  next === undefined ? undefined : (callback) => void next().then(callback)
