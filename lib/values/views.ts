/**
 * Views of ArrayBuffers, and the Buffers among them that are a part of a pool. The properties of a view are
 * read by the getters of its class: an own property of the object may say something else.
 */
import { types } from 'node:util'

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object

function getter(prototype: object, name: string): (this: ArrayBufferView) => any {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: ArrayBufferView) => any
}

const arrayBuffer = getter(typedArray, 'buffer')
const arrayTag = getter(typedArray, Symbol.toStringTag as unknown as string)
const dataViewBuffer = getter(DataView.prototype, 'buffer')
const dataViewLength = getter(DataView.prototype, 'byteLength')
const arrayKeys = (typedArray as Uint8Array).keys

/** The most bytes of memory that one value may bring along as a copy. The formats have no room for more. */
export const MOST_BYTES: number = 2 ** 31 - 1

/** The name of the class of a typed array or DataView. */
export function viewClass(view: ArrayBufferView): string {
  return (arrayTag.call(view) as string | undefined) ?? 'DataView'
}

/** The memory of a view. */
export function bufferOf(view: ArrayBufferView): ArrayBufferLike {
  return (arrayTag.call(view) === undefined ? dataViewBuffer : arrayBuffer).call(view) as ArrayBufferLike
}

/** Whether a buffer is detached: its memory was transferred. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0 || types.isSharedArrayBuffer(buffer)) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

/**
 * Whether a view whose buffer is not detached lies outside of it, because the buffer has shrunk. A typed
 * array then says that it is empty.
 */
export function isOutOfBounds(view: ArrayBufferView): boolean {
  if ((bufferOf(view) as { resizable?: boolean }).resizable !== true) return false
  try {
    if (arrayTag.call(view) === undefined) dataViewLength.call(view)
    else arrayKeys.call(view as Uint8Array)
    return false
  } catch {
    return true
  }
}

/**
 * Whether `view` is a Buffer over a part of its ArrayBuffer. Most of Node's Buffers are slices of a pool that
 * holds the bytes of other Buffers too: such a Buffer arrives as its own bytes.
 */
export function isPart(view: ArrayBufferView): boolean {
  return Buffer.isBuffer(view) && view.byteLength !== view.buffer.byteLength
}

/** What a part and its clone have in common. */
export function partName(view: ArrayBufferView): string {
  return `${view.byteOffset}:${view.byteLength}:${view.buffer.byteLength}`
}
