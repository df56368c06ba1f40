/**
 * Values on their way to another process, where they have to be bytes. The forms of codec.ts are, but for
 * those that carry memory or ports. Of what `structuredClone` can copy, some objects are bound to their
 * process: shared memory, WebAssembly modules, Node's own classes such as Blob and KeyObject. They are
 * refused, by name. A DOMException is of such a class and crosses all the same: V8's serializer gets a plain
 * object that stands for it, and beside the value a list that says what for.
 */
import { types } from 'node:util'
import { replaceStack } from '../errors/without-stacks.ts'
import { define } from '../host/define.ts'
import { withReplacements } from './accessors.ts'
import { describe, noteRefusal } from './clone-error.ts'
import { mainObjectPrototype } from './realm.ts'
import { isException } from './v8/safe.ts'
import { deserialize, serialize } from './v8/serializer.ts'
import type { Views } from './v8/serializer.ts'
import { bufferOf } from './views.ts'

/** What V8 has written begins with another byte. */
const MARK = 0

/** What stands for an exception, and what is known of it. */
type Stand = [stand: object, name: string, message: string, stack: unknown]

/** A value, and the exceptions beside it. */
export interface Aside {
  readonly value: unknown
  readonly exceptions: Stand[]
}

/** The error for a value that holds shared memory. */
export function sharedRefusal(value: unknown): DOMException {
  return refusal(value, isShared)
}

/** The error for what `structuredClone` has made, if the serializer cannot carry it. */
export function boundRefusal(copy: unknown, sharesMemory: boolean = false): DOMException {
  return refusal(copy, sharesMemory ? (value) => isBound(value) && !isShared(value) : isBound)
}

/** The error for a transfer list with something else than ArrayBuffers. */
export function transferRefusal(transfer: readonly object[]): DOMException {
  const index = transfer.findIndex((item) => !types.isArrayBuffer(item))
  return new DOMException(
    `transfer[${index}] cannot be moved: ${describe(transfer[index])} cannot leave its process`,
    'DataCloneError',
  )
}

function refusal(value: unknown, isRefused: (value: unknown) => boolean): DOMException {
  const error = new DOMException('it holds what cannot leave its process', 'DataCloneError')
  noteRefusal(error, value, isRefused)
  return error
}

function isShared(value: unknown): boolean {
  if (ArrayBuffer.isView(value)) return types.isSharedArrayBuffer(bufferOf(value))
  return types.isSharedArrayBuffer(value)
}

/** Whether a part of what `structuredClone` has made is bound to this process. */
function isBound(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isShared(value)) return true
  if (isPlain(value)) return false
  return !(
    types.isNativeError(value) ||
    ArrayBuffer.isView(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isArrayBuffer(value) ||
    types.isBoxedPrimitive(value)
  )
}

function isPlain(object: object): boolean {
  if (Array.isArray(object)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === Object.prototype || prototype === null || prototype === mainObjectPrototype
}

/** Puts stands in the place of the exceptions in a value, in a copy of it. */
export function setAside(value: unknown): Aside {
  const stands: Map<object, Stand> = new Map()
  const copy = withReplacements(value, (object) => {
    if (!isException(object)) return undefined
    let stand = stands.get(object)
    if (stand === undefined) {
      const { name, message, stack } = object as DOMException
      stand = [{}, name, message, stack]
      stands.set(object, stand)
    }
    return stand[0]
  })
  return { value: copy, exceptions: [...stands.values()] }
}

/** Writes such a copy. */
export function writeAside(aside: Aside, views: Views): Uint8Array {
  const bytes = serialize(aside, views, true)
  const marked = new Uint8Array(bytes.length + 1)
  marked[0] = MARK
  marked.set(bytes, 1)
  return marked
}

/** Whether bytes were written by {@link writeAside}. */
export function hasAside(bytes: Uint8Array): boolean {
  return bytes[0] === MARK
}

/** Reads them again. @throws whatever is wrong with bytes that somebody else has written */
export function readAside(bytes: Uint8Array): unknown {
  const { value, exceptions } = deserialize(bytes.subarray(1)) as Aside
  const made: Map<object, DOMException> = new Map()
  for (const [stand, name, message, stack] of exceptions) {
    const exception = new DOMException(String(message), String(name))
    if (typeof stack === 'string') replaceStack(exception, stack)
    made.set(stand, exception)
  }
  return replaceAll(value, (object) => made.get(object))
}

/**
 * Puts in the place of each object in a value what `replacement` has for it. Does not recurse, as a value may
 * be as deep as it is large.
 */
function replaceAll(root: unknown, replacement: (object: object) => object | undefined): unknown {
  const seen: Set<object> = new Set()
  const todo: object[] = []
  const visit = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return value
    const other = replacement(value)
    if (other !== undefined) return other
    seen.add(value)
    todo.push(value)
    return value
  }
  const replaced = visit(root)
  for (let object = todo.pop(); object !== undefined; object = todo.pop()) replaceIn(object, visit)
  return replaced
}

function replaceIn(object: object, visit: (value: unknown) => unknown): void {
  if (types.isMap(object)) replaceEntries(object, visit)
  else if (types.isSet(object)) replaceItems(object, visit)
  else if (types.isNativeError(object)) {
    if (Object.hasOwn(object, 'cause')) put(object, 'cause', visit(object.cause), false)
  } else if (isPlain(object)) {
    for (const key of Object.keys(object)) {
      const value = (object as Record<string, unknown>)[key]
      const other = visit(value)
      if (other !== value) put(object, key, other, true)
    }
  }
}

/** Defines rather than assigns: the key may be `__proto__`. */
function put(object: object, key: string, value: unknown, enumerable: boolean): void {
  define(object, key, { value, writable: true, enumerable, configurable: true })
}

function replaceEntries(map: Map<unknown, unknown>, visit: (value: unknown) => unknown): void {
  let isChanged = false
  const entries = Array.from(map, ([key, value]): [unknown, unknown] => {
    const entry: [unknown, unknown] = [visit(key), visit(value)]
    isChanged ||= entry[0] !== key || entry[1] !== value
    return entry
  })
  if (!isChanged) return
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

function replaceItems(set: Set<unknown>, visit: (value: unknown) => unknown): void {
  const items = Array.from(set, visit)
  if (items.every((item) => set.has(item))) return
  set.clear()
  for (const item of items) set.add(item)
}
