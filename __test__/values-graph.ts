/**
 * Prints a value with all that code can tell of it, so that two values can be compared: classes, holes, -0,
 * and what is the same object.
 */
import { types } from 'node:util'

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object

/** One text for one shape: equal texts mean that nobody can tell the values apart. */
export function print(value: unknown): string {
  const ids = new Map<object, number>()
  return printValue(value, ids)
}

function printValue(value: unknown, ids: Map<object, number>): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return String(value)
  const known = ids.get(value)
  if (known !== undefined) return `#${known}`
  ids.set(value, ids.size)
  const name = className(value)
  return `#${ids.size - 1}=${name}(${inner(value, ids)})`
}

function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null) return 'null'
  const { constructor } = prototype as { constructor: { name: string; prototype: unknown } }
  return constructor.prototype === prototype ? constructor.name : 'a stranger'
}

function inner(value: object, ids: Map<object, number>): string {
  if (ArrayBuffer.isView(value)) return `${value.byteOffset},${value.byteLength},${isTracking(value)},${printValue(value.buffer, ids)}`
  if (types.isAnyArrayBuffer(value)) return printBuffer(value as ArrayBuffer)
  const parts: string[] = []
  if (types.isMap(value)) for (const [key, item] of value) parts.push(`${printValue(key, ids)}=>${printValue(item, ids)}`)
  if (types.isSet(value)) for (const item of value) parts.push(printValue(item, ids))
  if (types.isDate(value)) parts.push(String(value.getTime()))
  if (types.isRegExp(value)) parts.push(String(value), String(value.lastIndex))
  if (types.isBoxedPrimitive(value)) parts.push(printValue(value.valueOf(), ids))
  if (types.isNativeError(value)) parts.push(...errorParts(value, ids))
  if (Array.isArray(value)) parts.push(`length ${value.length}`)
  const properties = Object.getOwnPropertyDescriptors(value)
  for (const key of Reflect.ownKeys(properties)) {
    const property = properties[key as string] as PropertyDescriptor
    if (!property.enumerable) continue
    const flags = property.get !== undefined ? 'accessor' : property.writable === true && property.configurable === true ? '' : 'locked'
    parts.push(`${String(key)}${flags}:${printValue(property.value, ids)}`)
  }
  return parts.join(', ')
}

function errorParts(error: Error, ids: Map<object, number>): string[] {
  const cause = Object.hasOwn(error, 'cause') ? `cause ${printValue(error.cause, ids)}` : 'no cause'
  return [error.name, JSON.stringify(error.message), JSON.stringify(error.stack), cause]
}

function printBuffer(buffer: ArrayBuffer): string {
  const { resizable, maxByteLength } = buffer as ArrayBuffer & { resizable?: boolean; maxByteLength?: number }
  return `${Buffer.from(buffer).toString('hex')},${resizable},${maxByteLength}`
}

function isTracking(view: ArrayBufferView): boolean {
  const buffer = view.buffer as ArrayBuffer
  if (buffer.resizable !== true || buffer.byteLength >= buffer.maxByteLength) return false
  const [length, before] = [buffer.byteLength, view.byteLength]
  buffer.resize(buffer.maxByteLength)
  const after = view.byteLength
  buffer.resize(length)
  return after !== before || !(view instanceof DataView || Object.getPrototypeOf(view.constructor.prototype) === typedArray)
}
