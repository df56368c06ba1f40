/** Errors without stacks: `Error.stackTraceLimit` is set to 0 for the length of a call. */
import { define } from '../host/define.ts'

const NONE: unique symbol = Symbol('none')
/** The limit before the outermost call; NONE while there is none. */
let outer: unknown = NONE

/**
 * Calls `fn`, in which errors are made without stacks, since theirs are replaced or never read: that takes
 * half the time. Where `Error` is frozen they get them all the same.
 */
export function withoutStacks<T>(fn: () => T): T {
  const limit: unknown = Error.stackTraceLimit
  const isOuter = outer === NONE
  if (isOuter) outer = limit
  Reflect.set(Error, 'stackTraceLimit', 0)
  try {
    return fn()
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
    if (isOuter) outer = NONE
  }
}

/**
 * Restores the limit after a stop has cut off a call of {@link withoutStacks}, whose `finally` block it
 * skips.
 */
export function restoreStacks(): void {
  if (outer === NONE) return
  Reflect.set(Error, 'stackTraceLimit', outer)
  outer = NONE
}

/**
 * Gives an error another stack. It is assigned first: where a stack is made when it is first asked for, a
 * definition asks for it, and the user's `Error.prepareStackTrace` may throw.
 */
export function replaceStack(error: Error, stack: unknown): void {
  Reflect.set(error, 'stack', stack)
  define(error, 'stack', { value: stack, writable: true, configurable: true })
}

/** The stack of an error; undefined if the user's `Error.prepareStackTrace` throws. */
export function stackOf(error: Error): unknown {
  try {
    return error.stack
  } catch {
    return undefined
  }
}
