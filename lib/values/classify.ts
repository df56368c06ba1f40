/**
 * Which values are small and plain, so that they go by a template, which is written on the way, or as JSON,
 * if it gives them back exactly as `structuredClone` would.
 *
 * The walk runs no code of the user: it looks at proxies first and reads no accessor, for `JSON.stringify`
 * would call it a second time.
 */
import { types } from 'node:util'
import { hasGetter, hasOnlyElements, isOrdinary } from './properties.ts'
import { ARRAY, END, NUMBERS, OBJECT, TEXTS } from './template/codes.ts'
import {
  begin,
  finish,
  isOnPath,
  putEmptyArray,
  putFlag,
  putList,
  putNothing,
  putNumber,
  putText,
  step,
} from './template/writer.ts'

const MOST_DEPTH = 64
/** More of them, or of the elements of one array, are not small (docs/values.md). */
const MOST_OBJECTS = 24
const MOST_ELEMENTS = 32
const MOST_KEYS = 1_000

/**
 * From where on other forms are faster than JSON: a character costs JSON some 2 ns more, a number with a
 * fraction 100 ns, while an object costs the others 130 ns more and their start 2 µs. The unit is a
 * character.
 */
const FRACTION = 50
const ALLOWANCE = 1_024
const OBJECT_ALLOWANCE = 64

const getDescriptor = Object.getOwnPropertyDescriptor
const getPrototype = Object.getPrototypeOf
const objectPrototype: unknown = Object.prototype
const arrayPrototype: unknown = Array.prototype

/**
 * The objects met, which are so many. An array that was cut off (`length = 0`) costs more than all the rest
 * of a small walk.
 */
const seen: (object | undefined)[] = new Array(MOST_OBJECTS).fill(undefined)
let met = 0
let cost = 0
let isSmall = true
let isJson = true

/**
 * What {@link classify} finds of a value that no template carries: JSON carries it; it may be plain, but is
 * not small; it is not plain.
 */
export const SMALL = 1
export const LARGE = 2
export const OTHER = 3

/**
 * What `value` is written as by a template, or whether it is SMALL, LARGE or OTHER. Small means: of plain
 * objects and arrays without holes, extra properties, accessors or proxies, holding strings, finite numbers
 * other than -0, booleans and null; nothing twice; not deep, and not mostly of what JSON is slow at. A
 * template carries the same, with any number and with undefined, if one is known for the structure.
 */
export function classify(value: unknown): string | typeof SMALL | typeof LARGE | typeof OTHER {
  cost = 0
  isSmall = true
  isJson = true
  begin()
  const isPlain = isSafeValue('', value, 0)
  while (met > 0) seen[--met] = undefined
  const string = finish(isPlain)
  if (!isPlain) return isSmall ? OTHER : LARGE
  return string ?? (isJson ? SMALL : OTHER)
}

/** JSON does not give back what was met: a template, or none of both. */
function isNoJson(): boolean {
  isJson = false
  return isOnPath()
}

function tooLarge(): false {
  isSmall = false
  return false
}

function isSafeValue(key: string, value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      cost += value.length
      putText(key, value)
      return true
    case 'boolean':
      putFlag(key, value)
      return true
    case 'number':
      putNumber(key, value)
      return isSafeNumber(value)
    case 'undefined':
      putNothing(key, value)
      return isNoJson()
    case 'object':
      if (value !== null) return isSafeObject(key, value, depth)
      putNothing(key, value)
      return true
    default:
      return false
  }
}

function isSafeNumber(value: number): boolean {
  if (Number.isInteger(value)) return value !== 0 || 1 / value > 0 || isNoJson()
  cost += FRACTION
  return Number.isFinite(value) || isNoJson()
}

function isSafeObject(key: string, value: object, depth: number): boolean {
  // The proxy comes first: all else would run its traps. A look for `toJSON` would run those of a prototype,
  // but for the two prototypes that are allowed here.
  if (types.isProxy(value) || depth >= MOST_DEPTH || wasMet(value)) return false
  if (met >= MOST_OBJECTS) return tooLarge()
  seen[met++] = value
  if (!isCheap()) return false
  if (Array.isArray(value)) {
    return getPrototype(value) === arrayPrototype && !('toJSON' in value) && isSafeArray(key, value, depth)
  }
  const prototype: unknown = getPrototype(value)
  if (
    (prototype !== objectPrototype && (prototype !== null || !isOrdinary(value))) ||
    'toJSON' in value ||
    types.isArgumentsObject(value)
  ) {
    return false
  }
  let count = 0
  step(key, OBJECT)
  for (const name in value) {
    const property = getDescriptor(value, name)
    if (property === undefined || property.get !== undefined || property.set !== undefined) return false
    if (++count > MOST_KEYS) return tooLarge()
    if (!isSafeValue(name, property.value, depth + 1)) return false
  }
  step('', END)
  return (count > 0 || isOrdinary(value)) && isCheap()
}

function wasMet(value: object): boolean {
  for (let index = 0; index < met; index++) if (seen[index] === value) return true
  return false
}

function isSafeArray(key: string, array: unknown[], depth: number): boolean {
  const length = array.length
  if (length > MOST_ELEMENTS) return tooLarge()
  if (!hasOnlyElements(array)) return false
  if (length === 0) {
    putEmptyArray(key)
    return true
  }
  const type = typeof array[0]
  let isUniform = type === 'string' || type === 'number'
  for (let index = 0; index < length; index++) {
    if (hasGetter(array, index)) return false
    isUniform &&= typeof array[index] === type
  }
  if (isUniform) return isSafeList(key, array as string[] | number[])
  step(key, ARRAY)
  for (let index = 0; index < length; index++) if (!isSafeValue('', array[index], depth + 1)) return false
  step('', END)
  return isCheap()
}

/** An array of nothing but strings, or of nothing but numbers. */
function isSafeList(key: string, list: string[] | number[]): boolean {
  const isOfTexts = typeof list[0] === 'string'
  putList(key, list, isOfTexts ? TEXTS : NUMBERS)
  for (let index = 0; index < list.length; index++) {
    const item = list[index] as string | number
    if (typeof item === 'string') cost += item.length
    else if (!isSafeNumber(item)) return false
  }
  return isCheap()
}

function isCheap(): boolean {
  return cost <= ALLOWANCE + OBJECT_ALLOWANCE * met || tooLarge()
}
