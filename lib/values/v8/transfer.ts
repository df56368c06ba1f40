/**
 * The form `MOVED`: the bytes of `v8.Serializer` with the buffers that they refer to, which the addon carries
 * as they are: an ArrayBuffer of a transfer list moves, a SharedArrayBuffer is shared.
 */
import { types } from 'node:util'
import { binding } from '../../addon/binding.ts'
import { clone } from '../../host/clone.ts'
import { whyUntransferable } from '../transferable.ts'
import { isDetached } from '../views.ts'

/** Bytes first, then buffers. */
export type Moved = [bytes: Uint8Array, ...buffers: (ArrayBuffer | SharedArrayBuffer)[]]

/**
 * V8's tags of a shared buffer, which Node's deserializer cannot read, and of a transferred one, which it
 * can.
 */
const SHARED_TAG = 0x75
const TRANSFERRED_TAG = 0x74
/** A 32-bit number of V8's wire format takes five bytes when it needs them, and may when it does not. */
const ID_BYTES = 5
/** The engine skips it before a tag. */
const PADDING = 0
const HEADER_BYTES = 2
const ID_BITS = 7

function writeId(into: Uint8Array, at: number, id: number): void {
  for (let index = 0; index < ID_BYTES; index++) {
    const more = index < ID_BYTES - 1 ? 0x80 : 0
    into[at + index] = (Math.floor(id / 2 ** (ID_BITS * index)) % 128) | more
  }
}

/** `node:v8` takes half a millisecond to load, and few programs come here. */
function makeClasses() {
  const { Deserializer, Serializer } = process.getBuiltinModule('node:v8')

  /**
   * A buffer on the receiver's list is referred to by its place there. For a shared one the engine asks
   * for an id, then writes a tag of its own and the id; Node's deserializer does not know that tag, so
   * it is replaced by the tag of a transferred buffer, and the id by the place. Where they are in the
   * bytes cannot be asked: the engine writes them after the call for the id, and Node's serializer does
   * not tell how much it has written. So the id is a random one that fills five bytes, and tag and id
   * are searched for. If the six bytes are found twice, because the value holds them too, the value is
   * written again with other ids: chance only makes that rare.
   */
  class MovingSerializer extends Serializer {
    readonly shared: SharedArrayBuffer[] = []
    readonly #ids: number[] = []

    _getSharedArrayBufferId(buffer: SharedArrayBuffer): number {
      this.shared.push(buffer)
      const id = 2 ** 28 + Math.floor(Math.random() * (2 ** 32 - 2 ** 28))
      this.#ids.push(id)
      return id
    }

    /** Replaces tags and ids. False if one was found elsewhere too. */
    place(bytes: Buffer, first: number): boolean {
      const mark = Buffer.alloc(1 + ID_BYTES)
      return this.#ids.every((id, index) => {
        mark[0] = SHARED_TAG
        writeId(mark, 1, id)
        const at = bytes.indexOf(mark)
        if (at < 0 || bytes.indexOf(mark, at + 1) >= 0) return false
        bytes[at] = TRANSFERRED_TAG
        writeId(bytes, at + 1, first + index)
        bytes.fill(
          PADDING,
          at + mark.length,
          at + mark.length + moreAfter(this.shared[index] as SharedArrayBuffer),
        )
        return true
      })
    }
  }

  return { Deserializer, MovingSerializer }
}

let made: ReturnType<typeof makeClasses> | undefined

function classes(): ReturnType<typeof makeClasses> {
  return (made ??= makeClasses())
}

/**
 * How many bytes the engine writes after the id of a shared buffer: from Node 24 on one for the memory of a
 * `WebAssembly.Memory`, otherwise none.
 */
function moreAfter(buffer: SharedArrayBuffer): number {
  const serializer = new (classes().MovingSerializer)()
  serializer.writeHeader()
  serializer.writeValue(buffer)
  return serializer.releaseBuffer().length - HEADER_BYTES - 1 - ID_BYTES
}

/**
 * Checks a transfer list; returns it if there is nothing in it but ArrayBuffers. Other objects only a
 * MessagePort can move, and check.
 * @throws DataCloneError for an object that is detached or in it twice, and for a buffer that cannot move
 */
export function checkTransfer(list: readonly object[]): ArrayBuffer[] | undefined {
  const seen = new Set<object>()
  let areBuffers = true
  list.forEach((item, index) => {
    if (typeof item !== 'object' || item === null) {
      throw new DOMException(`transfer[${index}] cannot be moved`, 'DataCloneError')
    }
    const isBuffer = types.isArrayBuffer(item)
    if (!isBuffer) areBuffers = false
    if (seen.has(item)) throw new DOMException(`transfer[${index}] is in the list twice`, 'DataCloneError')
    if (isBuffer && isDetached(item)) {
      throw new DOMException(`transfer[${index}] is detached`, 'DataCloneError')
    }
    const why = isBuffer ? whyUntransferable(item) : undefined
    if (why !== undefined) {
      throw new DOMException(`transfer[${index}] cannot be moved: ${why}`, 'DataCloneError')
    }
    seen.add(item)
  })
  return areBuffers ? (list as readonly ArrayBuffer[]).slice() : undefined
}

/** Detaches what is in a transfer list and was not detached with its value. */
export function emptyAll(buffers: readonly ArrayBuffer[]): void {
  const left = buffers.filter((buffer) => !isDetached(buffer))
  if (left.length > 0) clone(null, { transfer: left })
}

/**
 * Writes a value whose buffers move or are shared. Detaches nothing: the addon does, once the task is
 * accepted.
 */
export function serializeMoved(value: unknown, moved: readonly ArrayBuffer[]): Moved {
  for (;;) {
    const serializer = new (classes().MovingSerializer)()
    moved.forEach((buffer, index) => serializer.transferArrayBuffer(index, buffer))
    serializer.writeHeader()
    serializer.writeValue(value)
    const bytes = serializer.releaseBuffer()
    if (!serializer.place(bytes, moved.length)) continue
    if (serializer.shared.length > 0 && !binding.canMove) {
      throw new DOMException('shared memory cannot be sent on this runtime', 'DataCloneError')
    }
    return [new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), ...moved, ...serializer.shared]
  }
}

/** Reads it again. */
export function deserializeMoved([bytes, ...buffers]: Moved): unknown {
  const deserializer = new (classes().Deserializer)(bytes)
  buffers.forEach((buffer, index) => deserializer.transferArrayBuffer(index, buffer as ArrayBuffer))
  deserializer.readHeader()
  return deserializer.readValue()
}
