/**
 * The form `CLONED`: the bytes of `v8.Serializer`, written so that Buffers cross without the pool that they
 * are a part of.
 */
import { types } from 'node:util'
import { isPart, partName, viewClass } from '../views.ts'
import type { Survey } from './safe.ts'

/** What the serializer has to know of a value. */
export type Views = Pick<Survey, 'hasResizable' | 'parts'>

/** Node's own hooks, which its types do not declare. */
interface Hooks {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void
}

/** Writes what `survey` has found safe; with `isClone` a clone of that. */
export function serialize(value: unknown, found: Views, isClone: boolean = false): Uint8Array {
  // Whether a view follows the length of a resizable buffer cannot be seen from here: the engine must write
  // such views.
  const parts = found.hasResizable ? undefined : found.parts
  const { PartSerializer, Serializer } = classes()
  const serializer = parts === undefined ? new Serializer() : new PartSerializer(isClone ? parts : new Set())
  serializer.writeHeader()
  serializer.writeValue(value)
  const buffer = serializer.releaseBuffer()
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** Reads it again. */
export function deserialize(bytes: Uint8Array): unknown {
  const deserializer = new (classes().ValueDeserializer)(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}

/** The classes of views; not all are known to every Node. */
const VIEWS: readonly string[] = [
  ...['DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array'],
  ...['Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
]

const PART = 0
const VIEW = 1

/** `node:v8` takes half a millisecond to load, and few programs come here. */
function makeClasses() {
  const { Deserializer, Serializer } = process.getBuiltinModule('node:v8')

  /**
   * Writes all views itself: parts as their bytes, others as the engine would, with a reference to their
   * buffer.
   */
  class PartSerializer extends Serializer {
    readonly #parts: Set<string>

    constructor(parts: Set<string>) {
      super()
      this.#parts = parts
      ;(this as unknown as Hooks)._setTreatArrayBufferViewsAsHostObjects(true)
    }

    _writeHostObject(view: ArrayBufferView): void {
      if (!ArrayBuffer.isView(view)) {
        throw new DOMException('an object of the host could not be cloned', 'DataCloneError')
      }
      const name = viewClass(view)
      // Of a clone it is only known that it was made of a part.
      if (isPart(view) || (name === 'Uint8Array' && this.#parts.has(partName(view)))) {
        this.writeUint32(PART)
        this.writeUint32(view.byteLength)
        this.writeRawBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
        return
      }
      this.writeUint32(VIEW)
      this.writeValue(name)
      this.writeValue(view.buffer)
      // After a buffer the engine looks for a view of it, where it skips zeros: this is none, and no zero.
      this.writeUint32(1)
      this.writeDouble(view.byteOffset)
      this.writeDouble(name === 'DataView' ? view.byteLength : (view as Uint8Array).length)
    }
  }

  class ValueDeserializer extends Deserializer {
    _readHostObject(): ArrayBufferView {
      if (this.readUint32() === PART) return new Uint8Array(this.readRawBytes(this.readUint32()))
      const name = this.readValue() as 'Uint8Array'
      const buffer = this.readValue() as ArrayBuffer
      // What a child process has written may name any class.
      if (!VIEWS.includes(name) || !types.isArrayBuffer(buffer)) {
        throw new TypeError(`${String(name)} is no view`)
      }
      this.readUint32()
      const offset = this.readDouble()
      return new globalThis[name](buffer, offset, this.readDouble())
    }
  }

  return { PartSerializer, Serializer, ValueDeserializer }
}

let made: ReturnType<typeof makeClasses> | undefined

function classes(): ReturnType<typeof makeClasses> {
  return (made ??= makeClasses())
}
