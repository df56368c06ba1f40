/**
 * The native tasks that the package ships: they run in Rust, on a Rust thread of the pool, and need no
 * isolate.
 */
import {
  KERNEL_ARGON2ID,
  KERNEL_ARGON2_VERIFY,
  KERNEL_BLAKE3,
  KERNEL_COUNT_PRIMES,
  KERNEL_CRC32,
  KERNEL_GUNZIP,
  KERNEL_GZIP,
  KERNEL_MATMUL,
  KERNEL_SELECT,
  KERNEL_SHA256,
  KERNEL_SORT,
  KERNEL_STATISTICS,
  KERNEL_UNZSTD,
  KERNEL_XXH3,
  KERNEL_ZSTD,
  LEVEL_GZIP_DEFAULT,
  LEVEL_GZIP_MAX,
  LEVEL_GZIP_MIN,
  LEVEL_ZSTD_DEFAULT,
  LEVEL_ZSTD_MAX,
  LEVEL_ZSTD_MIN,
} from '../addon/seam.ts'
import { define } from '../host/define.ts'
import { integer, string } from '../options/check.ts'
import { registerNative } from './functions.ts'
import {
  bytes,
  compression,
  decompression,
  float64,
  matrices,
  numeric,
  passwordHash,
} from './native-arguments.ts'
import type {
  Argon2idOptions,
  Bytes,
  CompressOptions,
  DecompressOptions,
  MatmulShape,
  Numbers,
} from './native-arguments.ts'

/** Checks the arguments of a call and makes them what the addon takes. */
export type Prepare = (args: readonly unknown[]) => unknown[]

/** Makes the function that stands for native task `number`. */
export function defineNative(
  name: string,
  number: number,
  prepare: Prepare,
  isShipped: boolean = false,
): any {
  const stub = (): never => {
    throw new TypeError(`the native task ${name} runs on a thread of a pool: submit it to an executor`)
  }
  define(stub, 'name', { value: name })
  registerNative(stub, number, prepare, isShipped)
  return stub
}

/**
 * What `native.statistics` gives. NaN where it is undefined: of no numbers, and all but `count` with a NaN
 * among them.
 */
export interface Statistics {
  count: number
  sum: number
  min: number
  max: number
  mean: number
  /** The population's: divided by `count`. */
  variance: number
}

/**
 * The native tasks, to be submitted like functions. Wrong arguments are a TypeError or RangeError of
 * `submit`.
 */
export interface NativeTasks {
  /** How many primes are <= limit, an integer from 0 to 1e12. */
  readonly countPrimes: (limit: number) => number
  /** The SHA-256 digest, 32 bytes. */
  readonly sha256: (bytes: Bytes) => Uint8Array
  /** The BLAKE3 digest, 32 bytes. */
  readonly blake3: (bytes: Bytes) => Uint8Array
  /** The XXH3 checksum, 64 bits, seed 0. */
  readonly xxh3: (bytes: Bytes) => bigint
  /** The CRC-32 checksum, as `zlib.crc32` gives it. */
  readonly crc32: (bytes: Bytes) => number
  /** Compresses to gzip. */
  readonly gzip: (bytes: Bytes, options?: CompressOptions) => Uint8Array
  /** Decompresses all members of gzip. Truncated, corrupt or empty input is an Error. */
  readonly gunzip: (bytes: Bytes, options?: DecompressOptions) => Uint8Array
  /** Compresses to Zstandard. */
  readonly zstd: (bytes: Bytes, options?: CompressOptions) => Uint8Array
  /** Decompresses all frames of Zstandard. Truncated, corrupt or empty input is an Error. */
  readonly unzstd: (bytes: Bytes, options?: DecompressOptions) => Uint8Array
  /**
   * The numbers in the order of `TypedArray.prototype.sort`: -0 before 0, NaN last. The argument stays as it
   * is.
   */
  readonly sort: (numbers: Numbers) => Float64Array
  /** The number that `sort` would put at index `k`, from 0. */
  readonly select: (numbers: Numbers, k: number) => number
  /** Count, sum, extremes, mean and variance, in one walk. */
  readonly statistics: (numbers: Numbers) => Statistics
  /** The product of two matrices, row by row. */
  readonly matmul: (a: Numbers, b: Numbers, shape: MatmulShape) => Float64Array
  /** The Argon2id hash of a password, as a PHC string. Cannot be stopped once begun. */
  readonly argon2id: (password: Bytes, options?: Argon2idOptions) => string
  /** Whether a PHC string of Argon2 is that of the password. Cannot be stopped once begun. */
  readonly argon2Verify: (hash: string, password: Bytes) => boolean
}

