/**
 * Errors as data, and back. An error and all errors that it refers to, as cause or in a property, make a flat
 * list of descriptions that refer to each other by index: chains of any length and circles arrive as they
 * were.
 */
import { types } from 'node:util'
import { define } from '../host/define.ts'
import { instantiate, nearestClass } from './classes.ts'
import { replaceStack, withoutStacks } from './without-stacks.ts'

/** One error; the addon makes such objects, too (values/failure.rs). */
export interface Description {
  class: string
  name?: string
  message?: string
  stack?: string
  /** Only of the addon's errors; elsewhere a property like others. */
  code?: string
  /** Properties that are not enumerable, such as `cause`. */
  hidden?: Record<string, Part>
  own?: Record<string, Part>
}

/** What a property holds: an error of the list, an array with errors in it, or anything else. */
export type Part = { error: number } | { list: Part[] } | { value: unknown }

/** A getter can make a new error each time: how many follow each other, and how many there are. */
const MOST_IN_CHAIN = 10_000
const MOST_ERRORS = 1_000_000
const MOST_PROPERTIES = 1_000

function hasList(part: Part): part is { list: Part[] } {
  return Object.hasOwn(part, 'list')
}

function hasValue(part: Part): part is { value: unknown } {
  return Object.hasOwn(part, 'value')
}

/** Whether a thrown value is an error, which crosses as a description. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false
  return types.isNativeError(value) || value instanceof Error
}

/** Reads a property once; undefined if that throws. */
function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined
}

/** A message as `structuredClone` would have it: whatever it is, its text. */
function messageText(value: unknown): string | undefined {
  if (value === undefined) return undefined
  try {
    return String(value)
  } catch {
    return undefined
  }
}

const TEXTS = ['name', 'message', 'stack'] as const
/** What is carried though it is not enumerable, and `code` though it is inherited. */
const HIDDEN = ['cause', 'errors', 'error', 'suppressed', 'code']

/** Describes `error` and all that it refers to; the first of the list is `error`. */
export function describeErrors(error: Error): Description[] {
  const describer = new Describer()
  describer.refer(error)
  return describer.describeAll()
}

class Describer {
  readonly #errors: Error[] = []
  readonly #indexes: Map<Error, number> = new Map()
  /** How many errors refer to each other until the one at a place is met. */
  readonly #depths: number[] = []
  /** The depth of the errors that are found now. */
  #depth = 0
  /** The place of the error that stands for those beyond the limits. */
  #surplus = -1

  /** The place of an error in the list. */
  refer(error: Error): Part {
    let index = this.#indexes.get(error)
    if (index === undefined) {
      if (this.#errors.length >= MOST_ERRORS || this.#depth >= MOST_IN_CHAIN) {
        throw new RangeError('too many errors')
      }
      index = this.#errors.push(error) - 1
      this.#indexes.set(error, index)
      this.#depths.push(this.#depth)
    }
    return { error: index }
  }

  describeAll(): Description[] {
    const list: Description[] = []
    // The list of errors grows meanwhile.
    for (let index = 0; index < this.#errors.length; index++) {
      this.#depth = (this.#depths[index] as number) + 1
      list.push(this.#describe(this.#errors[index] as Error))
    }
    return list
  }

  #describe(error: Error): Description {
    const description: Description = { class: nearestClass(error) }
    for (const key of TEXTS) {
      const value = key === 'message' ? messageText(read(error, key)) : text(read(error, key))
      if (value !== undefined) description[key] = value
    }
    const own = this.#ownProperties(error)
    if (own !== undefined) description.own = own
    const hidden = this.#hiddenProperties(error, description.class)
    if (hidden !== undefined) description.hidden = hidden
    return description
  }

