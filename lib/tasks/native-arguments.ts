/**
 * The arguments of native tasks: checked when they are submitted, then as the addon takes them, positional
 * primitives and bytes, which it copies. A string goes as it is: the pool's thread encodes it.
 */
import { constants } from 'node:buffer'
import { types } from 'node:util'
import { integer, options as checkOptions } from '../options/check.ts'
import { describe } from '../values/clone-error.ts'
import { bufferOf, isDetached, isOutOfBounds, viewClass } from '../values/views.ts'

/**
 * Bytes: any view, an ArrayBuffer, shared memory, or a string, which goes as UTF-8. They are copied when the
 * task is submitted.
 */
export type Bytes = ArrayBufferView | ArrayBufferLike | string

/** Numbers: a typed array of any class but the two of bigints, or an array of numbers. */
export type Numbers = Numeric | readonly number[]

/** The typed arrays whose elements are numbers. */
export type Numeric =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array

/**
 * How large a result may grow if nobody says otherwise: 4 GiB, or what the runtime can hold if that is less.
 */
const MAX_OUTPUT: number = Math.min(constants.MAX_LENGTH, 2 ** 32)

const CLASSES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
]
/**
 * For kernels.statistics, in whose summary these classes are read as they are; others become a Float64Array
 * first.
 */
const AS_THEY_ARE: ReadonlyMap<string, (typeof CLASSES)[number]> = new Map(
  CLASSES.map((array) => [array.name, array]),
)

function wrongType(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(
    `${name} must be ${expected}, got ${typeof value === 'string' ? 'a string' : describe(value)}`,
  )
}

function checkAttached(buffer: ArrayBufferLike, name: string): void {
  if (isDetached(buffer)) throw new TypeError(`${name} must not be detached: its memory was transferred`)
}

/** The memory of a view that has some. @throws TypeError */
function memoryOf(view: ArrayBufferView, name: string): ArrayBufferLike {
  const buffer = bufferOf(view)
  checkAttached(buffer, name)
  if (isOutOfBounds(view)) throw new TypeError(`${name} must not be out of bounds: its buffer has shrunk`)
  return buffer
}

/** Bytes as the addon takes them. @throws TypeError */
export function bytes(value: unknown, name: string): Uint8Array | string {
  if (typeof value === 'string') return value
  if (ArrayBuffer.isView(value)) {
    const buffer = memoryOf(value, name)
    if (types.isUint8Array(value) && !types.isSharedArrayBuffer(buffer)) return value
    const all = new Uint8Array(buffer, value.byteOffset, value.byteLength)
    // Others may write to shared memory while it is read: the engine's own copy may, ours must not.
    return types.isSharedArrayBuffer(buffer) ? all.slice() : all
  }
  if (types.isArrayBuffer(value)) {
    checkAttached(value, name)
    return new Uint8Array(value)
  }
  if (types.isSharedArrayBuffer(value)) return new Uint8Array(value).slice()
  throw wrongType(name, 'a string, an ArrayBuffer or a view of one', value)
}

/** Numbers in one of the classes that the addon reads, in memory that is not shared. @throws TypeError */
export function numeric(value: unknown, name: string): Numeric {
  if (Array.isArray(value)) {
    return Float64Array.from(value as unknown[], (item, index) => checkNumber(item, `${name}[${index}]`))
  }
  if (!types.isTypedArray(value) || types.isBigInt64Array(value) || types.isBigUint64Array(value)) {
    throw wrongType(name, 'a typed array of numbers', value)
  }
  const array = value as Numeric
  const buffer = memoryOf(array, name)
  const own = AS_THEY_ARE.get(viewClass(array))
  if (own === undefined) return new Float64Array(array)
  // Not by `slice`, which asks the array for the class of the copy.
  return types.isSharedArrayBuffer(buffer) ? new own(array) : array
}

/** Numbers as a Float64Array. @throws TypeError */
export function float64(value: unknown, name: string): Float64Array {
  const array = numeric(value, name)
  return types.isFloat64Array(array) ? array : new Float64Array(array)
}

function checkNumber(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  return value
}

/** The most bytes of a result. */
function outputLimit(value: unknown): number {
  return value === undefined ? MAX_OUTPUT : integer(value, 'maxOutputLength', 0, constants.MAX_LENGTH)
}

/** How a codec compresses. */
export interface CompressOptions {
  /** More is smaller and slower. gzip: 0 to 9, default 6. zstd: -100 to 22, default 3. */
  level?: number | undefined
  /** The most bytes that the result may have; beyond it the task fails with a RangeError. Default 4 GiB. */
  maxOutputLength?: number | undefined
}

