/**
 * The realm that asks. In a vm context, as Vitest's vm pools and Jest make them, this package has the
 * context's own classes. What Node and the addon make there, though, has those of the main context: buffers,
 * what V8's serializer reads, what comes by a port. Such values are adopted: each
 * object gets the prototype that the class of the same name has here. Otherwise nothing is to be done.
 */
import { types } from 'node:util'
import { runInThisContext } from 'node:vm'
import { binding } from '../addon/binding.ts'
import { bufferOf } from './views.ts'

/** Whether this is a vm context: the addon makes its objects in the main one. */
export const isForeign: boolean = Object.getPrototypeOf(binding) !== Object.prototype

/** The classes that a value made by Node or V8 may be of. A context may have some of the main one's. */
const CLASSES: readonly string[] = [
  ...['Object', 'Array', 'Map', 'Set', 'Date', 'RegExp', 'Boolean', 'Number', 'String', 'BigInt'],
  ...['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
  ...['AggregateError', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Int8Array', 'Uint8Array'],
  ...['Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
]
const OF_WEBASSEMBLY: readonly string[] = ['Module', 'Memory', 'CompileError', 'LinkError', 'RuntimeError']

type Namespace = Record<string, { prototype?: object } | undefined>

/** The prototypes of the main context, with those to take instead. */
const prototypes: Map<object, object> = new Map()

function pair(names: readonly string[], main: Namespace, here: Namespace): void {
  for (const name of names) {
    const [from, to] = [main[name]?.prototype, here[name]?.prototype]
    if (from !== undefined && to !== undefined && from !== to) prototypes.set(from, to)
  }
}

if (isForeign) {
  const [main, here] = [runInThisContext('globalThis'), globalThis] as unknown as [Namespace, Namespace]
  pair(CLASSES, main, here)
  pair(OF_WEBASSEMBLY, (main['WebAssembly'] ?? {}) as Namespace, (here['WebAssembly'] ?? {}) as Namespace)
}

/** The prototype of ordinary objects of the main context; undefined if this is it. */
export const mainObjectPrototype: object | undefined = isForeign
  ? (Object.getPrototypeOf(binding) as object)
  : undefined

/** Gives a value that was just made, and that nobody else has, the classes of this realm. */
export const adopt: <T>(value: T) => T = isForeign
  ? (value) => {
      new Adopter().adopt(value)
      return value
    }
  : (value) => value

/** It does not recurse: what has been cloned may be as deep as the engine's stack. */
class Adopter {
  readonly #seen: Set<object> = new Set()
  readonly #todo: object[] = []

  adopt(value: unknown): void {
    this.#visit(value)
    for (let object = this.#todo.pop(); object !== undefined; object = this.#todo.pop()) this.#look(object)
  }

  #visit(value: unknown): void {
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return
    this.#seen.add(value)
    this.#todo.push(value)
  }

  #look(object: object): void {
    const prototype = prototypes.get(Object.getPrototypeOf(object) as object)
    if (prototype !== undefined) Object.setPrototypeOf(object, prototype)
    if (ArrayBuffer.isView(object)) this.#visit(bufferOf(object))
    else if (types.isMap(object)) {
      Map.prototype.forEach.call(object, (item: unknown, key: unknown) => {
        this.#visit(key)
        this.#visit(item)
      })
    } else if (types.isSet(object)) Set.prototype.forEach.call(object, (item: unknown) => this.#visit(item))
    else if (types.isNativeError(object)) this.#visit(object.cause)
    // All others hold nothing: what is of Node's own classes stays as it is.
    else if (Array.isArray(object) || Object.getPrototypeOf(object) === Object.prototype) {
      for (const key of Object.keys(object)) this.#visit((object as Record<string, unknown>)[key])
    }
  }
}
