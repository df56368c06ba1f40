/**
 * Shared values among the arguments of a task. The others are packed as ever, with `undefined` in the places
 * of these; beside them cross the places, each with the number of a shared value, as a flat array. In the
 * worker the addon has the values themselves in place of the numbers.
 *
 * Of a chunk of `map` there are columns, one for each argument. The place of a value that is all of a column
 * is the number of the column; that of one in a row is `columns × (row + 1) + column`.
 */
import type { Means } from './means.ts'
import { hasShared, sourceOf } from './shared.ts'

/** Arguments without their shared values, and where these are. */
export interface Split<Args> {
  readonly others: Args
  /** Each with the number of its value after it. */
  readonly places: readonly number[]
}

/**
 * Takes the shared values out of a list of arguments; undefined if there are none.
 *
 * @throws InvalidStateError for one that was released; DataCloneError for one that cannot go there
 */
export function splitShared(args: readonly unknown[], means: Means): Split<unknown[]> | undefined {
  if (!hasShared()) return undefined
  let others: unknown[] | undefined
  const places: number[] = []
  for (let index = 0; index < args.length; index++) {
    const number = numberOf(args[index], index, means)
    if (number === undefined) continue
    others ??= args.slice()
    others[index] = undefined
    places.push(index, number)
  }
  return others === undefined ? undefined : { others, places }
}

/** The same for the columns of a chunk. */
export function splitSharedColumns(
  columns: readonly unknown[][],
  means: Means,
): Split<unknown[][]> | undefined {
  if (!hasShared()) return undefined
  const width = columns.length
  const places: number[] = []
  const others = columns.map((column, index) => {
    const first = numberOf(column[0], index, means)
    if (first !== undefined && column.every((item) => item === column[0])) {
      places.push(index, first)
      return new Array<unknown>(column.length).fill(undefined)
    }
    let copy = column
    column.forEach((item, row) => {
      const number = numberOf(item, index, means)
      if (number === undefined) return
      if (copy === column) copy = column.slice()
      copy[row] = undefined
      places.push(width * (row + 1) + index, number)
    })
    return copy
  })
  return places.length === 0 ? undefined : { others, places }
}

/** Whether there is one among the arguments. */
export function someShared(args: readonly unknown[]): boolean {
  return args.some((arg) => sourceOf(arg) !== undefined)
}

function numberOf(arg: unknown, index: number, means: Means): number | undefined {
  const source = sourceOf(arg)
  if (source === undefined) return undefined
  if (source.isBound && !means.staysHere) {
    const why = 'it holds shared memory, or more than 2 GiB, and cannot leave its process'
    throw new DOMException(`argument ${index + 1} cannot be cloned: ${why}`, 'DataCloneError')
  }
  return source.number
}

/** Puts shared values into their places among arguments; they are in a flat array, each after its place. */
export function placeShared(args: unknown[], values: readonly unknown[], from: number = 0): unknown[] {
  for (let at = from; at < values.length; at += 2) args[values[at] as number] = values[at + 1]
  return args
}

/** The same among the columns of a chunk. */
export function placeSharedInColumns(columns: unknown[][], values: readonly unknown[], from: number): void {
  const width = columns.length
  for (let at = from; at < values.length; at += 2) {
    const place = values[at] as number
    const column = columns[place % width] as unknown[]
    if (place < width) column.fill(values[at + 1])
    else column[Math.floor(place / width) - 1] = values[at + 1]
  }
}
