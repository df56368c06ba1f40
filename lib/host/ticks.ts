/** How ticks and microtasks are run at the end of a callback, taken once, when the package is loaded. */

/**
 * Beneath what warns that it is deprecated, as Node has it under `--pending-deprecation`: the wrapper has the
 * function as its prototype, and that has Function's.
 */
function unwrapped(fn: unknown): unknown {
  if (typeof fn !== 'function') return undefined
  const beneath: unknown = Object.getPrototypeOf(fn)
  const isWrapped = typeof beneath === 'function' && typeof Object.getPrototypeOf(beneath) === 'function'
  return isWrapped ? beneath : fn
}

const tick = unwrapped((process as { _tickCallback?: unknown })._tickCallback)

/**
 * Runs what waits in the queues of `nextTick` and of microtasks, and reports rejections that nobody has
 * handled, as Node does after each callback.
 */
export const runNextTicks: () => void = typeof tick === 'function' ? (tick as () => void) : () => {}

/** Whether that can be had. */
export const canRunTicks: boolean = typeof tick === 'function'