  #ownProperties(error: Error): Record<string, Part> | undefined {
    let own: Record<string, Part> | undefined
    const keys = Object.keys(error)
    if (keys.length > MOST_PROPERTIES) keys.length = MOST_PROPERTIES
    for (const key of keys) {
      if (key === 'stack') continue
      const part = this.#property(error, key)
      if (part !== undefined) set((own ??= {}), key, part)
    }
    return own
  }

  #hiddenProperties(error: Error, className: string): Record<string, Part> | undefined {
    let hidden: Record<string, Part> | undefined
    for (const key of HIDDEN) {
      const property = Object.getOwnPropertyDescriptor(error, key)
      if (
        property?.enumerable === true ||
        (property === undefined && (key !== 'code' || className === 'DOMException'))
      ) {
        continue
      }
      const part = this.#property(error, key)
      if (part === undefined || (property === undefined && hasValue(part) && part.value === undefined)) {
        continue
      }
      hidden ??= {}
      hidden[key] = part
    }
    return hidden
  }

  /** What a property holds; undefined for what cannot cross. */
  #property(error: Error, key: string): Part | undefined {
    try {
      return this.#part((error as unknown as Record<string, unknown>)[key])
    } catch {
      return undefined
    }
  }

  #part(value: unknown): Part {
    if (isError(value)) return this.refer(value)
    if (types.isProxy(value) || !Array.isArray(value) || !value.some(isError)) return { value }
    return { list: value.map((item: unknown) => (isError(item) ? this.#item(item) : { value: item })) }
  }

  /** An error of an array keeps its place there, also beyond the limits: what is before it arrives. */
  #item(error: Error): Part {
    try {
      return this.refer(error)
    } catch {
      if (this.#surplus < 0) {
        const stand = withoutStacks(() => new RangeError('an error beyond those that cross with another one'))
        this.#surplus = this.#errors.push(stand) - 1
        this.#depths.push(this.#depth)
      }
      return { error: this.#surplus }
    }
  }
}

/** Replaces every value by what `copy` makes of it, and leaves out those for which it throws. */
export function keepClonable(list: Description[], copy: (value: unknown) => unknown): void {
  // A copy of the list: what `copyItem` adds to it is clonable already.
  for (const description of list.slice()) {
    for (const parts of [description.hidden, description.own]) {
      if (parts === undefined) continue
      for (const key of Object.keys(parts)) {
        const part = parts[key] as Part
        if (hasList(part)) part.list = part.list.map((item) => copyItem(item, copy, list))
        else if (hasValue(part)) {
          try {
            part.value = copy(part.value)
          } catch {
            delete parts[key]
          }
        }
      }
    }
  }
}

/** An item keeps its place in the array: one that cannot be cloned leaves an error there. */
function copyItem(item: Part, copy: (value: unknown) => unknown, list: Description[]): Part {
  if (!hasValue(item)) return item
  try {
    return { value: copy(item.value) }
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : 'the value cannot be cloned'
    return { error: list.push({ class: 'DOMException', name: 'DataCloneError', message }) - 1 }
  }
}

/** Defines rather than assigns: the key may be `__proto__`. */
function set(object: object, key: string, value: unknown, enumerable: boolean = true): void {
  define(object, key, { value, writable: true, enumerable, configurable: true })
}

/** Makes the first error of the list anew, and all that it refers to. */
export function makeErrors(given: Description[]): Error {
  // Somebody may have added properties of these names to `Object.prototype`.
  const list = given.map((description) => Object.assign(Object.create(null) as object, description))
  const errors = withoutStacks(() =>
    list.map((description) => instantiate(description.class, description.message ?? '', description.name)),
  )
  errors.forEach((error, index) => complete(error, list[index] as Description, errors))
  return errors[0] as Error
}

function complete(error: Error, description: Description, errors: Error[]): void {
  const name = description.name ?? error.name
  if (error.name !== name) set(error, 'name', name, false)
  replaceStack(error, description.stack ?? `${name}: ${description.message ?? ''}`)
  if (description.code !== undefined) set(error, 'code', description.code)
  addProperties(error, description.hidden, errors, false)
  addProperties(error, description.own, errors, true)
}

function addProperties(
  error: Error,
  parts: Record<string, Part> | undefined,
  errors: Error[],
  enumerable: boolean,
): void {
  if (parts === undefined) return
  for (const key of Object.keys(parts)) {
    const value = makePart(parts[key] as Part, errors)
    // Our own classes have their code on the prototype.
    if (!enumerable && key === 'code' && read(error, 'code') === value) continue
    set(error, key, value, enumerable)
  }
}

function makePart(part: Part, errors: Error[]): unknown {
  if (Object.hasOwn(part, 'error')) return errors[(part as { error: number }).error]
  if (Object.hasOwn(part, 'list')) {
    return (part as { list: Part[] }).list.map((item) => makePart(item, errors))
  }
  return (part as { value: unknown }).value
}
