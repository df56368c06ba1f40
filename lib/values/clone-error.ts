/**
 * The error of a value that cannot be cloned, which names the place: `argument 1.options.cb`,
 * `result.items[3].fn`.
 */
import { types } from 'node:util'
import { cureOf } from '../errors/thread-bound.ts'
import { clone } from '../host/clone.ts'
import { toJson } from '../host/json.ts'
import { isAccessor } from './properties.ts'
import { bufferOf, isDetached } from './views.ts'

const MOST_VISITS = 100_000
const MOST_PROBES = 1_000

/** Where an object was found: in `parent`, as `step`. */
interface Place {
  value: unknown
  step: string
  parent: Place | undefined
}

/** What is known of a failure: the copy of the value that was refused, and the rule, if it is one of ours. */
interface Note {
  readonly copy: unknown
  readonly isRefused: ((value: unknown) => boolean) | undefined
}

const notes: WeakMap<object, Note> = new WeakMap()

/** Notes that what could not be cloned was this copy of the value (accessors.ts). */
export function noteCopy(error: unknown, copy: unknown): void {
  // Such an error is replaced by one that names the place: it does not keep the copy for long.
  if (isCloneError(error) && !notes.has(error)) notes.set(error, { copy, isRefused: undefined })
}

/** Notes that of this value, or copy, the first part was refused that `isRefused` says. */
export function noteRefusal(
  error: DOMException,
  copy: unknown,
  isRefused: (value: unknown) => boolean,
): void {
  notes.set(error, { copy, isRefused })
}

/**
 * What is thrown instead of `error`, which `structuredClone(value, { transfer: moved })` has thrown: a
 * DataCloneError with the place, or the user's own error.
 */
export function placedError(
  value: unknown,
  root: string,
  error: unknown,
  moved: readonly object[] = [],
): unknown {
  if (!isCloneError(error)) return error
  const note = notes.get(error)
  let place: Place | undefined
  try {
    // Where there is a copy no getter has to be called again.
    place = findUncloneable(note === undefined ? value : note.copy, moved, note?.isRefused)
  } catch {
    // If code of the user throws during the search, the message has no place.
  }
  const path = place === undefined ? root : root + pathOf(place)
  const found = place?.value
  const why = found === undefined ? messageOf(error) : reasonOf(found, note)
  return new DOMException(`${path} cannot be cloned: ${why}`, 'DataCloneError')
}

function reasonOf(value: unknown, note: Note | undefined): string {
  return note?.isRefused === undefined ? describe(value) : `${describe(value)} cannot leave its process`
}

/** The same for a list of arguments, counted from 1. */
export function placedArgumentError(
  args: readonly unknown[],
  error: unknown,
  moved: readonly object[] = [],
): unknown {
  const named = placedError(args, 'arguments', error, moved)
  if (!isCloneError(named)) return named
  const message = named.message.replace(
    /^arguments\[(\d+)\]/,
    (_, index: string) => `argument ${Number(index) + 1}`,
  )
  return new DOMException(message, 'DataCloneError')
}

/** The error of an argument of one of a chunk's items, as it would be if the item were a task. */
export function chunkArgumentError(error: unknown): unknown {
  if (!isCloneError(error)) return error
  const message = error.message.replace(
    /^argument 1\[(\d+)\]\[\d+\]/,
    (_, index: string) => `argument ${Number(index) + 1}`,
  )
  return message === error.message ? error : new DOMException(message, 'DataCloneError')
}

/** What Node 20 throws instead of a DataCloneError. */
const TRANSFER_ERRORS: ReadonlySet<unknown> = new Set([
  'ERR_MISSING_TRANSFERABLE_IN_TRANSFER_LIST',
  'ERR_INVALID_TRANSFER_OBJECT',
])

function isCloneError(error: unknown): error is DOMException {
  // In a vm context it is none of that context's errors; and the global class may be a browser's (jsdom).
  const isError =
    error instanceof DOMException ||
    types.isNativeError(error) ||
    error instanceof Error ||
    Object.prototype.toString.call(error) === '[object DOMException]'
  if (!isError) return false
  return (error as Error).name === 'DataCloneError' || TRANSFER_ERRORS.has((error as { code?: unknown }).code)
}

function messageOf(error: Error): string {
  return error.message
}

