// The memory of peers/atomics-ring.mjs, as both threads see it.

/** How many tasks a ring holds. */
export const SIZE = 16_384
export const MASK = SIZE - 1

/**
 * Places of `control`: how many tasks were submitted and finished, and whether the main thread wants to be
 * woken.
 */
export const SUBMITTED = 0
export const FINISHED = 1
export const LISTENING = 2

const CONTROL_BYTES = 64

/**
 * A call is two numbers, the function's and its argument; the result lies in the same place of another
 * array.
 */
export function layOut(buffer = new SharedArrayBuffer(CONTROL_BYTES + 3 * 8 * SIZE)) {
  return {
    buffer,
    control: new Int32Array(buffer, 0, CONTROL_BYTES / 4),
    calls: new Float64Array(buffer, CONTROL_BYTES, 2 * SIZE),
    results: new Float64Array(buffer, CONTROL_BYTES + 2 * 8 * SIZE, SIZE),
  }
}
