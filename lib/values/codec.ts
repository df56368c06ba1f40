/**
 * How a value crosses from one isolate to another. The receiver must not be able to tell which form it had:
 * each form is taken only for values that it carries exactly as `structuredClone` would.
 *
 * A packed value is a form and data, a primitive or bytes, which the addon copies. The forms:
 *
 * - `FORM_AS_IS`: primitives, and array buffers and whole views of them;
 * - `FORM_COMPACT`: small plain objects and arrays, as one string (plain/codes.ts);
 * - `FORM_PLAIN`: larger ones, as bytes, texts and doubles. Like `FORM_WRITTEN`, it is a number on the one
 *   side; on the other, the parts;
 * - `FORM_JSON`: the description of an error (errors/description.ts);
 * - `FORM_CLONED`: the bytes of `v8.Serializer`, for what it carries as `structuredClone` does (v8/safe.ts).
 *   Where that is not sure, the copy that `structuredClone` makes is written instead of the value;
 * - `FORM_MOVED`: the bytes of `v8.Serializer` and the buffers that move or are shared;
 * - `FORM_WRITTEN`: the same bytes, which the addon has V8 write and read where it can. TypeScript sees their
 *   number on the one side and, as `FORM_READ`, the value on the other;
 * - `FORM_WHOLE`: bytes that are all of an ArrayBuffer, which moves;
 * - `FORM_PORT`: a port value, which only a MessagePort can carry. It crosses beside the addon (ports/),
 *   which is given a number for it.
 */
import { types } from 'node:util'
import { binding } from '../addon/binding.ts'
import { clone } from '../host/clone.ts'
import { parseJson } from '../host/json.ts'
import { canSend, sendResult, takeResult } from '../ports/worker.ts'
import { withoutAccessors } from './accessors.ts'
import { noteCopy, placedError } from './clone-error.ts'
import {
  FORM_AS_IS,
  FORM_CLONED,
  FORM_COMPACT,
  FORM_JSON,
  FORM_MOVED,
  FORM_PLAIN,
  FORM_PORT,
  FORM_READ,
  FORM_WHOLE,
  FORM_WRITTEN,
} from '../addon/seam.ts'
import { ALL_MEANS, results } from './means.ts'
import type { Means } from './means.ts'
import { readPlain } from './plain/reader.ts'
import type { Parts } from './plain/reader.ts'
import { writePlain } from './plain/writer.ts'
import { adopt } from './realm.ts'
import { noteArrival, whyUntransferable } from './transferable.ts'
import { survey, trust } from './v8/safe.ts'
import type { Survey } from './v8/safe.ts'
import { deserialize, serialize } from './v8/serializer.ts'
import { checkTransfer, deserializeMoved, emptyAll, serializeMoved } from './v8/transfer.ts'
import type { Moved } from './v8/transfer.ts'
import { bufferOf, isDetached, isPart, MOST_BYTES } from './views.ts'
import { boundRefusal, hasAside, readAside, setAside } from './wire.ts'
import { sharedRefusal, transferRefusal, writeAside } from './wire.ts'

/** A packed value: its form, and what crosses. */
export interface Packed {
  readonly form: number
  readonly data: unknown
  /** The buffers that were to move and were copied: once the value was accepted they are detached. */
  readonly emptied?: readonly ArrayBuffer[]
}

const { canWrite } = binding

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
    if (!(buffer instanceof ArrayBuffer) || !isOrdinary(buffer) || value.byteLength > MOST_BYTES) return false
    return value.byteLength === buffer.byteLength || isPart(value)
  }
  return types.isArrayBuffer(value) && isOrdinary(value) && value.byteLength <= MOST_BYTES
}

/**
 * Whether `value` is bytes that are all of the one buffer in `transfer`, and that buffer can move, if it
 * `wasAsked` that already.
 */
export function movesWhole(value: unknown, transfer: readonly object[], wasAsked: boolean = false): boolean {
  if (
    transfer.length !== 1 ||
    !binding.canMove ||
    typeof value !== 'object' ||
    value === null ||
    !isWholeBytes(value)
  ) {
    return false
  }
  const buffer = ArrayBuffer.isView(value) ? bufferOf(value) : value
  return (
    buffer === transfer[0] &&
    (buffer as ArrayBuffer).byteLength === (value as ArrayBufferView).byteLength &&
    whyUntransferable(buffer as ArrayBuffer, wasAsked) === undefined
  )
}

