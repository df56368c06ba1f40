/**
 * Long strings of a worker's arguments, kept alive for a moment so that its heap grows.
 *
 * The engine collects young objects when as much was allocated as their space holds: 1 MiB in a young isolate, which grows only while much
 * survives. A long string counts as young, and that of a task is dead when that of the next one is made. So nothing would ever survive, and each task
 * would pay for a collection, 0.3 ms. If the last one of a few tasks is still there when the next one comes, the space doubles four times.
 */
import { clearTimeout, setTimeout } from 'node:timers'

/** Below, the engine allocates strings among other objects; above, such a collection is little beside the copy. */
const SHORTEST = 1 << 17
const LONGEST = 1 << 22
/** So many of so many are kept: the space may have shrunk again. */
const ENOUGH = 32
const EVERY = 1_024
/** How long the last one is kept, in ms. */
const WHILE = 500

let met = 0
let kept: string | undefined
let timer: NodeJS.Timeout | undefined

/** Looks at an argument that goes as it is. */
export function mayKeep(value: unknown): void {
  if (typeof value === 'string' && value.length >= SHORTEST && value.length <= LONGEST) keep(value)
}

function keep(text: string): void {
  if (met++ % EVERY < ENOUGH) {
    kept = text
    timer ??= setTimeout(drop, WHILE).unref()
  } else if (kept !== undefined) drop()
}

function drop(): void {
  kept = undefined
  clearTimeout(timer)
  timer = undefined
}