/** How a codec decompresses. */
export interface DecompressOptions {
  /**
   * The most bytes that the result may have; beyond it the task fails with a RangeError, and nothing more is
   * allocated. Default 4 GiB.
   */
  maxOutputLength?: number | undefined
}

/** Checks the arguments of a compressor with these levels. */
export function compression(args: readonly unknown[], least: number, most: number, usual: number): unknown[] {
  const given = checkOptions<CompressOptions>(args[1], 'options', ['level', 'maxOutputLength'])
  const level = given.level === undefined ? usual : integer(given.level, 'level', least, most)
  return [bytes(args[0], 'bytes'), level, outputLimit(given.maxOutputLength)]
}

/** Checks the arguments of a decompressor. */
export function decompression(args: readonly unknown[]): unknown[] {
  const given = checkOptions<DecompressOptions>(args[1], 'options', ['maxOutputLength'])
  return [bytes(args[0], 'bytes'), outputLimit(given.maxOutputLength)]
}

/** The shape of a product: `a` has m rows of k numbers, `b` has k rows of n. */
export interface MatmulShape {
  m: number
  k: number
  n: number
}

function shapeOf(value: unknown): MatmulShape {
  const given = checkOptions<MatmulShape>(value, 'shape', ['m', 'k', 'n'])
  return { m: integer(given.m, 'm', 0), k: integer(given.k, 'k', 0), n: integer(given.n, 'n', 0) }
}

/** Checks the arguments of a product of matrices. */
export function matrices(args: readonly unknown[]): unknown[] {
  const { m, k, n } = shapeOf(args[2])
  const a = float64(args[0], 'a')
  const b = float64(args[1], 'b')
  if (a.length !== m * k) {
    throw new RangeError(`a must have m * k = ${m} * ${k} = ${m * k} elements, not ${a.length}`)
  }
  if (b.length !== k * n) {
    throw new RangeError(`b must have k * n = ${k} * ${n} = ${k * n} elements, not ${b.length}`)
  }
  if (m * n * Float64Array.BYTES_PER_ELEMENT > constants.MAX_LENGTH) {
    throw new RangeError(`a result of ${m} x ${n} numbers does not fit into memory`)
  }
  return [a, b, m, k, n]
}

/** What an Argon2id hash costs, and its salt. The caps are docs/kernels.md's: a call cannot be stopped. */
export interface Argon2idOptions {
  /** 8 to 1,024 bytes; default: 16 random ones. */
  salt?: Bytes | undefined
  /** KiB of memory, from 8 a lane to 2,097,152; default 19,456. */
  memoryCost?: number | undefined
  /** Passes over the memory, at least 1; memory times passes is at most 4 GiB. Default 2. */
  timeCost?: number | undefined
  /** Lanes, 1 to 255; default 1. They are filled one after the other. */
  parallelism?: number | undefined
  /** Bytes of the hash, 4 to 1,024; default 32. */
  hashLength?: number | undefined
}

const MOST_MEMORY = 2 * 1024 * 1024
const MOST_WORK = 4 * 1024 * 1024

/** Checks the arguments of a password's hash. */
export function passwordHash(args: readonly unknown[]): unknown[] {
  const names = ['salt', 'memoryCost', 'timeCost', 'parallelism', 'hashLength'] as const
  const given = checkOptions<Argon2idOptions>(args[1], 'options', names)
  const {
    salt: givenSalt,
    parallelism: lanes,
    memoryCost: memory,
    timeCost: passes,
    hashLength: size,
  } = given
  const password = bytes(args[0], 'password')
  const salt = givenSalt === undefined ? undefined : bytes(givenSalt, 'salt')
  if (salt !== undefined) {
    const length = typeof salt === 'string' ? Buffer.byteLength(salt) : salt.byteLength
    if (length < 8 || length > 1024) {
      throw new RangeError(`salt must have from 8 to 1024 bytes, not ${length}`)
    }
  }
  const parallelism = lanes === undefined ? 1 : integer(lanes, 'parallelism', 1, 255)
  const memoryCost = integer(
    memory === undefined ? 19_456 : memory,
    'memoryCost',
    8 * parallelism,
    MOST_MEMORY,
  )
  const timeCost = integer(
    passes === undefined ? 2 : passes,
    'timeCost',
    1,
    Math.floor(MOST_WORK / memoryCost),
  )
  return [
    password,
    salt,
    memoryCost,
    timeCost,
    parallelism,
    size === undefined ? 32 : integer(size, 'hashLength', 4, 1024),
  ]
}
