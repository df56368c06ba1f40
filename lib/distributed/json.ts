/**
 * Which values JSON carries exactly as `structuredClone` would: they are in Redis as text that everybody can
 * read. All others are bytes in base64.
 */
import { types } from 'node:util'

/** So many values are looked at: more are not read by anybody, and bytes are quicker. */
const MOST_VALUES = 10_000
const MOST_DEPTH = 64

/** Whether `JSON.parse(JSON.stringify(value))` gives the value as `structuredClone` does. */
export function isJson(value: unknown): boolean {
  return new Look().isExact(value, 0)
}

class Look {
  #left = MOST_VALUES
  /** What is in a value twice would arrive as two. */
  readonly #seen: Set<object> = new Set()

  isExact(value: unknown, depth: number): boolean {
    if (--this.#left < 0 || depth > MOST_DEPTH) return false
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return true
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
      case 'object':
        return value === null || this.#isExactObject(value, depth)
      default:
        return false
    }
  }

  #isExactObject(object: object, depth: number): boolean {
    if (types.isProxy(object) || this.#seen.has(object)) return false
    this.#seen.add(object)
    const isArray = Array.isArray(object)
    if (Object.getPrototypeOf(object) !== (isArray ? Array.prototype : Object.prototype)) return false
    const keys = Reflect.ownKeys(object)
    // An array has its length besides, and no holes.
    if (isArray && keys.length !== object.length + 1) return false
    if (keys.length > this.#left) return false
    return keys.every((key, index) => {
      if (isArray && index === keys.length - 1) return key === 'length'
      if (typeof key !== 'string' || key === '__proto__' || key === 'toJSON') return false
      if (isArray && key !== String(index)) return false
      const property = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor
      return 'value' in property && property.enumerable === true && this.isExact(property.value, depth + 1)
    })
  }
}
