/**
 * How a value crosses from one isolate to another. The receiver must not be able to tell which way it came: each way is taken only for
 * values that it carries exactly as `structuredClone` would.
 *
 * A packed value is a *form* and a primitive or bytes, which the addon copies:
 * - `AS_IS`: primitives, and array buffers and whole views of them;
 * - `JSON_TEXT`: what JSON gives back unchanged;
 * - `CLONED`: the bytes of `v8.Serializer`, for what it carries faithfully. Where that is in doubt, `structuredClone` is asked, and its
 *   copy, about which there is no doubt, is written instead of the value;
 * - `MOVED`: the bytes of `v8.Serializer` and the buffers that move or are shared;
 * - `PORT`: what only a MessagePort can carry.
 */
import { types } from 'node:util'
import { describe, isDetached, placedError } from './clone-error.ts'
import { deserialize, serialize } from './cloned.ts'
import { survey, trust } from './faithful.ts'
import type { Survey } from './faithful.ts'
import { isJsonSafe } from './json-safe.ts'
import { deserializeMoved, serializeMoved } from './moved.ts'
import type { Moved } from './moved.ts'
import { isPart } from './views.ts'

export { describe, placedArgumentError } from './clone-error.ts'

export const AS_IS = 0
export const JSON_TEXT = 1
export const CLONED = 2
export const PORT = 3
/** With buffers that are moved or shared (value.rs). */
export const MOVED = 4
/** Added to the form: the result of a chunk of `map`. */
export const CHUNK = 16

/** The form of what `pack` or `packObject` returned last. */
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
    if (!(buffer instanceof ArrayBuffer) || !isOrdinary(buffer)) return false
    return value.byteLength === buffer.byteLength || isPart(value)
  }
  return types.isArrayBuffer(value) && isOrdinary(value)
}

function isOrdinary(buffer: ArrayBuffer): boolean {
  return (buffer as { resizable?: boolean }).resizable !== true && (buffer.byteLength > 0 || !isDetached(buffer))
}

/** Packs one value. Leaves the form in `packedForm`. `root` names the value in errors. @throws DataCloneError as `structuredClone` would */
export function pack(value: unknown, root: string = 'the value'): unknown {
  if (goesAsIs(value)) {
    packedForm = AS_IS
    return value
  }
  try {
    return packObject(value)
  } catch (error) {
    throw placedError(value, root, error)
  }
}

/** Packs an object, or whatever cannot go as it is. Errors do not name the place. */
export function packObject(value: unknown): unknown {
  if (isJsonSafe(value)) {
    const text = JSON.stringify(value)
    packedForm = JSON_TEXT
    return text
  }
  const found = survey(value)
  return found.isFaithful ? packFaithful(value, found) : packDoubtful(value, found)
}

function packFaithful(value: unknown, found: Survey): unknown {
  let bytes: Uint8Array
  try {
    bytes = serialize(value, found)
  } catch {
    // Whatever it is, the platform's answer is the right one.
    return packDoubtful(value, found)
  }
  packedForm = CLONED
  return bytes
}

/** Packs what `structuredClone` makes of the value: it calls each getter once, and throws what is to be thrown. */
function packDoubtful(value: unknown, found: Survey): unknown {
  const copy: unknown = structuredClone(value)
  const foundCopy = survey(copy)
  if (needsPort(foundCopy)) return packForPort(copy)
  trust(found.strangers)
  // A clone's views are no Buffers any more.
  foundCopy.parts = found.parts
  const bytes = serialize(copy, foundCopy)
  packedForm = CLONED
  return bytes
}

/** Whether the survey of what `structuredClone` has made shows that only a MessagePort can carry it: Node's own classes, shared memory, WebAssembly. */
function needsPort(found: Survey): boolean {
  return !found.isFaithful
}

/** The seam for what only a MessagePort can carry. */
function packForPort(copy: unknown): unknown {
  // Shared memory is the one of them that the addon carries.
  try {
    return packMoved(copy, [])
  } catch {
    // It was something else.
  }
  throw new DOMException(`${describe(copy)} that holds what only a MessagePort can carry is not supported yet`, 'DataCloneError')
}

/** Packs a value whose buffers in `moved` change hands. */
export function packMoved(value: unknown, moved: readonly ArrayBuffer[]): unknown {
  const data = serializeMoved(value, moved)
  packedForm = MOVED
  return data
}

/** Makes a packed value anew. */
export function unpack(form: number, data: unknown): any {
  if (form === MOVED) return deserializeMoved(data as Moved)
  if (form === AS_IS) return data
  if (form === JSON_TEXT) return JSON.parse(data as string)
  return deserialize(data as Uint8Array)
}
