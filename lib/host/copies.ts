/**
 * What all copies of the package in an isolate share: a task's module may have loaded another copy than its
 * worker. It is on the global object, under a registered symbol.
 */
import { define } from './define.ts'

/**
 * What is shared under this name; `make` makes it if there is none. Where nothing can be added to the global
 * object any more, each copy has its own.
 */
export function sharedByCopies<T>(name: string, make: () => T): T {
  const key = Symbol.for(`concurrent-futures.${name}`)
  const found = (globalThis as { [key: symbol]: T | undefined })[key]
  if (found !== undefined) return found
  const made = make()
  if (Object.isExtensible(globalThis)) define(globalThis, key, { value: made })
  return made
}

/** What is shared under this name, if any copy has made it. */
export function foundByCopies<T>(name: string): T | undefined {
  return (globalThis as { [key: symbol]: T | undefined })[Symbol.for(`concurrent-futures.${name}`)]
}
