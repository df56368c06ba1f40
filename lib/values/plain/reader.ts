/** Reads plain data from its parts; see codes.ts. */
import { define } from '../../host/define.ts'
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
} from './codes.ts'

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

  begin(first: number): void {
    this.#next = first
    this.#piece = ''
    this.#from = 0
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

/** Reads a value. It begins with the state set anew, for a walk that was cut off leaves its own. */
export function readPlain(parts: Parts): unknown {
  if (shapesIn.length > 0) shapesIn = []
  isPolluted = arrayPrototype.length > 0
  pieces = parts
  structureIn = parts[0]
  fractionsIn = parts[1]
  texts.begin(OWN)
  lists.begin(OWN + parts[2])
  at = 0
  nextFraction = 0
  const value = readValue()
  pieces = NOTHING
  texts.begin(0)
  lists.begin(0)
  structureIn = ''
  fractionsIn = undefined
  if (shapesIn.length > 0) shapesIn = []
  return value
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

function readInteger(): number {
  const zigzag = readLength()
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

function readValue(): unknown {
  switch (structureIn.charCodeAt(at++)) {
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case INTEGER:
      return readInteger()
    case FRACTION:
      return fractionsIn?.[nextFraction++]
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
    case NEW_SHAPE: {
      const shape = readShape()
      shapesIn.push(shape)
      return readObject(shape)
    }
    case KNOWN_SHAPE:
      return readObject(shapesIn[readLength()] as Shape)
    default:
      return undefined
  }
}

/**
 * The keys of objects, and whether all objects have something of one of these names, which may be a setter.
 */
interface Shape {
  keys: string[]
  isInherited: boolean
}

function readShape(): Shape {
  const keys: string[] = []
  for (let count = readLength(); count > 0; count--) keys.push(texts.read(readLength()))
  return { keys, isInherited: keys.some((key) => key in Object.prototype) }
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
  const length = readLength()
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
  const length = readLength()
  const array = empty.slice(0, length)
  for (let index = 0; index < array.length; index++) array[index] = lists.read(readLength())
  while (array.length < length) append(array, lists.read(readLength()))
  return array
}

function readIntegers(): number[] {
  const length = readLength()
  const array: number[] = []
  for (let index = 0; index < length; index++) append(array, readInteger())
  return array
}

function readFractions(): number[] {
  const length = readLength()
  const array: number[] = []
  for (let index = 0; index < length; index++) {
    append(array, (fractionsIn as Float64Array)[nextFraction++] as number)
  }
  return array
}
