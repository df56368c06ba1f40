/**
 * Objects that work in their own thread only: futures, executors, our iterators, AbortSignals and
 * AbortControllers. `structuredClone` makes `{}` of them in silence. As values they are refused, with words
 * that say what to do instead.
 */

import { types } from 'node:util'
import { define } from '../host/define.ts'

/** Where a prototype has these words; registered, so that copies of this package know each other's. */
const cure: unique symbol = Symbol.for('concurrent-futures.cure')

const abortClasses: ReadonlySet<unknown> = new Set(['AbortSignal', 'AbortController'])
/** Of our iterators. */
export const READ_IT: string = 'read it, and pass what it gives'
const USE_THE_OPTION = 'use with({ signal }), and currentTask().signal in the task'

/** Instances of this prototype's class are refused. */
export function bindToThread(prototype: object, words: string): void {
  define(prototype, cure, { value: words })
}

/**
 * What to do instead of passing an object, which is no proxy, that works in its own thread only; undefined
 * for all others. Nothing of the user's runs.
 */
export function cureOf(object: object): string | undefined {
  let at: unknown = Object.getPrototypeOf(object)
  for (; typeof at === 'object' && at !== null && !types.isProxy(at); at = Object.getPrototypeOf(at)) {
    const words: unknown = Object.getOwnPropertyDescriptor(at, cure)?.value
    if (typeof words === 'string') return words
    // By their tag: those of other contexts and of polyfills are of other classes.
    const tag: unknown = Object.getOwnPropertyDescriptor(at, Symbol.toStringTag)?.value
    if (abortClasses.has(tag)) return USE_THE_OPTION
  }
  return undefined
}
