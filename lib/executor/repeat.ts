/** `repeat(value)`: the same argument for each task of a `map`. */
import { integer } from '../options/check.ts'

/** Iterables without an end. */
const endless: WeakSet<object> = new WeakSet()

/**
 * An iterable that gives `value` again and again: Python's `itertools.repeat`, for an argument of `map` that
 * is the same in each task, such as a shared value.
 *
 * @param value - what it gives
 * @param times - how often, an integer >= 0; without it there is no end, and another iterable has to end the
 * map
 * @returns an iterable, which can be read more than once
 * @throws TypeError, RangeError for `times`
 * @example
 * ```ts
 * for await (const power of executor.map(Math.pow, repeat(2, 3), [1, 2, 3])) console.log(power) // 2, 4, 8
 * ```
 */
export function repeat<T>(value: T, times?: number): Iterable<T> {
  const count = times === undefined || times === Infinity ? Infinity : integer(times, 'times', 0)
  const iterable: Iterable<T> = {
    *[Symbol.iterator]() {
      for (let index = 0; index < count; index++) yield value
    },
  }
  if (count === Infinity) endless.add(iterable)
  return iterable
}

/** Whether an iterable is one of `repeat`'s that does not end. */
export function isEndless(iterable: unknown): boolean {
  return typeof iterable === 'object' && iterable !== null && endless.has(iterable)
}
