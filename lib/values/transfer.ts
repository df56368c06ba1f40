/**
 * `transfer(value, list)`: what moves when a value leaves the worker. The value stays what it is, and the
 * list is kept in a WeakMap, so that a function which is called directly returns what its type says, here and
 * in a worker.
 */
import { checkTransfer } from './v8/transfer.ts'

const lists: WeakMap<object, readonly object[]> = new WeakMap()
let isUsed = false

/**
 * Around a task's result, or a value for `progress()`: moves what is in the list instead of copying it. What
 * has moved is of no use in the worker any more. A value that does not leave the worker as a whole, or is not
 * an object, moves nothing.
 *
 * @param value - the result
 * @param list - what of it moves: ArrayBuffers, MessagePorts, streams, FileHandles and what else Node can
 * transfer
 * @returns the value, for the task to return
 * @throws TypeError when `list` is no array; DataCloneError for what cannot be moved
 * @example
 * ```ts
 * const pixels = new Uint8Array(16 << 20)
 * return transfer(pixels, [pixels.buffer])
 * ```
 */
export function transfer<T>(value: T, list: readonly object[]): T {
  if (!Array.isArray(list)) {
    throw new TypeError('transfer(value, list): list must be an array of transferable objects')
  }
  checkTransfer(list)
  if (typeof value === 'object' && value !== null) {
    isUsed = true
    lists.set(value, [...list])
  }
  return value
}

/** Whether `transfer` has said that something moves with a value. */
export function isToMove(value: unknown): boolean {
  return isUsed && typeof value === 'object' && value !== null && lists.has(value)
}

/** What moves with a value that leaves now. It is asked once: later the same object may leave without. */
export function takeList(value: unknown): readonly object[] | undefined {
  if (!isToMove(value)) return undefined
  const list = lists.get(value as object)
  lists.delete(value as object)
  return list
}
