/**
 * How an error crosses: as a description that is packed like any value and made into an error again on the other side. A thrown value that
 * is no error is packed itself. What of an error cannot be cloned is left out; the rest arrives.
 */
import { types } from 'node:util'
import { pack, packedForm, unpack } from './codec.ts'

/** Added to the form: the value describes an error. */
const DESCRIPTION = 32

/** An error as data; the addon makes such objects too (native_tasks.rs). */
interface Description {
  class: string
  name?: string
  message?: string
  stack?: string
  code?: unknown
  /** Absent when the error had none: `cause: undefined` is something else. */
  cause?: Part
  errors?: Part[]
  own?: Record<string, unknown>
}

/** A value within a description: an error, or anything else. */
type Part = { error: Description } | { value: unknown }

/** The form of what `packThrown` returned last. */
export let thrownForm: number = 0

const MOST_CAUSES = 32

/** Packs whatever was thrown; never throws. Leaves the form in `thrownForm`. */
export function packThrown(thrown: unknown): unknown {
  try {
    if (isError(thrown)) {
      const data = pack(describeError(thrown, MOST_CAUSES, new Set()))
      thrownForm = packedForm | DESCRIPTION
      return data
    }
    const data = pack(thrown)
    thrownForm = packedForm
    return data
  } catch {
    const data = pack(lastResort(thrown))
    thrownForm = packedForm | DESCRIPTION
    return data
  }
}

/** Makes what was thrown anew. */
export function unpackThrown(form: number, data: unknown): unknown {
  const value: unknown = unpack(form & ~DESCRIPTION, data)
  return (form & DESCRIPTION) === 0 ? value : makeError(value as Description)
}

function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false
  return types.isNativeError(value) || value instanceof Error
}

function lastResort(thrown: unknown): Description {
  let message = 'the task threw a value that cannot be cloned'
  try {
    message += typeof thrown === 'function' ? `: the function ${thrown.name}` : `: ${Object.prototype.toString.call(thrown)}`
  } catch {
    // Nothing of it can be read.
  }
  return { class: 'DOMException', name: 'DataCloneError', message }
}

/** Reads a property that may throw, or lie about its type. */
function read(object: object, key: PropertyKey): unknown {
  try {
    return (object as Record<PropertyKey, unknown>)[key]
  } catch {
    return undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

const STANDARD = new Set(['name', 'message', 'stack', 'code', 'cause', 'errors'])

function describeError(error: Error, depth: number, seen: Set<object>): Description {
  seen.add(error)
  const description: Description = { class: builtInClass(error) }
  for (const key of ['name', 'message', 'stack'] as const) {
    const value = text(read(error, key))
    if (value !== undefined) description[key] = value
  }
  if (error instanceof DOMException) return description
  const code = read(error, 'code')
  if (code !== undefined && isClonable(code)) description.code = code
  if (Object.hasOwn(error, 'cause')) {
    const cause = part(read(error, 'cause'), depth, seen)
    if (cause !== undefined) description.cause = cause
  }
  const errors = read(error, 'errors')
  if (Array.isArray(errors) && !types.isProxy(errors)) {
    description.errors = errors.map((item: unknown) => part(item, depth, seen)).filter((item) => item !== undefined)
  }
  const own = ownProperties(error)
  if (own !== undefined) description.own = own
  return description
}

function part(value: unknown, depth: number, seen: Set<object>): Part | undefined {
  if (isError(value)) return depth > 0 && !seen.has(value) ? { error: describeError(value, depth - 1, seen) } : undefined
  return isClonable(value) ? { value } : undefined
}

function ownProperties(error: Error): Record<string, unknown> | undefined {
  let own: Record<string, unknown> | undefined
  for (const key of Object.keys(error)) {
    if (STANDARD.has(key)) continue
    const value = read(error, key)
    if (isClonable(value)) (own ??= {})[key] = value
  }
  return own
}

function isClonable(value: unknown): boolean {
  try {
    pack(value)
    return true
  } catch {
    return false
  }
}

const CLASSES: Record<string, ErrorConstructor> = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }

/** The built-in class that an error is an instance of. */
function builtInClass(error: Error): string {
  if (error instanceof DOMException) return 'DOMException'
  if (error instanceof AggregateError) return 'AggregateError'
  for (const name in CLASSES) if (name !== 'Error' && error instanceof (CLASSES[name] as ErrorConstructor)) return name
  return 'Error'
}

function makePart(part: Part): unknown {
  return 'error' in part ? makeError(part.error) : part.value
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true })
}

function makeError(description: Description): Error {
  const message = description.message ?? ''
  const error = instantiate(description, message)
  if (description.name !== undefined && error.name !== description.name) define(error, 'name', description.name)
  if (description.stack !== undefined) define(error, 'stack', description.stack)
  if (description.cause !== undefined) define(error, 'cause', makePart(description.cause))
  if (description.code !== undefined) (error as Error & { code?: unknown }).code = description.code
  if (description.own !== undefined) {
    for (const key of Object.keys(description.own)) {
      Object.defineProperty(error, key, { value: description.own[key], writable: true, enumerable: true, configurable: true })
    }
  }
  return error
}

function instantiate(description: Description, message: string): Error {
  if (description.class === 'DOMException') return new DOMException(message, description.name ?? 'Error')
  if (description.class === 'AggregateError') return new AggregateError((description.errors ?? []).map(makePart), message)
  const error = new (CLASSES[description.class] ?? Error)(message)
  if (description.errors !== undefined) define(error, 'errors', description.errors.map(makePart))
  return error
}
