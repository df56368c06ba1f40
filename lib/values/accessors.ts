/**
 * A value without its accessors. What a getter gives cannot be seen before it is called, and the engine would
 * call it while it clones: a future that comes out of it would be cloned as an empty object (see
 * errors/thread-bound.ts). So the getters are called here, each once and in the engine's order, and what
 * crosses is a copy of the value that holds what they gave.
 *
 * Copied is what may lie on the way to an accessor; all else is in the copy as it is, and the engine clones
 * both as it would the original.
 */
import { types } from 'node:util'
import { withoutStacks } from '../errors/without-stacks.ts'
import { define } from '../host/define.ts'
import { isOrdinary } from './properties.ts'
import { isNodes } from './v8/safe.ts'

/** Copies `value`. @throws what a getter throws; RangeError for what is too deep, as the engine does */
export function withoutAccessors(value: unknown): unknown {
  return new Copier(KEEP).copy(value)
}

/** Copies `value`, which has no accessors, with something else in the place of some objects. */
export function withReplacements(value: unknown, replacement: Replacement): unknown {
  return new Copier(replacement).copy(value)
}

/** What takes the place of an object, if anything does. */
type Replacement = (object: object) => object | undefined

const KEEP: Replacement = () => undefined

class Copier {
  readonly #copies: Map<object, object> = new Map()
  readonly #replacement: Replacement

  constructor(replacement: Replacement) {
    this.#replacement = replacement
  }

  copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || types.isProxy(value)) return value
    return this.#copies.get(value) ?? this.#replacement(value) ?? this.#copyNew(value)
  }

  #copyNew(object: object): object {
    if (types.isMap(object)) return this.#copyMap(object)
    if (types.isSet(object)) return this.#copySet(object)
    if (types.isNativeError(object)) return this.#copyError(object)
    if (Array.isArray(object)) {
      const copy = this.#note(object, [] as unknown[])
      copy.length = object.length
      return this.#copyProperties(object, copy)
    }
    // Bytes, dates and what Node clones by a protocol of its own hold nothing of the user's; nor does what
    // has no properties, as other classes of the engine.
    const prototype = Object.getPrototypeOf(object) as object | null
    if (!isOrdinary(object) || isNodes(prototype) || Object.keys(object).length === 0) return object
    return this.#copyProperties(object, this.#note(object, Object.create(prototype) as object))
  }

  #note<T extends object>(object: object, copy: T): T {
    this.#copies.set(object, copy)
    return copy
  }

  #copyProperties(from: object, to: object): object {
    for (const key of Object.keys(from)) {
      // A getter may have deleted it meanwhile.
      if (Object.hasOwn(from, key)) add(to, key, this.copy((from as Record<string, unknown>)[key]))
    }
    return to
  }

  #copyMap(map: ReadonlyMap<unknown, unknown>): object {
    const copy = this.#note(map, new Map<unknown, unknown>())
    const entries: unknown[] = []
    // Not `for of`, which a subclass may have replaced.
    Map.prototype.forEach.call(map, (value: unknown, key: unknown) => entries.push(key, value))
    for (let at = 0; at < entries.length; at += 2) {
      copy.set(this.copy(entries[at]), this.copy(entries[at + 1]))
    }
    return copy
  }

  #copySet(set: ReadonlySet<unknown>): object {
    const copy = this.#note(set, new Set<unknown>())
    const items: unknown[] = []
    Set.prototype.forEach.call(set, (item: unknown) => items.push(item))
    for (const item of items) copy.add(this.copy(item))
    return copy
  }

  /** Of an error the engine clones name, message, stack and cause; only the last can hold something. */
  #copyError(error: Error): object {
    const cause: unknown = Object.getOwnPropertyDescriptor(error, 'cause')?.value
    if (typeof cause !== 'object' || cause === null) return error
    const copy = this.#note(
      error,
      withoutStacks(() => new Error()),
    )
    Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object | null)
    for (const key of ['name', 'message']) {
      const property = Object.getOwnPropertyDescriptor(error, key)
      if (property !== undefined) define(copy, key, property)
    }
    add(copy, 'stack', error.stack)
    add(copy, 'cause', this.copy(cause))
    return copy
  }
}

function add(object: object, key: string, value: unknown): void {
  define(object, key, { value, writable: true, enumerable: true, configurable: true })
}
