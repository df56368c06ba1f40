/**
 * Which values go as JSON: those that JSON gives back so that nobody can tell, and only small ones, for which JSON is the fastest way.
 *
 * The walk runs no code of the user: it looks at proxies first and reads no accessor, for `JSON.stringify` would call it a second time.
 */
import { types } from 'node:util'

const MOST_DEPTH = 64
/** More of them, or of the elements of one array, are not small (docs/values.md). */
const MOST_OBJECTS = 24
const MOST_ELEMENTS = 32
const MOST_KEYS = 1_000
/** The elements of longer arrays are not searched for accessors, which would cost more than all the rest. */
export const MOST_CHECKED: number = 32

/**
 * Where others overtake JSON: a character costs JSON some 2 ns more, a number with a fraction 100 ns, while an object costs the others 130 ns
 * more and their start 2 µs. The unit is a character.
 */
const FRACTION = 50
const ALLOWANCE = 1_024
const OBJECT_ALLOWANCE = 64

const getDescriptor = Object.getOwnPropertyDescriptor
const getPrototype = Object.getPrototypeOf
const objectPrototype: unknown = Object.prototype
const arrayPrototype: unknown = Array.prototype

/** The objects met, which are so many. An array that was cut off (`length = 0`) costs more than all the rest of a small walk. */
const seen: (object | undefined)[] = new Array(MOST_OBJECTS).fill(undefined)
let met = 0
let dear = 0
let isSmall = true

/** What {@link judge} finds: JSON carries it; it may be plain, but is not small; it is not plain. */
export const SMALL = 0
export const LARGE = 1
export const OTHER = 2

/**
 * Whether `value` is SMALL, LARGE or OTHER. Small means: of plain objects and arrays without holes, extra properties, accessors or proxies, holding strings, finite numbers
 * other than -0, booleans and null; nothing twice; not deep, and not mostly of what JSON is slow at.
 */
export function judge(value: unknown): number {
  dear = 0
  isSmall = true
  const isSafe = isSafeValue(value, 0)
  while (met > 0) seen[--met] = undefined
  return isSafe ? SMALL : isSmall ? OTHER : LARGE
}

function tooLarge(): false {
  isSmall = false
  return false
}

function isSafeValue(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      dear += value.length
      return true
    case 'boolean':
      return true
    case 'number':
      if (Number.isInteger(value)) return value !== 0 || 1 / value > 0
      dear += FRACTION
      return Number.isFinite(value)
    case 'object':
      return value === null || isSafeObject(value, depth)
    default:
      return false
  }
}

function isSafeObject(value: object, depth: number): boolean {
  // The proxy comes first: all else would run its traps. So may a look for `toJSON`, but for these prototypes.
  if (types.isProxy(value) || depth >= MOST_DEPTH || wasMet(value)) return false
  if (met >= MOST_OBJECTS) return tooLarge()
  seen[met++] = value
  if (!isCheap()) return false
  if (Array.isArray(value)) return getPrototype(value) === arrayPrototype && !('toJSON' in value) && isSafeArray(value, depth)
  const prototype: unknown = getPrototype(value)
  if ((prototype !== objectPrototype && prototype !== null) || 'toJSON' in value || types.isArgumentsObject(value)) return false
  let count = 0
  for (const key in value) {
    const property = getDescriptor(value, key)
    if (property === undefined || property.get !== undefined || property.set !== undefined) return false
    if (++count > MOST_KEYS) return tooLarge()
    if (!isSafeValue(property.value, depth + 1)) return false
  }
  return (count > 0 || isOrdinary(value)) && isCheap()
}

function wasMet(value: object): boolean {
  for (let index = 0; index < met; index++) if (seen[index] === value) return true
  return false
}

function isSafeArray(array: unknown[], depth: number): boolean {
  const length = array.length
  if (length > MOST_ELEMENTS) return tooLarge()
  // A hole reads as undefined and is refused below; other own properties show here.
  if (Object.keys(array).length !== length) return false
  for (let index = 0; index < length; index++) {
    if (hasGetter(array, index) || !isSafeValue(array[index], depth + 1)) return false
  }
  return isCheap()
}

function isCheap(): boolean {
  return dear <= ALLOWANCE + OBJECT_ALLOWANCE * met || tooLarge()
}

/** Whether an own property has a getter or a setter. */
export function isAccessor(object: object, key: PropertyKey): boolean {
  const property = getDescriptor(object, key)
  return property !== undefined && (property.get !== undefined || property.set !== undefined)
}

const lookUpGetter = (Object.prototype as unknown as { __lookupGetter__(key: number): unknown }).__lookupGetter__

/** Whether an element has a getter: for elements four times as fast as asking for the descriptor. */
export function hasGetter(array: unknown[], index: number): boolean {
  return lookUpGetter.call(array, index) !== undefined
}

/** Whether an object without enumerable properties is what its prototype says, not a Map or an error whose prototype was changed. */
export function isOrdinary(value: object): boolean {
  if (types.isMap(value) || types.isSet(value) || types.isDate(value) || types.isNativeError(value) || types.isRegExp(value)) return false
  return !(types.isBoxedPrimitive(value) || types.isAnyArrayBuffer(value) || types.isPromise(value) || ArrayBuffer.isView(value) || types.isExternal(value))
}
