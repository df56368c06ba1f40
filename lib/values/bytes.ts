/**
 * Any value as bytes that outlive the process which has written them: those of V8's serializer, as values
 * have them on the way to a child (wire.ts). The first byte says whether the value is in an array, which
 * carries what is no object.
 */
import { describeErrors, isError, keepClonable, makeErrors } from '../errors/description.ts'
import type { Description } from '../errors/description.ts'
import { FORM_CLONED } from '../addon/seam.ts'
import { placedError } from './clone-error.ts'
import { packSurveyed, unpack } from './codec.ts'
import { WIRE_UNWRITTEN } from './means.ts'

const IS_OBJECT = 0
const IS_IN_ARRAY = 1

/** Writes a value. @throws DataCloneError, which does not name the place; RangeError for too many bytes */
export function writeBytes(value: unknown): Uint8Array {
  const isObject = typeof value === 'object' && value !== null
  const bytes = packSurveyed(isObject ? value : [value], WIRE_UNWRITTEN).data as Uint8Array
  const all = new Uint8Array(bytes.length + 1)
  all[0] = isObject ? IS_OBJECT : IS_IN_ARRAY
  all.set(bytes, 1)
  return all
}

/** Reads it again. @throws whatever is wrong with bytes that somebody else has written */
export function readBytes(bytes: Uint8Array): unknown {
  const [kind] = bytes
  if (kind !== IS_OBJECT && kind !== IS_IN_ARRAY) throw new TypeError('these bytes are no value')
  const value: unknown = unpack(FORM_CLONED, bytes.subarray(1))
  return kind === IS_OBJECT ? value : (value as unknown[])[0]
}

/** What was thrown, as a value that can be written. */
export interface Thrown {
  /** Of an error. */
  readonly errors?: Description[]
  /** Of anything else. */
  readonly value?: unknown
}

/** Writes whatever was thrown; never throws. */
export function writeThrown(thrown: unknown): Uint8Array {
  try {
    if (!isError(thrown)) return writeBytes({ value: thrown } satisfies Thrown)
    const errors = describeErrors(thrown)
    try {
      return writeBytes({ errors } satisfies Thrown)
    } catch {
      // Something cannot be cloned: each value is tried by itself.
      keepClonable(errors, (value) => readBytes(writeBytes(value)))
      return writeBytes({ errors } satisfies Thrown)
    }
  } catch (error) {
    const named = placedError(thrown, 'the thrown value', error)
    const message = named instanceof Error ? named.message : 'the thrown value cannot be cloned'
    return writeBytes({
      errors: [{ class: 'DOMException', name: 'DataCloneError', message }],
    } satisfies Thrown)
  }
}

/** Makes what was thrown anew. */
export function readThrown(bytes: Uint8Array): unknown {
  const thrown = readBytes(bytes) as Thrown
  return thrown.errors === undefined ? thrown.value : makeErrors(thrown.errors)
}
