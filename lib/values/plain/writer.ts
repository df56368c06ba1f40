/**
 * Writes plain data; see codes.ts. The walk gives up at everything that is not plain. It runs no code of the
 * user's: it looks at proxies first, and reads no accessor.
 *
 * A walk may be cut off anywhere, by a stop or for want of stack: so each sets the state below anew. Code of
 * the user runs at one place only, where a long array is copied: if it starts another walk, this one gives
 * up.
 */
import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { binding, fractionsOut, structureOut } from '../../addon/binding.ts'
import { timeOf } from '../../host/clocks.ts'
import { hasGetter, hasOnlyElements, isOrdinary, MOST_CHECKED } from '../properties.ts'
import {
  ARRAY,
  BIGINT,
  DATE,
  FALSE,
  FIRST_INTEGER,
  FIRST_LENGTH,
  FRACTION,
  FRACTIONS,
  HEAD,
  INTEGER,
  INTEGERS,
  KNOWN_SHAPE,
  MOST_COMPACT,
  NULL,
  OWN_SHAPE,
  TEXT,
  TEXTS,
  TRUE,
  UNDEFINED,
  bytes,
  double,
  long,
} from './codes.ts'
import { forgetMet, met, wasMet } from './met.ts'
import { beginShapes, endShapes, numberOf, ownTable, placeOf, root, withKey } from './shapes.ts'
import type { Shape } from './shapes.ts'
import { TextWriter, writeLengthAt } from './texts.ts'

const MOST_DEPTH = 64
const MOST_OBJECTS = 4_096
const MOST_KEYS = 1_000
/** One value takes no more bytes, but for those of an array, which has a check of its own. */
const MOST_OF_ONE = 16
/** Shorter lists of fractions are written into the structure, so that the value may be compact. */
const FEW_FRACTIONS = 32

const getDescriptor = Object.getOwnPropertyDescriptor
const getPrototype = Object.getPrototypeOf
const objectPrototype: unknown = Object.prototype
const arrayPrototype: unknown[] = Array.prototype
const slice = arrayPrototype.slice
const objectKeys = Object.getOwnPropertyNames
const firstKey = objectKeys(Object.prototype)[0]

const room = structureOut.length - MOST_OF_ONE
/** What `toString('latin1', from, to)` calls. */
type Latin1 = { latin1Slice(from: number, to: number): string }
const { buffer, byteOffset, length: size } = structureOut
const structure = Buffer.from(buffer, byteOffset, size) as Buffer & Latin1

// The state of the walk.
let at = 0
/** How far the structure may come: that of a value that cannot be kept has to be compact. */
let limit = room
/** Whether shapes may be written by their numbers, which are those of this process. */
let hasNumbers = true
let fractions = 0
let texts: TextWriter = new TextWriter()
/**
 * The texts of lists, apart from the others: one text that needs two bytes a character makes all of its
 * string need them.
 */
let lists: TextWriter = new TextWriter()
/** Counts the walks. */
let walk = 0

/**
 * Writes a value: gives it as the string of a compact one, or the number of what the addon keeps of it; or 0
 * if it is not plain, or too large, or has to be kept and that `mayKeep` not be. What `staysHere` is read in
 * this process.
 */
export function writePlain(value: unknown, mayKeep: boolean, staysHere: boolean = true): string | number {
  // A hole reads as an element of the prototype, and what is appended may meet a setter.
  if (arrayPrototype.length > 0) return 0
  begin()
  beginShapes()
  walk++
  limit = mayKeep ? room : MOST_COMPACT
  hasNumbers = staysHere
  const isPlain = writeValue(value, 0)
  const written = isPlain ? finish(mayKeep) : 0
  endShapes()
  // Keeps nothing of the value alive.
  begin()
  return written
}

function begin(): void {
  at = HEAD
  fractions = 0
  texts.begin()
  lists.begin()
  forgetMet()
}

function finish(mayKeep: boolean): string | number {
  const table = ownTable()
  const listsAt = at + texts.length
  writeHead(at, listsAt, table.length)
  if (fractions === 0 && listsAt + lists.length + table.length <= MOST_COMPACT) {
    return structure.latin1Slice(0, at) + texts.all + lists.all + table
  }
  if (!mayKeep || (table !== '' && !lists.add(table))) return 0
  const doubles = fractions
  for (const end of texts.ends) if (!putFraction(end)) return 0
  for (const end of lists.ends) if (!putFraction(end)) return 0
  return binding.keepPlain(at, doubles, texts.all, texts.ends.length, lists.all, lists.ends.length)
}

