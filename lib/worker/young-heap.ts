/**
 * Keeps the last long string among a worker's arguments alive for a moment, so that the worker's young heap
 * grows.
 *
 * The engine collects young objects when as much was allocated as their space holds: 1 MiB in a young
 * isolate, which grows, up to 16 MiB, only while much survives. A long string counts as young, and that of a
 * task is dead when that of the next one is made. So nothing would ever survive, and each task would cause a
 * collection of its own, 0.3 ms.
 */
import { setTimeout } from '../host/timers.ts'

/** Below, the engine allocates strings among other objects; above, a collection is little beside the copy. */
const SHORTEST = 1 << 17
const LONGEST = 1 << 22
/** The longest that one is kept, in ms. */
const WHILE = 500

let kept: string | undefined

/** Looks at an argument that goes as it is. */
export function keepLongString(value: unknown): void {
  if (typeof value === 'string' && value.length >= SHORTEST && value.length <= LONGEST) keep(value)
}

function keep(text: string): void {
  if (kept === undefined) setTimeout(drop, WHILE).unref()
  kept = text
}

function drop(): void {
  kept = undefined
}
