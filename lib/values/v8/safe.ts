/**
 * Which values `v8.Serializer` carries exactly as `structuredClone` does. It knows the language's own classes
 * and nothing of Node's: it throws on shared memory and WebAssembly modules, and makes plain objects of Blob,
 * BlockList, URL, DOMException and others, which `structuredClone` clones or refuses. A mark that JavaScript
 * cannot see tells them from the instances of users' classes, so an object of a class that was never met is
 * not safe until `structuredClone` has made a plain object of one.
 *
 * The survey runs no code of the user: it reads no accessor and looks into no proxy; neither is safe. It does
 * not recurse: a linked list of a million objects is a valid value.
 */
import { types } from 'node:util'
import { Blob } from 'node:buffer'
import { cureOf } from '../../errors/thread-bound.ts'
import { describe } from '../clone-error.ts'
import { hasGetter, hasOnlyElements, isAccessor, MOST_CHECKED } from '../properties.ts'
import { mainObjectPrototype } from '../realm.ts'
import { bufferOf, isPart, partName } from '../views.ts'

/** What a survey has found. */
export interface Survey {
  /** Whether the serializer can be trusted with all of the value. */
  isSafe: boolean
  /**
   * The prototypes of unknown classes; `trust` them once `structuredClone` has made plain objects of their
   * instances.
   */
  unknownPrototypes: object[]
  /** The names of Buffers that are a part of their ArrayBuffer; see {@link partName}. */
  parts: Set<string> | undefined
  /** Whether a view is of a resizable buffer. */
  hasResizable: boolean
  /** Whether there is an accessor that the engine would call (accessors.ts). */
  hasAccessor: boolean
  /** Whether it holds a DOMException, which may have been cloned as a plain object. */
  hasException: boolean
  /** Whether it holds shared memory, which only the form `MOVED` and a port carry. */
  hasShared: boolean
  /** How much memory it brings along that is not shared. */
  bytes: number
}

const NOTHING: readonly object[] = []

/** The prototypes whose instances `structuredClone` makes plain objects of. */
const trusted: WeakSet<object> = new WeakSet([Object.prototype])
if (mainObjectPrototype !== undefined) trusted.add(mainObjectPrototype)

const messaging: symbol[] = Object.getOwnPropertySymbols(Blob.prototype).filter((symbol) =>
  /^messaging_/.test(symbol.description ?? ''),
)

/**
 * Looks through `value`.
 *
 * @param moved - what moves, and so is not for this module to judge
 * @throws DataCloneError for what works in its own thread only (errors/thread-bound.ts)
 */
export function survey(value: unknown, moved?: readonly object[]): Survey {
  const found = new Surveyor(moved ?? NOTHING)
  found.visit(value)
  found.visitAll()
  return found
}

/**
 * Which of `wanted` a value holds, as a part of it or as the memory of a view. It looks into no accessor and
 * no proxy.
 */
export function heldBy(value: unknown, wanted: ReadonlySet<object>): object[] {
  const found = new Surveyor(undefined)
  found.visit(value)
  found.visitAll()
  const held = new Set<object>()
  for (const object of found.seen) {
    if (wanted.has(object)) held.add(object)
    if (ArrayBuffer.isView(object) && wanted.has(bufferOf(object))) held.add(bufferOf(object))
  }
  return [...held]
}

/** Instances of these classes are safe from now on. */
export function trust(prototypes: object[]): void {
  for (const prototype of prototypes) {
    // Not those of Node's own cloneable classes: whether one can be cloned differs from one to the next. Nor
    // of exceptions, which Node 20 makes plain objects of: for another process they have to be found again.
    if (!hasProxy(prototype) && !isNodes(prototype) && !isException(prototype)) trusted.add(prototype)
  }
}

/** Whether this is the prototype of a class of Node's that is cloned or moved by a protocol of its own. */
export function isNodes(prototype: object | null): boolean {
  return prototype !== null && !hasProxy(prototype) && messaging.some((symbol) => symbol in prototype)
}

/** Whether an object is a DOMException, or the prototype of some. */
export function isException(object: object): boolean {
  return object === DOMException.prototype || (!hasProxy(object) && object instanceof DOMException)
}

/** Whether there is a proxy in a chain of prototypes, whose traps would run. */
function hasProxy(prototype: object | null): boolean {
  let at = prototype
  while (at !== null && !types.isProxy(at)) at = Object.getPrototypeOf(at) as object | null
  return at !== null
}

