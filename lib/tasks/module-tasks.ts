/** The ways to name a JavaScript task that lives in a module. */
import { define } from '../host/define.ts'
import { moduleUrl, registerTask, stubTexts } from './functions.ts'

type Functions = Record<string, (...args: any[]) => unknown>

/**
 * Makes the functions of a module tasks: a worker imports the module and finds each by its key, exported or
 * not. Returns the functions themselves, so that calling them directly still works.
 *
 * @param meta - `import.meta` of the module that calls, or `{ url }`
 * @throws TypeError for anything else than functions
 * @example
 * ```ts
 * export const { double } = tasks(import.meta, { double: (n: number) => 2 * n })
 * ```
 */
export function tasks<T extends Functions>(meta: { url: string | URL }, functions: T): T {
  if (typeof meta !== 'object' || meta === null) {
    throw new TypeError('tasks() takes import.meta, or { url }, first')
  }
  const url = moduleUrl(meta.url)
  if (typeof functions !== 'object' || functions === null) {
    throw new TypeError('tasks() takes an object of functions')
  }
  for (const key of Object.keys(functions)) {
    const fn: unknown = functions[key]
    if (typeof fn !== 'function') throw new TypeError(`tasks(): ${key} must be a function`)
    registerTask(url, key, fn as (...args: any[]) => unknown)
  }
  return functions
}

/** The functions among a module's exports. */
export type ModuleTasks<M> = {
  readonly [
    K in keyof M as M[K] extends (...args: any[]) => unknown ? (K extends 'then' ? never : K) : never
  ]: M[K]
}

/** Weak: a program may make module URLs without end. */
const cache: Map<string, WeakRef<object>> = new Map()
const collected: FinalizationRegistry<string> = new FinalizationRegistry((href) => {
  // It may have been made anew.
  if (cache.get(href)?.deref() === undefined) cache.delete(href)
})

/**
 * The exported functions of a module as tasks, without importing it here. The module needs to know nothing of
 * this package.
 *
 * @param url - of the module, absolute
 * @throws TypeError for a relative URL
 * @example
 * ```ts
 * const work = moduleTasks<typeof import('./work.js')>(new URL('./work.js', import.meta.url))
 * executor.submit(work.parse, text)
 * ```
 */
export function moduleTasks<M = Record<string, (...args: any[]) => any>>(url: string | URL): ModuleTasks<M> {
  const href = moduleUrl(url)
  let found = cache.get(href)?.deref()
  if (found === undefined) {
    found = makeProxy(href)
    cache.set(href, new WeakRef(found))
    collected.register(found, href)
  }
  return found as ModuleTasks<M>
}

function makeProxy(url: string): object {
  const stubs: Map<string, (...args: any[]) => unknown> = new Map()
  return new Proxy(Object.create(null) as object, {
    get(_, key) {
      // Without `then` it can be awaited, and returned from async functions.
      if (typeof key !== 'string' || key === 'then') return undefined
      let stub = stubs.get(key)
      if (stub === undefined) stubs.set(key, (stub = makeStub(url, key)))
      return stub
    },
    has: (_, key) => typeof key === 'string' && key !== 'then',
    set: () => false,
  })
}

function makeStub(url: string, key: string): (...args: any[]) => unknown {
  const stub = (): never => {
    throw new TypeError(
      `${key} of ${url} is a task of moduleTasks(): ` +
        'submit it to an executor, or import the module to call it here',
    )
  }
  define(stub, 'name', { value: key })
  stubTexts.set(stub, { module: url, key })
  return stub
}