const ofBytes: Prepare = (args) => [bytes(args[0], 'bytes')]

function selection(args: readonly unknown[]): unknown[] {
  const numbers = float64(args[0], 'numbers')
  if (numbers.length === 0) throw new RangeError('numbers must not be empty')
  return [numbers, integer(args[1], 'k', 0, numbers.length - 1)]
}

/** Refuses further arguments: options of a task that has none would be ignored in silence. */
function atMost(name: string, most: number, prepare: Prepare): Prepare {
  return (args) => {
    for (let index = most; index < args.length; index++) {
      if (args[index] !== undefined) {
        throw new TypeError(
          `${name} takes ${most === 1 ? 'one argument' : `${most} arguments`}, got ${args.length}`,
        )
      }
    }
    return prepare(args)
  }
}

function gzip(args: readonly unknown[]): unknown[] {
  return compression(args, LEVEL_GZIP_MIN, LEVEL_GZIP_MAX, LEVEL_GZIP_DEFAULT)
}

function zstd(args: readonly unknown[]): unknown[] {
  return compression(args, LEVEL_ZSTD_MIN, LEVEL_ZSTD_MAX, LEVEL_ZSTD_DEFAULT)
}

/** The number of each kernel in the addon, how many arguments it takes at most, and their check. */
const TASKS: Record<keyof NativeTasks, [kernel: number, most: number, prepare: Prepare]> = {
  countPrimes: [KERNEL_COUNT_PRIMES, 1, (args) => [integer(args[0], 'limit', 0, 1e12)]],
  sha256: [KERNEL_SHA256, 1, ofBytes],
  blake3: [KERNEL_BLAKE3, 1, ofBytes],
  xxh3: [KERNEL_XXH3, 1, ofBytes],
  crc32: [KERNEL_CRC32, 1, ofBytes],
  gzip: [KERNEL_GZIP, 2, gzip],
  gunzip: [KERNEL_GUNZIP, 2, decompression],
  zstd: [KERNEL_ZSTD, 2, zstd],
  unzstd: [KERNEL_UNZSTD, 2, decompression],
  sort: [KERNEL_SORT, 1, (args) => [float64(args[0], 'numbers')]],
  select: [KERNEL_SELECT, 2, selection],
  statistics: [KERNEL_STATISTICS, 1, (args) => [numeric(args[0], 'numbers')]],
  matmul: [KERNEL_MATMUL, 3, matrices],
  argon2id: [KERNEL_ARGON2ID, 2, passwordHash],
  argon2Verify: [KERNEL_ARGON2_VERIFY, 2, (args) => [string(args[0], 'hash'), bytes(args[1], 'password')]],
}

/**
 * Native tasks, to be submitted like functions.
 *
 * @example
 * ```ts
 * const digest = await executor.submit(native.blake3, bytes)
 * const limited = executor.with({ timeout: 1_000 })
 * const text = await limited.submit(native.gunzip, archive, { maxOutputLength: 1e8 })
 * ```
 */
export const native: NativeTasks = Object.freeze(
  Object.fromEntries(
    Object.entries(TASKS).map(([name, [kernel, most, prepare]]) => [
      name,
      defineNative(name, kernel, atMost(name, most, prepare), true),
    ]),
  ),
) as unknown as NativeTasks