function isOrdinary(buffer: ArrayBuffer): boolean {
  return (
    (buffer as { resizable?: boolean }).resizable !== true && (buffer.byteLength > 0 || !isDetached(buffer))
  )
}

/** Packs one value. `root` names the value in errors. @throws DataCloneError as `structuredClone` would */
export function pack(value: unknown, root: string = 'the value', means: Means = results().all): Packed {
  if (goesAsIs(value)) return { form: FORM_AS_IS, data: value }
  try {
    const packed = packObject(value, means)
    return packed.form === FORM_PORT ? send(packed.data, means) : packed
  } catch (error) {
    throw placedError(value, root, error)
  }
}

/** Packs a result, of which the objects in `transfer` move. @throws DataCloneError */
export function packTransfer(value: unknown, transfer: readonly object[], root: string): Packed {
  const { all: means } = results()
  // `transfer()` has checked the list.
  if (movesWhole(value, transfer, true)) return { form: FORM_WHOLE, data: value }
  try {
    const packed = packTransferred(value, transfer, means)
    if (packed.emptied !== undefined) emptyAll(packed.emptied)
    return packed.form === FORM_PORT ? send(packed.data, means, transfer) : packed
  } catch (error) {
    throw placedError(value, root, error, transfer)
  }
}

function send(value: unknown, { maySend }: Means, transfer?: readonly object[]): Packed {
  if (!canSend || !maySend) throw noPort()
  return { form: FORM_PORT, data: sendResult(value, transfer) }
}

/** The error for what only a MessagePort can carry, where none can be used. */
export function noPort(): DOMException {
  const message = 'it holds what only a MessagePort can carry, and there is none here'
  return new DOMException(message, 'DataCloneError')
}

/**
 * Packs an object, or whatever cannot go as it is. Errors do not name the place. What is left in the form
 * `FORM_PORT` is a copy that the caller has to send.
 */
export function packObject(value: unknown, means: Means = ALL_MEANS): Packed {
  const written = writePlain(value, canWrite && means.mayWrite, means.staysHere)
  if (written === 0) return packSurveyed(value, means)
  return { form: typeof written === 'string' ? FORM_COMPACT : FORM_PLAIN, data: written }
}

/** The same, never in a form of ours that is quick to read. */
export function packSurveyed(value: unknown, means: Means): Packed {
  const found = survey(value)
  if (!found.hasAccessor) return packFound(value, found, means)
  return packRead(value, (copy) => packFound(copy, survey(copy), means))
}

/** Packs a value whose getters have to be called first. */
function packRead(value: unknown, pack: (copy: unknown) => Packed): Packed {
  const copy = withoutAccessors(value)
  try {
    return pack(copy)
  } catch (error) {
    noteCopy(error, copy)
    throw error
  }
}

function packFound(value: unknown, found: Survey, means: Means): Packed {
  checkSize(found)
  if (found.hasShared && !means.sharesMemory) throw sharedRefusal(value)
  if (found.hasException && !means.staysHere) return packAside(value, found)
  if (!found.isSafe) return packCopy(value, found, means)
  return found.hasShared ? packShared(value, found, means) : packSafe(value, found, means)
}

function packSafe(value: unknown, found: Survey, means: Means): Packed {
  try {
    return write(value, found, means)
  } catch {
    // Whatever was thrown, `structuredClone` decides: it clones the value or throws the right error.
    return packCopy(value, found, means)
  }
}

/** Has V8's serializer write a value. @throws what the serializer throws */
function write(value: unknown, found: Survey, means: Means, isClone: boolean = false): Packed {
  // Buffers that are parts are written by `node:v8`, and what cannot be written throws there.
  if (canWrite && means.mayWrite && (found.parts === undefined || found.hasResizable)) {
    const number = binding.write(value)
    if (number !== 0) return { form: FORM_WRITTEN, data: number }
  }
  return { form: FORM_CLONED, data: serialize(value, found, isClone) }
}