/** How a value is named in a message. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return functionName(value)
  if (typeof value === 'symbol') return String(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (types.isProxy(value)) return 'a Proxy'
  if ((types.isArrayBuffer(value) || ArrayBuffer.isView(value)) && isNeverCloneable(value)) {
    return 'a detached ArrayBuffer'
  }
  if (types.isArgumentsObject(value)) return 'an arguments object'
  const cure = cureOf(value)
  return `an object of class ${className(value)}${cure === undefined ? '' : ` (${cure})`}`
}

function functionName(value: Function): string {
  const name: unknown = types.isProxy(value) ? '' : Object.getOwnPropertyDescriptor(value, 'name')?.value
  return typeof name === 'string' && name !== '' ? `the function ${name}` : 'a function'
}

function className(value: object): string {
  let at: unknown = Object.getPrototypeOf(value)
  for (; typeof at === 'object' && at !== null && !types.isProxy(at); at = Object.getPrototypeOf(at)) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    const name: unknown =
      typeof constructor === 'function'
        ? Object.getOwnPropertyDescriptor(constructor, 'name')?.value
        : undefined
    if (typeof name === 'string' && name !== '') return name
  }
  return Object.prototype.toString.call(value).slice(8, -1)
}

function pathOf(place: Place): string {
  const steps: string[] = []
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) steps.push(at.step)
  const all = steps.reverse()
  // The middle of a long path is left out.
  if (all.length > 40) all.splice(20, all.length - 40, '…')
  return all.join('')
}

/**
 * The first value in the order of the properties that cannot be cloned by itself, or `isRefused`; an
 * accessor, whose value is unknown, if nothing else is found.
 */
function findUncloneable(
  root: unknown,
  moved: readonly object[],
  isRefused: ((value: unknown) => boolean) | undefined,
): Place | undefined {
  const seen = new Set<object>(moved)
  const todo: Place[] = [{ value: root, step: '', parent: undefined }]
  const suspects: Place[] = []
  let accessor: Place | undefined
  for (let visits = 0; visits < MOST_VISITS; visits++) {
    const place = todo.pop()
    if (place === undefined) break
    const value = place.value
    if (typeof value === 'object' && value !== null) {
      if (seen.has(value)) continue
      seen.add(value)
    }
    if ((isRefused ?? isNeverCloneable)(value)) return place
    if (typeof value !== 'object' || value === null) continue
    if (isRefused === undefined && !isPlain(value)) suspects.push(place)
    const inner: Place[] = []
    accessor = listInner(value, place, inner) ?? accessor
    for (let at = inner.length - 1; at >= 0; at--) todo.push(inner[at] as Place)
  }
  return probe(suspects) ?? accessor
}

/** Lists what is in an object; returns its first accessor. */
function listInner(object: object, parent: Place, inner: Place[]): Place | undefined {
  const add = (value: unknown, step: string): void => void inner.push({ value, step, parent })
  let accessor: Place | undefined
  if (types.isMap(object)) {
    let index = 0
    Map.prototype.forEach.call(object, (value: unknown, key: unknown) => {
      add(key, `.keys()[${index}]`)
      add(
        value,
        typeof key === 'object' || typeof key === 'function' ? `.values()[${index}]` : `.get(${quote(key)})`,
      )
      index++
    })
  } else if (types.isSet(object)) {
    let index = 0
    Set.prototype.forEach.call(object, (value: unknown) => add(value, `.values()[${index++}]`))
  } else if (types.isNativeError(object)) {
    if (Object.hasOwn(object, 'cause') && !isAccessor(object, 'cause')) add(object.cause, '.cause')
  } else if (!ArrayBuffer.isView(object)) {
    const isArray = Array.isArray(object)
    for (const key of Object.keys(object)) {
      const step = stepTo(key, isArray)
      if (isAccessor(object, key)) accessor ??= { value: undefined, step, parent }
      else add((object as Record<string, unknown>)[key], step)
    }
  }
  return accessor
}

function quote(key: unknown): string {
  return typeof key === 'string' ? toJson(key) : String(key)
}

function stepTo(key: string, isArray: boolean): string {
  if (isArray && /^\d+$/.test(key)) return `[${key}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${toJson(key)}]`
}

function isPlain(object: object): boolean {
  return Array.isArray(object) || Object.getPrototypeOf(object) === Object.prototype
}

function isNeverCloneable(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return true
  if (typeof value !== 'object' || value === null) return false
  if (types.isProxy(value) || types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value)) {
    return true
  }
  if (
    types.isGeneratorObject(value) ||
    types.isModuleNamespaceObject(value) ||
    types.isSymbolObject(value) ||
    types.isExternal(value) ||
    types.isArgumentsObject(value)
  ) {
    return true
  }
  if (ArrayBuffer.isView(value)) return isDetached(bufferOf(value))
  if (types.isArrayBuffer(value)) return isDetached(value)
  return cureOf(value) !== undefined
}

/** The innermost of the suspects that `structuredClone` refuses. */
function probe(suspects: Place[]): Place | undefined {
  for (let at = suspects.length - 1; at >= 0 && at >= suspects.length - MOST_PROBES; at--) {
    const place = suspects[at] as Place
    try {
      clone(place.value)
    } catch {
      return place
    }
  }
  return undefined
}
