/** How long an iterable says that it is. */
import { types } from 'node:util'
import type { Source } from './executor.ts'

/**
 * How many items an iterable has; Infinity where that is not known without reading it, and where asking for
 * it throws. It is a guess: the iterator may give more or fewer.
 */
export function lengthOf(source: Source<unknown>): number {
  try {
    const length: unknown =
      Array.isArray(source) || types.isTypedArray(source)
        ? source.length
        : types.isSet(source) || types.isMap(source)
          ? source.size
          : undefined
    return typeof length === 'number' ? length : Infinity
  } catch {
    return Infinity
  }
}
