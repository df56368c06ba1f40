/**
 * Writes plain data as its parts; see codes.ts. Like that of classify.ts, the walk gives up at everything
 * that is not plain.
 *
 * A walk may be cut off anywhere, by a stop or for want of stack: so each sets the state below anew. Code of
 * the user runs at one place only, where a long array is copied: if it starts another walk, this one gives
 * up.
 */
import { types } from 'node:util'
import { binding, fractionsOut, structureOut } from '../../addon/binding.ts'
import { hasGetter, hasOnlyElements, isOrdinary, MOST_CHECKED } from '../properties.ts'
import {
  ARRAY,
  FALSE,
  FRACTION,
  FRACTIONS,
  INTEGER,
  INTEGERS,
  KNOWN_SHAPE,
  NEW_SHAPE,
  NULL,
  TEXT,
  TEXTS,
  TRUE,
  UNDEFINED,
} from './codes.ts'
import { TextWriter, writeLengthAt } from './texts.ts'

const MOST_DEPTH = 64
const MOST_OBJECTS = 4_096
/** A value with more shapes is a dictionary, which other forms carry better. */
const MOST_SHAPES = 64
const MOST_KEYS = 256
/** One value takes no more bytes, but for those of an array, which has a check of its own. */
const MOST_OF_ONE = 16

const getDescriptor = Object.getOwnPropertyDescriptor
const getPrototype = Object.getPrototypeOf
const objectPrototype: unknown = Object.prototype
const arrayPrototype: unknown[] = Array.prototype
const slice = arrayPrototype.slice
const objectKeys = Object.getOwnPropertyNames
const firstKey = objectKeys(Object.prototype)[0]

const room = structureOut.length - MOST_OF_ONE

// The state of the walk.
let at = 0
let fractions = 0
let texts: TextWriter = new TextWriter()
/**
 * The texts of lists, apart from the others: one text that needs two bytes a character makes all of its
 * string need them.
 */
let lists: TextWriter = new TextWriter()
let shapes: string[][] = []
let lastShape = 0
let seen: Set<object> = new Set()
/** Counts the walks. */
let walk = 0

/** Writes a value: gives the number of what the addon keeps of it, or 0 if it is not plain, or too large. */
export function writePlain(value: unknown): number {
  begin()
  walk++
  const isPlain = writeValue(value, 0)
  const number = isPlain ? keep() : 0
  // Keeps nothing of the value alive.
  begin()
  return number
}

function begin(): void {
  at = 0
  fractions = 0
  lastShape = 0
  if (texts.isUsed) texts = new TextWriter()
  if (lists.isUsed) lists = new TextWriter()
  if (shapes.length > 0) shapes = []
  if (seen.size > 0) seen = new Set()
}

function keep(): number {
  const doubles = fractions
  for (const end of texts.ends) if (!writeFraction(end)) return 0
  for (const end of lists.ends) if (!writeFraction(end)) return 0
  return binding.keepPlain(at, doubles, texts.all, texts.ends.length, lists.all, lists.ends.length)
}

function writeLength(length: number): void {
  at = writeLengthAt(at, length)
}

function writeText(text: string): boolean {
  writeLength(text.length)
  return texts.add(text)
}

function isInteger(value: number): boolean {
  return (value | 0) === value && (value !== 0 || 1 / value > 0)
}

function writeValue(value: unknown, depth: number): boolean {
  if (at > room) return false
  switch (typeof value) {
    case 'string':
      structureOut[at++] = TEXT
      return writeText(value)
    case 'number':
      return writeNumber(value)
    case 'boolean':
      structureOut[at++] = value ? TRUE : FALSE
      return true
    case 'undefined':
      structureOut[at++] = UNDEFINED
      return true
    case 'object':
      if (value !== null) return writeObject(value, depth)
      structureOut[at++] = NULL
      return true
    default:
      return false
  }
}

function writeNumber(value: number): boolean {
  if (isInteger(value)) {
    structureOut[at++] = INTEGER
    writeLength(((value << 1) ^ (value >> 31)) >>> 0)
    return true
  }
  structureOut[at++] = FRACTION
  return writeFraction(value)
}

function writeFraction(value: number): boolean {
  if (fractions >= fractionsOut.length) return false
  fractionsOut[fractions++] = value
  return true
}

