const NONE: unique symbol = Symbol('none')
/** The limit outside of all calls. */
let outer: unknown = NONE

/**
 * Calls `fn`, in which errors are made without their stacks, which nobody will see: that takes half the time.
 * Where `Error` is frozen they get them all the same.
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

/** A stop may have cut off a call. */
export function restoreStacks(): void {
  if (outer === NONE) return
  Reflect.set(Error, 'stackTraceLimit', outer)
  outer = NONE
}