/** Packs what `structuredClone` makes of the value: it throws the error that the caller is to get. */
function packCopy(value: unknown, found: Survey, means: Means): Packed {
  const copy: unknown = clone(value)
  const foundCopy = survey(copy)
  // Of what `structuredClone` has made, the serializer can carry all but Node's own classes and WebAssembly.
  if (!foundCopy.isSafe) {
    if (!means.staysHere) throw boundRefusal(copy, means.sharesMemory)
    return { form: FORM_PORT, data: copy }
  }
  trust(found.unknownPrototypes)
  if (foundCopy.hasShared) {
    if (!means.sharesMemory) throw sharedRefusal(copy)
    return packMoved(copy, [])
  }
  // A clone's views are no Buffers any more.
  foundCopy.parts = found.parts
  return write(copy, foundCopy, means, true)
}

/** Packs for another process a value with DOMExceptions, of which the serializer makes plain objects. */
function packAside(value: unknown, { hasResizable, parts }: Survey): Packed {
  const copy = clone(setAside(value))
  if (!survey(copy).isSafe) throw boundRefusal(copy.value)
  return { form: FORM_CLONED, data: writeAside(copy, { hasResizable, parts }) }
}

function checkSize({ bytes }: Survey): void {
  if (bytes > MOST_BYTES) {
    throw new RangeError(
      `${bytes} bytes are too many to be copied, more than ${MOST_BYTES}: transfer or share the memory`,
    )
  }
}

function packShared(value: unknown, found: Survey, means: Means): Packed {
  if (!binding.canMove) return packCopy(value, found, means)
  try {
    return packMoved(value, [])
  } catch {
    // Whatever was thrown, `structuredClone` decides: it clones the value or throws the right error.
    return packCopy(value, found, means)
  }
}

/**
 * Packs a value of which the objects in `transfer` move; like `packObject`, but `FORM_PORT` leaves the value
 * itself.
 */
export function packTransferred(
  value: unknown,
  transfer: readonly object[],
  means: Means = ALL_MEANS,
): Packed {
  const buffers = checkTransfer(transfer)
  if (buffers === undefined && !means.staysHere) throw transferRefusal(transfer)
  const found = survey(value, transfer)
  const pack = (value: unknown, found: Survey): Packed => packTransferable(value, found, buffers, means)
  if (!found.hasAccessor) return pack(value, found)
  return packRead(value, (copy) => pack(copy, survey(copy, transfer)))
}

function packTransferable(
  value: unknown,
  found: Survey,
  buffers: readonly ArrayBuffer[] | undefined,
  means: Means,
): Packed {
  for (const buffer of buffers ?? []) found.bytes -= buffer.byteLength
  checkSize(found)
  if (found.hasShared && !means.sharesMemory) throw sharedRefusal(value)
  if (buffers !== undefined && found.isSafe) return packMoved(value, buffers)
  if (!means.staysHere) return { ...packFound(value, found, means), emptied: buffers as ArrayBuffer[] }
  return { form: FORM_PORT, data: value }
}

/** Packs a value whose buffers in `moved` move. */
function packMoved(value: unknown, moved: readonly ArrayBuffer[]): Packed {
  return { form: FORM_MOVED, data: serializeMoved(value, moved) }
}

/** Makes a packed value anew. */
export function unpack(form: number, data: unknown): any {
  // What this realm's own code makes.
  if (form === FORM_JSON) return parseJson(data as string)
  if (form === FORM_COMPACT) return readPlain(data as string)
  if (form === FORM_PLAIN) {
    return readPlain((typeof data === 'number' ? binding.readBack(data) : data) as Parts)
  }
  return adopt(makeAnew(form, data))
}

function makeAnew(form: number, data: unknown): unknown {
  if (form === FORM_AS_IS || form === FORM_READ) return data
  if (form === FORM_WHOLE) {
    noteArrival(data)
    return data
  }
  if (form === FORM_MOVED) return deserializeMoved(data as Moved)
  if (form === FORM_PORT) return takeResult(data as number)
  if (form === FORM_WRITTEN) return binding.readBack(data as number)
  return hasAside(data as Uint8Array) ? readAside(data as Uint8Array) : deserialize(data as Uint8Array)
}
