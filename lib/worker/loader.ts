/**
 * From the number of a function to the function: imports its module, or compiles its source, once per worker,
 * and again if it was long unused while many others were.
 */
import { pathToFileURL } from 'node:url'
import { compileFunction, constants } from 'node:vm'
import { binding } from '../addon/binding.ts'
import { LOADED_ASYNC, LOADED_NO, LOADED_SYNC } from '../addon/seam.ts'
import { addToMessage } from '../errors/messages.ts'
import { isRefusal } from '../errors/system-refusal.ts'
import { stackOf } from '../errors/without-stacks.ts'
import { now } from '../host/clocks.ts'
import { setTimeout } from '../host/timers.ts'
import { URL } from '../host/url.ts'
import { registeredTask, textOf } from '../tasks/functions.ts'
import { whileLoading } from '../tasks/recursion.ts'
import { refuseKinds } from '../tasks/source.ts'
import { results } from '../values/means.ts'
import { packThrown } from '../values/thrown.ts'
import { begun } from './begun.ts'
import { runChunk } from './chunk.ts'
import { loading } from './origin.ts'
import { runStream } from './stream.ts'
import { hintFor, namesIn } from './tool-names.ts'

type AnyFunction = (...args: any[]) => unknown

/** A loaded function; one that could not be loaded throws why. */
export interface LoadedFunction {
  readonly fn: AnyFunction
  /** How many tasks the worker had begun when it was called last. */
  used: number
}

/** By their numbers. */
export const functions: (LoadedFunction | undefined)[] = []

/** How many are kept: a program may submit functions without end, each with a source of its own. */
const MOST_LOADED = 1_000
/** The numbers of those that are. */
let loaded: number[] = []

/**
 * Keeps a function that was loaded. If there are too many, the half that was not used for longer is
 * forgotten.
 */
function keep(number: number, fn: AnyFunction): void {
  if (functions[number] === undefined) loaded.push(number)
  functions[number] = { fn, used: begun }
  if (loaded.length <= MOST_LOADED) return
  const usedAt = (other: number): number => (other === number ? Infinity : (functions[other]?.used ?? 0))
  loaded.sort((one, two) => usedAt(two) - usedAt(one))
  for (const other of loaded.splice(MOST_LOADED / 2)) {
    functions[other] = undefined
    binding.forgetFunction(other)
  }
}

let leaveRefused: () => void = () => {}

/** Sets how the worker leaves when the system refuses what the loading of a module takes. */
export function onRefusedLoad(leave: () => void): void {
  leaveRefused = leave
}

/** How long such a worker tries again if it cannot leave, because it holds tasks, and the pause between. */
const MOST_TRYING = 30_000
const BETWEEN_TRIES = 100

/** Loads function `number` and tells the addon. Called by the addon, which then claims its tasks. */
export function prepare(number: number, since: number = now()): void {
  const before = modules.size
  loading(number, () => load(number)).then(
    (fn) => {
      keep(number, fn)
      binding.prepared(number, isAsync(fn), modules.size > before)
    },
    (error: unknown) => {
      // Node may keep a module that it could not read as one that cannot be loaded: another worker tries.
      if (isRefusal(error)) {
        const { form, data } = packThrown(error, results().reread)
        if (binding.loadRefused(form, data)) return leaveRefused()
        if (now() - since < MOST_TRYING) {
          setTimeout(() => prepare(number, since), BETWEEN_TRIES)
          return
        }
      }
      keep(number, () => {
        throw error
      })
      // A module that throws may have left something behind before.
      binding.prepared(number, false, true)
    },
  )
}

/**
 * Loads function `number` if that takes no waiting: its module is there already, or it was sent as source.
 * Called by the addon on top of a task that blocks for a task of this function.
 */
export function prepareNow(number: number): number {
  const known = functions[number]?.fn ?? loadNow(number)
  if (known === undefined) return LOADED_NO
  keep(number, known)
  return isAsync(known) ? LOADED_ASYNC : LOADED_SYNC
}

function loadNow(number: number): AnyFunction | undefined {
  const text = textOf(number)
  if (text.chunk === true || text.stream === true) return undefined
  if ('module' in text) {
    return registeredTask(text.module, text.key) ?? exported(modules.get(text.module), text.key)
  }
  try {
    return fromSource(text.source)
  } catch {
    // `prepare` will load it too, and fail the future with its error.
    return undefined
  }
}

