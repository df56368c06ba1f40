/** What can be found out about an object's properties without running code of the user. */
import { types } from 'node:util'

/** The elements of longer arrays are not searched for accessors, which would cost more than all the rest. */
export const MOST_CHECKED: number = 32

const getDescriptor = Object.getOwnPropertyDescriptor

/** Whether an own property has a getter or a setter. */
export function isAccessor(object: object, key: PropertyKey): boolean {
  const property = getDescriptor(object, key)
  // Somebody may have given all objects a `get` or `set`.
  return property !== undefined && !Object.hasOwn(property, 'value')
}

/** Whether an array has neither holes nor enumerable properties besides its elements. */
export function hasOnlyElements(array: unknown[]): boolean {
  const length = array.length
  const keys = Object.keys(array)
  // Indices come first.
  return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))
}

const lookUpGetter = (Object.prototype as unknown as { __lookupGetter__(key: number): unknown })
  .__lookupGetter__

/** Whether an element has a getter: for elements four times as fast as asking for the descriptor. */
export function hasGetter(array: unknown[], index: number): boolean {
  return lookUpGetter.call(array, index) !== undefined
}

/**
 * Whether an object without enumerable properties, or without a prototype, is an ordinary one: no module, and
 * no Map or error whose prototype was changed.
 */
export function isOrdinary(value: object): boolean {
  if (
    types.isModuleNamespaceObject(value) ||
    types.isGeneratorObject(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value)
  ) {
    return false
  }
  if (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isNativeError(value) ||
    types.isRegExp(value)
  ) {
    return false
  }
  return !(
    types.isBoxedPrimitive(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isPromise(value) ||
    ArrayBuffer.isView(value) ||
    types.isExternal(value)
  )
}
