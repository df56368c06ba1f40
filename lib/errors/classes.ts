/**
 * The classes of errors that arrive as themselves: those of the language, of WebAssembly, DOMException, and
 * this package's.
 */
import { define } from '../host/define.ts'
import {
  BrokenExecutor,
  BrokenProcessPool,
  BrokenThreadPool,
  CancelledError,
  FutureError,
  InvalidStateError,
  QueueFullError,
  TimeoutError,
  WorkerLostError,
} from './errors.ts'
import { replaceStack, stackOf } from './without-stacks.ts'

// Not by `import *`: a bundler makes the namespace with descriptors that inherit from `Object.prototype`.
const ours = [
  FutureError,
  TimeoutError,
  CancelledError,
  InvalidStateError,
  BrokenExecutor,
  BrokenThreadPool,
  BrokenProcessPool,
  WorkerLostError,
  QueueFullError,
]

type ErrorClass = new (message: string) => Error

const classes: Map<string, ErrorClass> = new Map()
const names: Map<object, string> = new Map()

function add(name: string, constructor: unknown): void {
  if (typeof constructor !== 'function') return
  classes.set(name, constructor as ErrorClass)
  names.set(constructor.prototype as object, name)
}

for (const name of [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
  'SuppressedError',
  'DOMException',
]) {
  add(name, (globalThis as Record<string, unknown>)[name])
}
const { WebAssembly } = globalThis as { WebAssembly?: Record<string, unknown> }
for (const name of ['CompileError', 'LinkError', 'RuntimeError']) add(name, WebAssembly?.[name])
/** Of another copy of the package they are known by the symbol that they carry. */
const brands: [symbol: symbol, name: string][] = []
const codes: Map<unknown, string> = new Map()
for (const constructor of ours) {
  const { name } = constructor.prototype
  add(name, constructor)
  codes.set(constructor.prototype.code, name)
  brands.push([Symbol.for(`concurrent-futures.${name}`), name])
}

const MOST_PROTOTYPES = 100

/** The name of the nearest class that an error is an instance of. */
export function nearestClass(error: object): string {
  let prototype: unknown = Object.getPrototypeOf(error)
  for (
    let depth = 0;
    depth < MOST_PROTOTYPES && typeof prototype === 'object' && prototype !== null;
    depth++
  ) {
    const name = names.get(prototype) ?? foreignClass(prototype)
    if (name !== undefined) return name
    prototype = Object.getPrototypeOf(prototype)
  }
  return 'Error'
}

/** The class of a prototype that is another copy's or another context's. */
function foreignClass(prototype: object): string | undefined {
  for (const [symbol, name] of brands) if (Object.hasOwn(prototype, symbol)) return name
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  if (typeof constructor !== 'function') return undefined
  const name: unknown = Object.getOwnPropertyDescriptor(constructor, 'name')?.value
  if (typeof name !== 'string' || !classes.has(name)) return undefined
  // A user's class of the same name is none of the language's.
  return Function.prototype.toString.call(constructor).includes('[native code]') ? name : undefined
}

/** A new error of a class that `nearestClass` named. */
export function instantiate(className: string, message: string, name: string | undefined): Error {
  if (className === 'DOMException') return new DOMException(message, name ?? 'Error')
  if (className === 'AggregateError') return new AggregateError([], message)
  if (className === 'SuppressedError') return suppressed(message)
  return new (classes.get(className) ?? Error)(message)
}

function suppressed(message: string): Error {
  const constructor = classes.get('SuppressedError') as
    (new (error: unknown, suppressed: unknown, message: string) => Error) | undefined
  return constructor === undefined ? new Error(message) : new constructor(undefined, undefined, message)
}

/**
 * An error that Node has carried out of a thread which it has ended: of the classes Node knows only those of
 * the language, so one of ours is made anew. Anything else is given back as it is.
 */
export function ofOwnClass(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const name = codes.get((error as { code?: unknown }).code)
  if (name === undefined || error.name !== name) return error
  if (Object.getPrototypeOf(error) !== Error.prototype) return error
  const made = instantiate(name, error.message, name)
  replaceStack(made, stackOf(error))
  const cause = Object.getOwnPropertyDescriptor(error, 'cause')
  if (cause !== undefined) define(made, 'cause', cause)
  return made
}
