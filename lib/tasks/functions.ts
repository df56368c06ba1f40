/**
 * What can be submitted, and how a worker finds it again. Each function has a *text*: a module's URL and a
 * key, or a source; the addon numbers the texts for the whole process.
 *
 * A number lasts as long as somebody can use it. Here that is its {@link Submittable}, which the function
 * itself holds, each of its tasks until its outcome is delivered, and whoever holds it otherwise. When it is
 * collected the addon is told.
 */
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { binding } from '../addon/binding.ts'
import { sharedByCopies } from '../host/copies.ts'
import { define } from '../host/define.ts'
import { parseJson, toJson } from '../host/json.ts'
import { hrefOf, URL } from '../host/url.ts'
import { show } from '../options/check.ts'
import { refuseKinds, sourceOf } from './source.ts'

/** A function that an executor can run. */
export type Task<A extends unknown[], R> = (...args: A) => R

/**
 * A function that an executor can make a stream of: a generator function, an async one, or any other that
 * gives something to iterate over.
 */
export type StreamTask<A extends unknown[], Y, R> = (...args: A) => Source<Y, R> | PromiseLike<Source<Y, R>>

type Source<Y, R> = Iterable<Y, R, any> | AsyncIterable<Y, R, any>

/** What a text says. */
export type FunctionText = ({ module: string; key: string } | { source: string; name: string }) & {
  chunk?: true
  stream?: true
}

/** How a function is submitted: its number and whether it is a native task. */
export interface Submittable {
  readonly number: number
  readonly isNative: boolean
  /** For a native task: checks its arguments and makes them positional. */
  readonly prepare: ((args: readonly unknown[]) => unknown[]) | undefined
  readonly name: string
}

interface Registry {
  readonly named: Map<string, Map<string, Task<any[], any>>>
  readonly texts: WeakMap<object, FunctionText>
}

// A task's module may have loaded another copy than the worker.
const registry: Registry = sharedByCopies('tasks', () => ({ named: new Map(), texts: new WeakMap() }))

/** The texts of stubs, which stand for functions of modules that were not imported here. */
export const stubTexts: WeakMap<object, FunctionText> = new WeakMap()

const known: WeakMap<object, Submittable> = new WeakMap()

/** Says that `fn` is `key` of the module at `url`. */
export function registerTask(url: string, key: string, fn: Task<any[], any>): void {
  registry.texts.set(fn, { module: url, key })
  let module = registry.named.get(url)
  if (module === undefined) registry.named.set(url, (module = new Map()))
  module.set(key, fn)
}

/** The function that a module registered under a key. */
export function registeredTask(url: string, key: string): Task<any[], any> | undefined {
  return registry.named.get(url)?.get(key)
}

/** The names of the native tasks that this isolate knows, by their numbers. */
const nativeNames: Map<number, string> = new Map()

/** The name of a function, by its number, or ''. */
export function nameOf(number: number, isNative: boolean): string {
  if (isNative) return nativeNames.get(number) ?? ''
  return number === 0 ? '' : binding.functionName(number)
}

/** The URL of the module of a function that is no native task, by its number. */
export function moduleOf(number: number): string | undefined {
  const text = number === 0 ? '' : binding.functionText(number)
  return text === '' ? undefined : (parseJson(text) as { module?: string }).module
}

/**
 * On the function of a native task, for other copies of the package: its name, and whether every copy has it.
 */
const nativeBrand: unique symbol = Symbol.for('concurrent-futures.native')

interface NativeBrand {
  readonly name: string
  readonly isShipped: boolean
}

/** The native tasks that the package ships. */
const shipped: Map<string, Submittable> = new Map()

/** Says that `fn` stands for a native task, one that the package ships or that of a plug-in. */
export function registerNative(
  fn: Task<any[], any>,
  number: number,
  prepare: (args: readonly unknown[]) => unknown[],
  isShipped: boolean,
): void {
  const task = { number, isNative: true, prepare, name: fn.name }
  known.set(fn, task)
  nativeNames.set(number, fn.name)
  if (isShipped) shipped.set(fn.name, task)
  define(fn, nativeBrand, { value: { name: fn.name, isShipped } satisfies NativeBrand })
}

/** The native task of another copy of the package is ours of that name. @throws TypeError if there is none */
function foreignNative(fn: object): Submittable | undefined {
  const brand = (fn as { [nativeBrand]?: NativeBrand })[nativeBrand]
  if (brand === undefined) return undefined
  const task = brand.isShipped ? shipped.get(brand.name) : undefined
  if (task !== undefined) return task
  const cure = brand.isShipped
    ? 'this one does not have it'
    : "load its plug-in with this copy's loadNative()"
  throw new TypeError(`the native task ${brand.name} is that of another copy of concurrent-futures: ${cure}`)
}

/** By their texts. A closure is another function each time that it is evaluated, with the same source. */
const byText: Map<string, WeakRef<Submittable>> = new Map()