/**
 * Whether a function seems to return promises. If the guess is wrong its first run shows it; a blocking wait
 * for that first task may then be refused.
 */
function isAsync(fn: AnyFunction): boolean {
  try {
    return (
      Object.prototype.toString.call(fn) === '[object AsyncFunction]' ||
      MAKES_PROMISES.test(Function.prototype.toString.call(fn))
    )
  } catch {
    // The user has replaced what is asked here, and it throws.
    return true
  }
}

const MAKES_PROMISES = /\b(async|await|Promise|__awaiter)\b|\.then\b|\bimport\s*\(/

/** Loads function `number`. */
export async function load(number: number): Promise<AnyFunction> {
  const text = textOf(number)
  const fn = 'module' in text ? await fromModule(text.module, text.key) : fromSource(text.source)
  refuseKinds(fn, text.stream === true)
  const explained = (error: unknown): unknown => explain(fn, error)
  if (text.stream === true) return runStream(fn, explained)
  return text.chunk === true ? runChunk(fn, explained) : fn
}

async function fromModule(url: string, key: string): Promise<AnyFunction> {
  const registered = registeredTask(url, key)
  if (registered !== undefined) return registered
  const module = (await whileLoading(() => import(url))) as Record<string, unknown>
  noteModule(url, module)
  const fn = registeredTask(url, key) ?? exported(module, key)
  if (fn === undefined) {
    throw new TypeError(
      `the module ${url} has no function '${key}', neither registered by tasks() nor exported`,
    )
  }
  return fn
}

/** The modules that were imported for tasks; Node itself keeps every one that it has loaded. */
const modules: Map<string, Record<string, unknown>> = new Map()

function noteModule(url: string, module: Record<string, unknown>): void {
  modules.set(url, module)
  // The first is the one that was added first.
  if (modules.size > MOST_LOADED) for (const first of modules.keys()) return void modules.delete(first)
}

function exported(module: Record<string, unknown> | undefined, key: string): AnyFunction | undefined {
  const fn = module?.[key] ?? (module?.['default'] as Record<string, unknown> | undefined)?.[key]
  return typeof fn === 'function' ? (fn as AnyFunction) : undefined
}

const FILE = '[submitted function]'

/** The current directory, when it was last there. */
let directory = '/'

/** The current directory; if it has been removed, what it was. */
function currentDirectory(): string {
  try {
    directory = process.cwd()
  } catch {
    // Only an `import()` of a package needs it.
  }
  return directory
}
currentDirectory()

/**
 * Compiles a source. Not by eval, so that it works where code generation from strings is forbidden;
 * `import()` resolves from the current directory.
 */
function fromSource(source: string): AnyFunction {
  const [names, values] = namesIn(source, () => compile('return (specifier) => import(specifier)', [])())
  const fn = compile(source, names)(...values)
  sources.add(fn)
  return fn
}

function compile(source: string, names: string[]): (...values: unknown[]) => AnyFunction {
  return compileFunction(source, names, {
    filename: new URL(FILE, pathToFileURL(`${currentDirectory()}/`)).href,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  } as Parameters<typeof compileFunction>[2]) as (...values: unknown[]) => AnyFunction
}

/** Functions that were sent as source. */
const sources: WeakSet<AnyFunction> = new WeakSet()

/** Adds to the ReferenceError of a function sent as source what is probably wrong. */
export function explain(fn: AnyFunction, error: unknown): unknown {
  if (!sources.has(fn) || !(error instanceof ReferenceError) || !Object.isExtensible(error)) return error
  // The engine's own, not one that the task has made, nor one that has the hint already.
  const [, name] = /^(\S+) is not defined$/.exec(error.message) ?? []
  if (name !== undefined && isFromSource(error)) addToMessage(error, ` (${hintFor(name)})`)
  return error
}

/**
 * Whether an error was made in a function sent as source, and not in a module that it has imported, as far as
 * its stack tells.
 */
function isFromSource(error: Error): boolean {
  const innermost = /^ +at .*$/m.exec(String(stackOf(error)))
  return innermost === null || innermost[0].includes(FILE.replace(' ', '%20'))
}
