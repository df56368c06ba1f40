/** How ticks and microtasks are run at the end of a callback, taken once, when the package is loaded. */

const { _tickCallback: tick } = process as { _tickCallback?: unknown }

/**
 * Runs what waits in the queues of `nextTick` and of microtasks, and reports rejections that nobody has
 * handled, as Node does after each callback.
 */
export const runNextTicks: () => void = typeof tick === 'function' ? (tick as () => void) : () => {}

/** Whether that can be had. */
export const canRunTicks: boolean = typeof tick === 'function'