/** Tells the addon that nobody here can submit a function any more, nor waits for its tasks. */
const collected: FinalizationRegistry<{ text: string; number: number }> = new FinalizationRegistry(
  ({ text, number }) => {
    // It may have been made anew.
    if (byText.get(text)?.deref() === undefined) byText.delete(text)
    binding.releaseFunction(number)
  },
)

function submittableOf(given: FunctionText): Submittable {
  const parts = withoutPrototype(given)
  const text = toJson(parts)
  const found = byText.get(text)?.deref()
  if (found !== undefined) return found
  const own: unknown = 'key' in parts ? parts.key : parts.name
  // A function may have something else there.
  const name = typeof own === 'string' ? own : ''
  const number = binding.functionNumber(text, name)
  const made: Submittable = { number, isNative: false, prepare: undefined, name }
  byText.set(text, new WeakRef(made))
  collected.register(made, { text, number })
  return made
}

/** The text of a function, by its number. */
export function textOf(number: number): FunctionText {
  return withoutPrototype(parseJson(binding.functionText(number)) as FunctionText)
}

/** `Object.prototype` may have been given a `toJSON`, or a `key`. */
function withoutPrototype(text: FunctionText): FunctionText {
  return Object.assign(Object.create(null) as object, text)
}

/** Looks up, or numbers, a function. @throws TypeError for what cannot be sent */
export function submittable(fn: unknown): Submittable {
  const found = known.get(fn as object)
  if (found !== undefined) return found
  if (typeof fn !== 'function') throw notAFunction(fn)
  const native = foreignNative(fn)
  if (native !== undefined) return native
  refuseKinds(fn, false)
  const made = submittableOf(givenText(fn))
  known.set(fn, made)
  return made
}

/**
 * Looks up, or numbers, the task that makes a stream of what a function gives. @throws TypeError for what
 * cannot be sent
 */
export function streamable(fn: unknown): Submittable {
  const found = streams.get(fn as object)
  if (found !== undefined) return found
  if (typeof fn !== 'function') throw notAFunction(fn)
  if (known.get(fn)?.isNative === true || foreignNative(fn) !== undefined) {
    throw new TypeError(`the native task ${fn.name} gives one value: use submit()`)
  }
  refuseKinds(fn, true)
  const made = submittableOf({ ...givenText(fn), stream: true })
  streams.set(fn, made)
  return made
}

const streams: WeakMap<object, Submittable> = new WeakMap()

function givenText(fn: Function): FunctionText {
  return registry.texts.get(fn) ?? stubTexts.get(fn) ?? { source: sourceOf(fn), name: fn.name }
}

function notAFunction(value: unknown): TypeError {
  const what = 'a task must be a function'
  const href = hrefOf(value)
  if (typeof value === 'string' || href !== undefined) {
    const url = href ?? (URL.canParse(value as string) ? value : undefined)
    const named = url === undefined ? `new URL('${String(value)}', import.meta.url)` : `'${String(url)}'`
    return new TypeError(
      `${what}, got ${show(String(value))}: one that a file exports is moduleTasks(${named}).NAME`,
    )
  }
  // A Proxy is what `moduleTasks` gives; also `import()` of the file, or an object of tasks, may be meant.
  if (typeof value === 'object' && value !== null) {
    return new TypeError(`${what}, got an object: name one of its functions, as in moduleTasks(url).NAME`)
  }
  return new TypeError(`${what}, got ${show(value)}`)
}

/** The task that calls a task's function once for each list of arguments; see `map`'s `chunkSize`. */
export function chunkOf(task: Submittable): Submittable {
  if (task.isNative) return task
  let chunk = chunks.get(task)
  if (chunk === undefined) {
    chunks.set(task, (chunk = submittableOf({ ...textOf(task.number), chunk: true })))
  }
  return chunk
}

const chunks: WeakMap<Submittable, Submittable> = new WeakMap()

/** The absolute URL of a module that a user named. */
export function moduleUrl(url: unknown): string {
  const href = hrefOf(url)
  if (href !== undefined) return href
  if (url === undefined) {
    throw new TypeError(
      'the URL of a module must be a URL or a string, got undefined: where a bundler makes CommonJS, ' +
        'import.meta is empty; have it make an ES module, or give pathToFileURL(__filename) as the url there',
    )
  }
  if (typeof url !== 'string') {
    throw new TypeError(`the URL of a module must be a URL or a string, got ${show(url)}`)
  }
  if (isAbsolute(url)) return pathToFileURL(url).href
  if (URL.canParse(url)) return url
  const cure = IS_PACKAGE.test(url) ? `import.meta.resolve('${url}')` : `new URL('${url}', import.meta.url)`
  throw new TypeError(`the URL of a module must be absolute, got '${url}': use ${cure}`)
}

/** A package or a module of one, and not a file: those of a task have an extension. */
const IS_PACKAGE = /^[#@]|^[a-z0-9](.*(?<!\.[cm]?[jt]sx?))?$/i