function writeObject(value: object, depth: number): boolean {
  // The proxy comes first: all else would run its traps.
  if (types.isProxy(value) || depth >= MOST_DEPTH || seen.has(value) || seen.size >= MOST_OBJECTS) {
    return false
  }
  seen.add(value)
  if (Array.isArray(value)) return writeArray(value, depth)
  const prototype: unknown = getPrototype(value)
  if (
    (prototype !== objectPrototype && (prototype !== null || !isOrdinary(value))) ||
    types.isArgumentsObject(value)
  ) {
    return false
  }
  const keys: string[] = []
  const values: unknown[] = []
  for (const key in value) {
    const property = getDescriptor(value, key)
    if (
      property === undefined ||
      property.get !== undefined ||
      property.set !== undefined ||
      key === '__proto__'
    ) {
      return false
    }
    if (keys.push(key) > MOST_KEYS) return false
    values.push(property.value)
  }
  if (keys.length === 0 && !isOrdinary(value)) return false
  if (!writeShape(keys)) return false
  for (let index = 0; index < values.length; index++) if (!writeValue(values[index], depth + 1)) return false
  return true
}

function writeShape(keys: string[]): boolean {
  const shape = findShape(keys)
  if (shape >= 0) {
    lastShape = shape
    structureOut[at++] = KNOWN_SHAPE
    writeLength(shape)
    return true
  }
  if (shapes.length >= MOST_SHAPES) return false
  lastShape = shapes.length
  shapes.push(keys)
  structureOut[at++] = NEW_SHAPE
  writeLength(keys.length)
  for (const key of keys) if (!writeText(key)) return false
  return true
}

/** The objects of a list mostly look like the one before. */
function findShape(keys: string[]): number {
  const count = shapes.length
  for (let step = 0; step < count; step++) {
    const index = (lastShape + step) % count
    if (isSame(shapes[index] as string[], keys)) return index
  }
  return -1
}

function isSame(one: string[], other: string[]): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

function writeArray(array: unknown[], depth: number): boolean {
  if (getPrototype(array) !== arrayPrototype) return false
  const length = array.length
  // A hole reads as an element of the prototype.
  if (arrayPrototype.length > 0) return false
  if (length <= MOST_CHECKED) {
    if (!hasOnlyElements(array)) return false
    for (let index = 0; index < length; index++) if (hasGetter(array, index)) return false
    return writeUniform(array) ?? writeItems(array, depth)
  }
  // Each takes a byte at least.
  if (at + length > room) return false
  const hasNames = binding.hasNames(array)
  if (hasNames === true) return false
  // To search it for accessors would cost more than all the rest. The copy has none: making it has called
  // them.
  const ours = walk
  const copy = slice.call(array)
  if (walk !== ours) return false
  // Without names and inherited elements, a uniform copy shows that the array has no holes.
  if (hasNames === false && !isPolluted()) {
    const isDone = writeUniform(copy)
    if (isDone !== undefined) return isDone
  }
  return hasOnlyElements(array) && copy.length === array.length && writeItems(copy, depth)
}

/** Whether holes may read as an element of `Object.prototype`; of its keys indices come first. */
function isPolluted(): boolean {
  return objectKeys(objectPrototype as object)[0] !== firstKey
}

/**
 * Writes an array of strings, or of numbers, and gives whether it had room; undefined if it is another one,
 * or has holes.
 */
function writeUniform(array: unknown[]): boolean | undefined {
  if (array.length < 2) return undefined
  if (typeof array[0] === 'string' && typeof array[1] === 'string') return writeTexts(array)
  if (typeof array[0] === 'number' && typeof array[1] === 'number') return writeNumbers(array)
  return undefined
}

function writeItems(array: unknown[], depth: number): boolean {
  structureOut[at++] = ARRAY
  writeLength(array.length)
  for (let index = 0; index < array.length; index++) if (!writeValue(array[index], depth + 1)) return false
  return true
}

/** Writes an array of strings; undefined if it holds something else. */
function writeTexts(array: unknown[]): boolean | undefined {
  const before = at
  // A length takes five bytes at most.
  if (at + 5 * array.length > room) return false
  structureOut[at++] = TEXTS
  writeLength(array.length)
  const end = lists.addList(array, at)
  if (typeof end === 'number') at = end
  else if (end === undefined) at = before
  return typeof end === 'number' ? true : end
}

/** Writes an array of numbers; undefined if it holds something else. */
function writeNumbers(array: unknown[]): boolean | undefined {
  const length = array.length
  let areIntegers = true
  for (let index = 0; index < length; index++) {
    const item = array[index]
    if (typeof item !== 'number') return undefined
    areIntegers &&= isInteger(item)
  }
  structureOut[at++] = areIntegers ? INTEGERS : FRACTIONS
  writeLength(length)
  if (!areIntegers) {
    if (fractions + length > fractionsOut.length) return false
    fractionsOut.set(array as number[], fractions)
    fractions += length
    return true
  }
  // An integer takes five bytes at most.
  if (at + 5 * length > room) return false
  for (let index = 0; index < length; index++) {
    const value = array[index] as number
    writeLength(((value << 1) ^ (value >> 31)) >>> 0)
  }
  return true
}
