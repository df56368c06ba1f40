/** Puts plain data together again that was taken apart; see plain-codes.ts. */
import { ARRAY, FALSE, FRACTION, FRACTIONS, INTEGER, INTEGERS, KNOWN_SHAPE, NEW_SHAPE, NULL, SEPARATOR, TEXT, TEXTS, TRUE } from './plain-codes.ts'

/** A value taken apart, as it arrives: the structure with a byte a character, the fractions, and the texts in pieces: so many, then those of lists. */
export type Parts = [structure: string, fractions: Float64Array | undefined, count: number, ...pieces: string[]]

const NONE: string[] = []

let at = 0
let structureIn = ''
let fractionsIn: Float64Array | undefined
let textsIn: string[] = NONE
let listsIn: string[] = NONE
let nextText = 0
let nextListed = 0
let nextFraction = 0
let shapesIn: string[][] = []

/** Puts a value together again. */
export function putTogether(parts: Parts): unknown {
  structureIn = parts[0]
  fractionsIn = parts[1]
  const end = 3 + parts[2]
  textsIn = split(parts, 3, end)
  listsIn = split(parts, end, parts.length)
  at = 0
  nextText = 0
  nextListed = 0
  nextFraction = 0
  const value = readValue()
  textsIn = NONE
  listsIn = NONE
  fractionsIn = undefined
  if (shapesIn.length > 0) shapesIn = []
  return value
}

/** The texts of some of the pieces. */
function split(parts: Parts, from: number, to: number): string[] {
  if (from === to) return NONE
  const first = (parts[from] as string).split(SEPARATOR)
  if (from + 1 === to) return first
  const lists: string[][] = []
  for (let index = from + 1; index < to; index++) lists.push((parts[index] as string).split(SEPARATOR))
  return first.concat(...lists)
}

function readLength(): number {
  let byte = structureIn.charCodeAt(at++)
  if (byte < 128) return byte
  let length = byte & 127
  for (let shift = 7; ; shift += 7) {
    byte = structureIn.charCodeAt(at++)
    length |= (byte & 127) << shift
    if (byte < 128) return length >>> 0
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
      return textsIn[nextText++]
    case ARRAY:
      return readItems()
    case TEXTS:
      return readTexts()
    case INTEGERS:
      return readIntegers()
    case FRACTIONS:
      return readFractions()
    case NEW_SHAPE: {
      const count = readLength()
      const keys = textsIn.slice(nextText, (nextText += count))
      shapesIn.push(keys)
      return readObject(keys)
    }
    case KNOWN_SHAPE:
      return readObject(shapesIn[readLength()] as string[])
    default:
      return undefined
  }
}

function readObject(keys: string[]): object {
  const object: Record<string, unknown> = {}
  for (let index = 0; index < keys.length; index++) object[keys[index] as string] = readValue()
  return object
}

function readItems(): unknown[] {
  const length = readLength()
  const array: unknown[] = []
  for (let index = 0; index < length; index++) array.push(readValue())
  return array
}

function readTexts(): string[] {
  const length = readLength()
  // The only list, most of the time.
  if (length === listsIn.length) return listsIn
  return listsIn.slice(nextListed, (nextListed += length))
}

function readIntegers(): number[] {
  const length = readLength()
  const array: number[] = []
  for (let index = 0; index < length; index++) array.push(readInteger())
  return array
}

function readFractions(): number[] {
  const length = readLength()
  const array: number[] = []
  for (let index = 0; index < length; index++) array.push((fractionsIn as Float64Array)[nextFraction++] as number)
  return array
}
