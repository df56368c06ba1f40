/**
 * How a value crosses from one isolate to another. The receiver must not be able to tell which way it came: each way is taken only for
 * values that it carries exactly as `structuredClone` would.
 *
 * A packed value is a *form* and a primitive or bytes, which the addon copies:
 * - `AS_IS`: primitives, and array buffers and whole views of them;
 * - `JSON_TEXT`: what JSON gives back unchanged;
 * - `CLONED`: the bytes of `v8.Serializer`, for what it carries faithfully.
 */
import { Serializer, Deserializer } from 'node:v8'
import { types } from 'node:util'
import { isFaithful } from './faithful.ts'

export const AS_IS = 0
export const JSON_TEXT = 1
export const CLONED = 2
/** Added to the form: the result of a chunk of `map`. */
export const CHUNK = 16

/** The form of what `pack` or `packList` returned last. */
export let packedForm: number = AS_IS

/** Whether `value` goes as it is: a primitive, or bytes that are all of an ordinary ArrayBuffer. */
export function goesAsIs(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null || isWholeBytes(value)
    case 'symbol':
    case 'function':
      return false
    default:
      return true
  }
}

function isWholeBytes(value: object): boolean {
  if (ArrayBuffer.isView(value)) {
    const buffer = value.buffer
    if (!(buffer instanceof ArrayBuffer)) return false
    // A Buffer is often a slice of a pool that holds other people's bytes: it arrives as its own bytes only.
    if (value.byteLength !== buffer.byteLength && !Buffer.isBuffer(value)) return false
    return !isResizable(buffer) && Object.keys(value).length === elementCount(value)
  }
  return types.isArrayBuffer(value) && !isResizable(value) && !isDetached(value)
}

function elementCount(view: ArrayBufferView): number {
  return view instanceof DataView ? 0 : (view as Uint8Array).length
}

function isResizable(buffer: ArrayBuffer): boolean {
  return (buffer as { resizable?: boolean }).resizable === true
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

/** Packs one value. Leaves the form in `packedForm`. @throws DataCloneError as `structuredClone` would */
export function pack(value: unknown): unknown {
  if (goesAsIs(value)) {
    packedForm = AS_IS
    return value
  }
  return packObject(value)
}

/** Packs an object, or whatever cannot go as it is. */
export function packObject(value: unknown): unknown {
  if (isJsonSafe(value, [], 0)) {
    const text = JSON.stringify(value)
    packedForm = JSON_TEXT
    return text
  }
  const bytes = serialize(value)
  packedForm = CLONED
  return bytes
}

function serialize(value: unknown): Uint8Array {
  if (!isFaithful(value)) {
    // Throws what it cannot carry either, with the words of the platform.
    structuredClone(value)
    throw new DOMException(`${describe(value)} could not be cloned`, 'DataCloneError')
  }
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return bytesOf(serializer.releaseBuffer())
}

function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** Makes a packed value anew. */
export function unpack(form: number, data: unknown): any {
  if (form === AS_IS) return data
  if (form === JSON_TEXT) return JSON.parse(data as string)
  const deserializer = new Deserializer(data as Uint8Array)
  deserializer.readHeader()
  return deserializer.readValue()
}

/** How a value is named in a message. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return `${value.name === '' ? 'a function' : `the function ${value.name}`}`
  if (typeof value === 'symbol') return String(value)
  return `an object of class ${Object.prototype.toString.call(value).slice(8, -1)}`
}

const MOST_DEPTH = 64
const MOST_LINEAR = 32

/**
 * Whether JSON gives `value` back so that nobody can tell: plain objects and arrays without holes or extra properties, of strings,
 * finite numbers other than -0, booleans and null; nothing twice, no getters, no proxies.
 */
function isJsonSafe(value: unknown, seen: object[], depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      return value === null || isSafeObject(value, seen, depth)
    default:
      return false
  }
}

function isSafeObject(value: object, seen: object[], depth: number): boolean {
  // The list is searched from end to end: for large graphs the serializer, which knows references, is better.
  if (depth >= MOST_DEPTH || seen.length >= MOST_LINEAR * 32) return false
  if (seen.length < MOST_LINEAR ? seen.includes(value) : isSeen(seen, value)) return false
  if (types.isProxy(value)) return false
  seen.push(value)
  if (Array.isArray(value)) return isSafeArray(value, seen, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  let count = 0
  for (const key in value) {
    count++
    if (key === 'toJSON' || !isJsonSafe((value as Record<string, unknown>)[key], seen, depth + 1)) return false
  }
  return count < 1_000
}

let seenSet: WeakSet<object> = new WeakSet()
let seenFor: object[] | undefined

/** The same search for longer lists, by a set that is built once for a list and kept in step with it. */
function isSeen(seen: object[], value: object): boolean {
  if (seenFor !== seen) {
    seenFor = seen
    seenSet = new WeakSet(seen)
  } else {
    seenSet.add(seen[seen.length - 1] as object)
  }
  return seenSet.has(value)
}

function isSafeArray(array: unknown[], seen: object[], depth: number): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype) return false
  const length = array.length
  for (let index = 0; index < length; index++) {
    if (!isJsonSafe(array[index], seen, depth + 1)) return false
  }
  // A hole reads as undefined and was refused above; other own properties show here.
  return Object.keys(array).length === length
}
