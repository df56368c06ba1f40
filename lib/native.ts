/** The native tasks that the package ships: they run in Rust, on a Rust thread of the pool, and need no isolate. */
import { integer } from './check.ts'
import { registerNative } from './functions.ts'

/** Bytes: any view, an ArrayBuffer, or a string, which goes as UTF-8. */
export type Bytes = ArrayBufferView | ArrayBuffer | string

const MOST_PRIMES = 1e12

function bytes(value: unknown, name: string): unknown {
  if (typeof value === 'string') return new TextEncoder().encode(value)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return toBytes(value)
  if (value instanceof SharedArrayBuffer) return new Uint8Array(value).slice()
  throw new TypeError(`${name} must be a string, an ArrayBuffer or a view of one`)
}

function toBytes(view: ArrayBufferView): Uint8Array {
  const all = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  return view.buffer instanceof ArrayBuffer ? all : all.slice()
}

function define<F extends (...args: any[]) => unknown>(name: string, number: number, prepare: (args: readonly unknown[]) => unknown[]): F {
  const stub = (): never => {
    throw new TypeError(`native.${name} runs on a thread of a pool: submit it to an executor`)
  }
  Object.defineProperty(stub, 'name', { value: name })
  registerNative(stub, number, prepare)
  return stub as unknown as F
}

const ofBytes = (args: readonly unknown[]): unknown[] => [bytes(args[0], 'bytes')]

/** Native tasks, to be submitted like functions. */
export const native: {
  /** How many primes are <= limit, an integer from 0 to 1e12. */
  readonly countPrimes: (limit: number) => number
  /** The SHA-256 digest, 32 bytes. */
  readonly sha256: (bytes: Bytes) => Uint8Array
  /** The BLAKE3 digest, 32 bytes. */
  readonly blake3: (bytes: Bytes) => Uint8Array
} = Object.freeze({
  countPrimes: define<(limit: number) => number>('countPrimes', 1, (args) => [integer(args[0], 'limit', 0, MOST_PRIMES)]),
  sha256: define<(bytes: Bytes) => Uint8Array>('sha256', 2, ofBytes),
  blake3: define<(bytes: Bytes) => Uint8Array>('blake3', 3, ofBytes),
})
