/**
 * What pools ask of this isolate: to start a worker, to send port values, to wake those who wait for room.
 * Such events come with the batches of completions, and, where they cannot wait for the event loop, by
 * {@link serve}.
 */
import { binding, scratch } from '../addon/binding.ts'
import { AT_SERVICES } from '../addon/seam.ts'
import { setImmediate } from '../host/timers.ts'

type PoolEvent = (event: number, number: number) => void
const pools: Map<number, PoolEvent> = new Map()

/** Sets the listener for the events of a pool; undefined removes it. */
export function onPoolEvent(pool: number, listener: PoolEvent | undefined): void {
  if (listener === undefined) pools.delete(pool)
  else pools.set(pool, listener)
}

/** The listener for the events of a pool. */
export function listenerOf(pool: number): PoolEvent | undefined {
  return pools.get(pool)
}

/** What was taken from the addon and not served. */
let unserved: number[] = []

/** Serves what pools ask of this isolate and cannot wait for its event loop. */
export function serve(): void {
  scratch[AT_SERVICES] = 0
  const list = unserved.length === 0 ? binding.services() : unserved.concat(binding.services())
  unserved = list
  let at = 0
  try {
    for (; at < list.length; at += 3) {
      pools.get(list[at + 1] as number)?.(list[at] as number, list[at + 2] as number)
    }
  } finally {
    // What threw, for want of stack for instance, is tried again when the event loop turns.
    unserved = at < list.length ? list.slice(at) : []
    if (unserved.length > 0) setImmediate(serve)
  }
}