function writeHead(textsAt: number, listsAt: number, table: number): void {
  structureOut[0] = textsAt
  structureOut[1] = textsAt >> 8
  structureOut[2] = listsAt
  structureOut[3] = listsAt >> 8
  structureOut[4] = table
  structureOut[5] = table >> 8
  structureOut[6] = table >> 16
}

function writeLength(length: number): void {
  at = writeLengthAt(at, length)
}

function isInteger(value: number): boolean {
  return (value | 0) === value && (value !== 0 || 1 / value > 0)
}

function writeValue(value: unknown, depth: number): boolean {
  if (at > limit) return false
  switch (typeof value) {
    case 'string':
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
    case 'bigint':
      return writeBigInt(value)
    default:
      return false
  }
}

function writeText(text: string): boolean {
  const { length } = text
  if (length < 256 - FIRST_LENGTH) structureOut[at++] = FIRST_LENGTH + length
  else {
    structureOut[at++] = TEXT
    writeLength(length)
  }
  return texts.add(text)
}

function writeNumber(value: number): boolean {
  if (isInteger(value)) {
    if (value >= 0 && value < FIRST_LENGTH - FIRST_INTEGER) structureOut[at++] = FIRST_INTEGER + value
    else {
      structureOut[at++] = INTEGER
      writeLength(((value << 1) ^ (value >> 31)) >>> 0)
    }
  } else writeDouble(FRACTION, value)
  return true
}

function writeDouble(code: number, value: number): void {
  double[0] = value
  writeBytes(code)
}

function writeBigInt(value: bigint): boolean {
  long[0] = value
  if (long[0] !== value) return false
  writeBytes(BIGINT)
  return true
}

function writeBytes(code: number): void {
  structureOut[at] = code
  for (let index = 0; index < 8; index++) structureOut[at + 1 + index] = bytes[index] as number
  at += 9
}

/** Writes beside the structure. */
function putFraction(value: number): boolean {
  if (fractions >= fractionsOut.length) return false
  fractionsOut[fractions++] = value
  return true
}

function writeObject(value: object, depth: number): boolean {
  // The proxy comes first: all else would run its traps.
  if (types.isProxy(value) || depth >= MOST_DEPTH || wasMet(value) || met > MOST_OBJECTS) return false
  if (Array.isArray(value)) return writeArray(value, depth)
  const prototype: unknown = getPrototype(value)
  if (prototype !== objectPrototype) {
    if (types.isDate(value)) return writeDate(value)
    if (prototype !== null || !isOrdinary(value)) return false
  }
  return !types.isArgumentsObject(value) && writeProperties(value, depth)
}

/** A Date is its time: its class and its properties are lost. */
function writeDate(date: object): boolean {
  writeDouble(DATE, timeOf(date))
  return true
}

function writeProperties(object: object, depth: number): boolean {
  const start = at
  at += 3
  let shape = root
  for (const key in object) {
    const property = getDescriptor(object, key)
    if (property === undefined || property.get !== undefined || property.set !== undefined) return false
    if (shape.level >= MOST_KEYS) return false
    const next = shape.next
    shape = next !== null && next.key === key ? next : withKey(shape, key)
    // Most values are texts: one call less for these.
    const item: unknown = property.value
    if (typeof item === 'string' ? at > limit || !writeText(item) : !writeValue(item, depth + 1)) return false
  }
  if (shape.level === 0 && !isOrdinary(object)) return false
  return writeShape(start, shape)
}

function writeShape(to: number, shape: Shape): boolean {
  let number = hasNumbers ? numberOf(shape) : 0
  structureOut[to] = KNOWN_SHAPE
  if (number === 0) {
    number = placeOf(shape)
    structureOut[to] = OWN_SHAPE
  }
  structureOut[to + 1] = number
  structureOut[to + 2] = number >> 8
  return number >= 0
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
  if (at + length > limit) return false
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

/** Writes an array of numbers; undefined if it holds something else, or few fractions. */
function writeNumbers(array: unknown[]): boolean | undefined {
  const length = array.length
  let areIntegers = true
  for (let index = 0; index < length; index++) {
    const item = array[index]
    if (typeof item !== 'number') return undefined
    areIntegers &&= isInteger(item)
  }
  if (!areIntegers && length < FEW_FRACTIONS) return undefined
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