class Surveyor implements Survey {
  isSafe = true
  readonly unknownPrototypes: object[] = []
  parts: Set<string> | undefined
  hasResizable = false
  hasAccessor = false
  hasException = false
  hasShared = false
  bytes = 0
  readonly seen: Set<object> = new Set()
  readonly #todo: object[] = []
  /** What is not refused; undefined if nothing is. */
  readonly #moved: readonly object[] | undefined

  constructor(moved: readonly object[] | undefined) {
    this.#moved = moved
  }

  /** Notes `value` for `visitAll`. */
  visit(value: unknown): void {
    if (typeof value === 'function' || typeof value === 'symbol') this.isSafe = false
    else if (typeof value === 'object' && value !== null && !this.seen.has(value)) {
      this.seen.add(value)
      this.#todo.push(value)
    }
  }

  visitAll(): void {
    for (let object = this.#todo.pop(); object !== undefined; object = this.#todo.pop()) this.#look(object)
  }

  #look(object: object): void {
    if (types.isProxy(object)) this.isSafe = false
    else if (Array.isArray(object)) this.#lookAtArray(object)
    else {
      const prototype: unknown = Object.getPrototypeOf(object)
      if (prototype === Object.prototype) this.#lookAtProperties(object)
      else if (!this.#lookAtNative(object)) this.#lookAtInstance(object, prototype as object | null)
    }
  }

  #lookAtArray(array: unknown[]): void {
    const length = array.length
    if (!hasOnlyElements(array)) return this.#lookAtProperties(array)
    for (let index = 0; index < length; index++) {
      if (length <= MOST_CHECKED && hasGetter(array, index)) {
        this.#noteAccessor()
        continue
      }
      const item = array[index]
      if (typeof item === 'object' ? item !== null : typeof item === 'function' || typeof item === 'symbol') {
        this.visit(item)
      }
    }
  }

  #lookAtProperties(object: object): void {
    for (const key of Object.keys(object)) {
      if (isAccessor(object, key)) this.#noteAccessor()
      else this.visit((object as Record<string, unknown>)[key])
    }
  }

  #noteAccessor(): void {
    this.isSafe = false
    this.hasAccessor = true
  }

  /** Looks at an object of one of the language's classes that the serializer knows; false for all others. */
  #lookAtNative(object: object): boolean {
    if (ArrayBuffer.isView(object)) this.#lookAtView(object)
    else if (types.isMap(object)) {
      // Not `for of`, which a subclass may have replaced.
      Map.prototype.forEach.call(object, (item: unknown, key: unknown) => {
        this.visit(key)
        this.visit(item)
      })
    } else if (types.isSet(object)) Set.prototype.forEach.call(object, (item: unknown) => this.visit(item))
    else if (types.isNativeError(object)) this.#lookAtError(object)
    else if (types.isSharedArrayBuffer(object)) this.hasShared = true
    else if (types.isSymbolObject(object)) this.isSafe = false
    else if (types.isArrayBuffer(object)) this.bytes += object.byteLength
    else return types.isDate(object) || types.isRegExp(object) || types.isBoxedPrimitive(object)
    return true
  }

  #lookAtView(view: ArrayBufferView): void {
    const buffer = bufferOf(view)
    if (types.isSharedArrayBuffer(buffer)) this.hasShared = true
    else if (isPart(view) && (buffer as { resizable?: boolean }).resizable !== true) {
      ;(this.parts ??= new Set()).add(partName(view))
      this.bytes += view.byteLength
    } else {
      if ((buffer as { resizable?: boolean }).resizable === true) this.hasResizable = true
      // Its bytes are counted when the buffer is visited, once.
      this.visit(buffer)
    }
  }

  #lookAtError(error: Error): void {
    if (error instanceof DOMException) this.#noteException()
    else if (isAccessor(error, 'cause')) this.isSafe = false
    else if (Object.hasOwn(error, 'cause')) this.visit(error.cause)
  }

  #lookAtInstance(object: object, prototype: object | null): void {
    if (prototype !== null && !trusted.has(prototype)) {
      this.isSafe = false
      this.unknownPrototypes.push(prototype)
      this.#refuse(object)
      if (isException(object)) this.#noteException()
    }
    this.#lookAtProperties(object)
  }

  #noteException(): void {
    this.isSafe = false
    this.hasException = true
  }

  /** Throws for what works in its own thread only; its classes never become trusted. */
  #refuse(object: object): void {
    if (this.#moved?.includes(object) === false && cureOf(object) !== undefined) {
      throw new DOMException(describe(object), 'DataCloneError')
    }
  }
}
