/**
 * Reads plain data; see codes.ts. Hostile code in a child process may have written it: whatever the bytes
 * say, no more is made than their number allows, and nothing of this isolate is reached.
 */
import { dateAt } from '../../host/clocks.ts'
import { define } from '../../host/define.ts'
import { parseJson } from '../../host/json.ts'
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
import { makerOf } from './makers.ts'
import type { Maker } from './makers.ts'

/**
 * The parts of a value, as they arrive: the structure with a byte a character, the fractions, how many pieces
 * of texts follow, these, and the pieces of texts in lists.
 */
export type Parts = [
  structure: string,
  fractions: Float64Array | undefined,
  count: number,
  ...pieces: string[],
]

/** Where the pieces begin. */
const OWN = 3

let at = 0
let structureIn = ''
let fractionsIn: Float64Array | undefined
let nextFraction = 0
let pieces: Parts
let shapesIn: Shape[] = []
const makers: (Maker | undefined)[] = []
const arrayPrototype: unknown[] = Array.prototype
/** Whether an array may inherit a setter for an element. */
let isPolluted = false

function append<T>(array: T[], item: T): void {
  if (isPolluted) {
    define(array, array.length, { value: item, writable: true, enumerable: true, configurable: true })
  } else {
    array.push(item)
  }
}

/** Reads the texts of some of the pieces, one after the other. */
class TextReader {
  #next = 0
  #piece = ''
  #from = 0

  /** The next piece is that of the number `next`; until then the text at `from` of `piece`. */
  begin(next: number, piece: string = '', from: number = 0): void {
    this.#next = next
    this.#piece = piece
    this.#from = from
  }

  read(length: number): string {
    let end = this.#from + length
    if (end > this.#piece.length) {
      this.#piece = pieces[this.#next++] as string
      this.#from = 0
      end = length
    }
    const text = this.#piece.substring(this.#from, end)
    this.#from = end
    return text
  }
}

const texts: TextReader = new TextReader()
const lists: TextReader = new TextReader()
const NOTHING: Parts = ['', undefined, 0]

/** Reads a value from its parts, or from the string of a compact one. */
export function readPlain(parts: Parts | string): unknown {
  // The state is set anew, for a walk that was cut off leaves its own.
  if (shapesIn.length > 0) shapesIn = []
  isPolluted = arrayPrototype.length > 0
  at = HEAD
  nextFraction = 0
  if (typeof parts === 'string') beginCompact(parts)
  else beginParts(parts)
  const value = readValue()
  pieces = NOTHING
  texts.begin(0)
  lists.begin(0)
  structureIn = ''
  fractionsIn = undefined
  if (shapesIn.length > 0) shapesIn = []
  return value
}

function beginCompact(string: string): void {
  structureIn = string
  texts.begin(0, string, string.charCodeAt(0) | (string.charCodeAt(1) << 8))
  lists.begin(0, string, string.charCodeAt(2) | (string.charCodeAt(3) << 8))
  readTable(string)
}

function beginParts(parts: Parts): void {
  pieces = parts
  structureIn = parts[0]
  fractionsIn = parts[1]
  texts.begin(OWN)
  lists.begin(OWN + parts[2])
  readTable(parts[parts.length - 1] as string)
}

/** Reads the table of the shapes that have no number, which is the last text. */
function readTable(last: string): void {
  const length =
    structureIn.charCodeAt(4) | (structureIn.charCodeAt(5) << 8) | (structureIn.charCodeAt(6) << 16)
  if (length === 0) return
  const table = parseJson(last.slice(last.length - length)) as string[][]
  for (let index = 0; index < table.length; index++) append(shapesIn, shapeOf(table[index] as string[]))
}

function shapeOf(keys: string[]): Shape {
  return { keys, isInherited: keys.some((key) => key in Object.prototype) }
}

function readLength(): number {
  let byte = structureIn.charCodeAt(at++)
  if (byte < 128) return byte
  let length = byte & 127
  for (let shift = 7; ; shift += 7) {
    byte = structureIn.charCodeAt(at++)
    length |= (byte & 127) << shift
    // Beyond the end it is not a number, and the loop must end.
    if (!(byte >= 128)) return length >>> 0
  }
}

/** Reads how many items follow, of which each takes a byte at least. */
function readCount(): number {
  const length = readLength()
  if (length > structureIn.length - at) throw malformed()
  return length
}

function malformed(): RangeError {
  return new RangeError('the bytes are not those of a value')
}

function readInteger(): number {
  const zigzag = readLength()
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

function readDouble(): number {
  for (let index = 0; index < 8; index++) bytes[index] = structureIn.charCodeAt(at + index)
  at += 8
  return double[0] as number
}

function readBigInt(): bigint {
  readDouble()
  return long[0] as bigint
}

function readValue(): unknown {
  const code = structureIn.charCodeAt(at++)
  if (code >= FIRST_LENGTH) return texts.read(code - FIRST_LENGTH)
  if (code >= FIRST_INTEGER) return code - FIRST_INTEGER
  switch (code) {
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case INTEGER:
      return readInteger()
    case FRACTION:
      return readDouble()
    case DATE:
      return dateAt(readDouble())
    case BIGINT:
      return readBigInt()
    case TEXT:
      return texts.read(readLength())
    case ARRAY:
      return readItems()
    case TEXTS:
      return readTexts()
    case INTEGERS:
      return readIntegers()
    case FRACTIONS:
      return readFractions()
    case KNOWN_SHAPE: {
      const number = readNumber()
      const make = (makers[number] ??= makerOf(number, readValue, (keys) => readObject(shapeOf(keys))))
      return make()
    }
    case OWN_SHAPE:
      return readObject(shapesIn[readNumber()] as Shape)
    case UNDEFINED:
      return undefined
    default:
      // Also beyond the end.
      throw malformed()
  }
}

function readNumber(): number {
  const number = structureIn.charCodeAt(at) | (structureIn.charCodeAt(at + 1) << 8)
  at += 2
  return number
}

/**
 * The keys of objects, and whether all objects have something of one of these names, which may be a setter.
 */
interface Shape {
  keys: string[]
  isInherited: boolean
}

function readObject({ keys, isInherited }: Shape): object {
  const object: Record<string, unknown> = {}
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string
    if (isInherited) {
      define(object, key, { value: readValue(), writable: true, enumerable: true, configurable: true })
    } else {
      object[key] = readValue()
    }
  }
  return object
}

function readItems(): unknown[] {
  const length = readCount()
  const array: unknown[] = []
  for (let index = 0; index < length; index++) append(array, readValue())
  return array
}

/**
 * Arrays of up to this length are made by a slice of it: the engine does not take those for arrays with
 * holes, which it reads and writes more slowly.
 */
const empty: string[] = []
for (let index = 0; index < 1_024; index++) empty.push('')

function readTexts(): string[] {
  const length = readCount()
  const array = empty.slice(0, length)
  for (let index = 0; index < array.length; index++) array[index] = lists.read(readLength())
  while (array.length < length) append(array, lists.read(readLength()))
  return array
}

function readIntegers(): number[] {
  const length = readCount()
  const array: number[] = []
  for (let index = 0; index < length; index++) append(array, readInteger())
  return array
}

function readFractions(): number[] {
  const length = readLength()
  const fractions = fractionsIn as Float64Array
  if (length > fractions.length - nextFraction) throw malformed()
  const array: number[] = []
  for (let index = 0; index < length; index++) {
    append(array, fractions[nextFraction++] as number)
  }
  return array
}
