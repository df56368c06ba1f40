/** From the number of a function to the function: imports its module, or compiles its source, once per worker. */
import { pathToFileURL } from 'node:url'
import { compileFunction, constants } from 'node:vm'
import { binding } from '../binding.ts'
import { registeredTask } from '../functions.ts'
import type { FunctionText } from '../functions.ts'
import { whileLoading } from '../thread-role.ts'
import { runChunk } from './chunk.ts'

type AnyFunction = (...args: any[]) => unknown

/** The loaded functions by number; one that could not be loaded throws why. */
export const functions: (AnyFunction | undefined)[] = []

/** Loads function `number` and tells the addon. Called by the addon, which then claims its tasks. */
export function prepare(number: number): void {
  load(number).then(
    (fn) => {
      functions[number] = fn
      binding.prepared(number, isAsync(fn))
    },
    (error: unknown) => {
      functions[number] = () => {
        throw error
      }
      binding.prepared(number, false)
    },
  )
}

/** Whether a function is known to return promises. */
function isAsync(fn: AnyFunction): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]'
}

/** Loads function `number`. */
export async function load(number: number): Promise<AnyFunction> {
  const text = JSON.parse(binding.functionText(number)) as FunctionText
  const fn = 'module' in text ? await fromModule(text.module, text.key) : fromSource(text.source)
  return text.chunk === true ? runChunk(fn) : fn
}

async function fromModule(url: string, key: string): Promise<AnyFunction> {
  const registered = registeredTask(url, key)
  if (registered !== undefined) return registered
  const module = (await whileLoading(() => import(url))) as Record<string, unknown>
  const fn = registeredTask(url, key) ?? module[key] ?? (module['default'] as Record<string, unknown> | undefined)?.[key]
  if (typeof fn !== 'function') throw new TypeError(`the module ${url} has no function '${key}', neither registered by tasks() nor exported`)
  return fn as AnyFunction
}

const base: URL = pathToFileURL(`${process.cwd()}/`)

/** Compiles a source. Not by eval, so that it works where code generation from strings is forbidden; `import()` resolves from the current directory. */
function fromSource(source: string): AnyFunction {
  const make = compileFunction(`return ${source}`, [], {
    filename: new URL('[submitted function]', base).href,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  } as Parameters<typeof compileFunction>[2])
  const fn = make() as AnyFunction
  sources.add(fn)
  return fn
}

/** Functions that were sent as source. */
const sources: WeakSet<AnyFunction> = new WeakSet()

const HINT =
  'a function sent as source cannot use variables of its surroundings: pass them as arguments, or put the function into a module and use tasks()'

/** Adds to the ReferenceError of a function sent as source what is probably wrong. */
export function explain(fn: AnyFunction, error: unknown): unknown {
  if (error instanceof ReferenceError && sources.has(fn)) error.message += ` (${HINT})`
  return error
}
