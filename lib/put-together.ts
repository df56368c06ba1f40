/** Puts plain data together again that was taken apart; see plain-codes.ts. */
import { ARRAY, FALSE, FRACTION, FRACTIONS, INTEGER, INTEGERS, KNOWN_SHAPE, NEW_SHAPE, NULL, SEPARATOR, TEXT, TEXTS, TRUE } from './plain-codes.ts'

/** A value taken apart, as it arrives: the structure with a byte a character, the fractions, and the texts in pieces. */
export type Parts = [structure: string, fractions: Float64Array | undefined, ...pieces: string[]]

let at = 0
let structureIn = ''
let fractionsIn: Float64Array | undefined
let textsIn: string[] = []
let nextText = 0
let nextFraction = 0
let shapesIn: string[][] = []

/** Puts a value together again. */
export function putTogether([structure, doubles, ...pieces]: Parts): unknown {
  structureIn = structure
  fractionsIn = doubles
  textsIn = pieces.length === 0 ? [] : (pieces[0] as string).split(SEPARATOR)
  for (let index = 1; index < pieces.length; index++) textsIn = textsIn.concat((pieces[index] as string).split(SEPARATOR))
  at = 0
  nextText = 0
  nextFraction = 0
  const value = readValue()
  textsIn = []
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
  return textsIn.slice(nextText, (nextText += length))
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
