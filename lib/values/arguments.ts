/** The arguments of a task, as they are handed to the addon. */
import { binding } from '../addon/binding.ts'
import { placedArgumentError } from './clone-error.ts'
import { goesAsIs, packObject, packTransferred } from './codec.ts'
import type { Packed } from './codec.ts'
import type { Means } from './means.ts'
import { checkTransfer } from './v8/transfer.ts'
import { bufferOf } from './views.ts'

/** The most values that a call of the addon may take. */
const MOST_DIRECT_ARGS = 8

/**
 * The prepared arguments of several calls of a native task, each call's after the other's; as many for each.
 */
export function prepareAll(
  prepare: (args: readonly unknown[]) => unknown[],
  lists: readonly unknown[][],
): unknown[] {
  const all: unknown[] = []
  for (const list of lists) {
    const args = prepare(list)
    for (let index = 0; index < args.length; index++) all.push(args[index])
  }
  return all
}

/**
 * The arguments of several calls as one array for each argument: an array of numbers, or of strings, costs
 * far less than as many arrays of one.
 */
export function columnsOf(lists: readonly unknown[][]): unknown[][] {
  const width = lists[0]?.length ?? 0
  const columns: unknown[][] = []
  for (let column = 0; column < width; column++) {
    const values: unknown[] = []
    for (let index = 0; index < lists.length; index++) values.push((lists[index] as unknown[])[column])
    columns.push(values)
  }
  return columns
}

/** Numbers cross as the bytes of their array. */
export function inOnePiece(values: readonly unknown[]): readonly unknown[] | Float64Array {
  return values.every((value) => typeof value === 'number') ? Float64Array.from(values) : values
}

/** Whether the arguments cross each as it is: few, and with at most one object among them. */
export function allGoAsIs(args: readonly unknown[]): boolean {
  if (args.length > MOST_DIRECT_ARGS) return false
  let objects = 0
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (typeof arg === 'number') continue
    if (!goesAsIs(arg)) return false
    // Two buffers could be one, or views of one: then they must arrive as one.
    if (typeof arg === 'object' && arg !== null && ++objects > 1) return false
  }
  return true
}

/** Whether all bytes among the arguments of a native task are of these buffers. */
export function areOf(args: readonly unknown[], buffers: readonly ArrayBuffer[]): boolean {
  return (
    binding.canMove &&
    args.every(
      (arg) =>
        typeof arg !== 'object' ||
        arg === null ||
        buffers.includes((ArrayBuffer.isView(arg) ? bufferOf(arg) : arg) as ArrayBuffer),
    )
  )
}

/** Packs all arguments as one value, so that what they share stays shared. */
export function packArgs(args: readonly unknown[], means: Means): Packed {
  try {
    return packObject(args, means)
  } catch (error) {
    throw placedArgumentError(args, error)
  }
}

/** The same, of which the objects in `transfer` move. */
export function packMovingArgs(args: readonly unknown[], transfer: readonly object[], means: Means): Packed {
  try {
    return packTransferred(args, transfer, means)
  } catch (error) {
    // What a MessagePort carries is tried again there.
    throw means.staysHere ? error : placedArgumentError(args, error, transfer)
  }
}

/** A native task's transfer list. Only bytes can be its arguments. */
export function checkNativeTransfer(list: readonly object[]): ArrayBuffer[] {
  const buffers = checkTransfer(list)
  if (buffers === undefined) {
    throw new DOMException('only an ArrayBuffer can be moved to a native task', 'DataCloneError')
  }
  return buffers
}
