/**
 * What `map` and `doctor` run in workers. Lines are parsed there and results written there, so that the main
 * thread only moves text.
 */
import process from 'node:process'
import { compileFunction, constants } from 'node:vm'
import { threadId } from 'node:worker_threads'
import { isThenable } from '../host/thenable.ts'
import { describe, failed } from './rows.ts'
import type { Row } from './rows.ts'

type AnyFunction = (value: unknown) => unknown

let fn: AnyFunction | undefined
let failure: string | undefined

/**
 * The initializer: imports the module, so that no item's time counts that. It does not throw, which would
 * break the pool before anything could be said; {@link check} tells.
 */
export async function open(specifier: string, key: string): Promise<void> {
  // Standard output is for results: what the user's code prints goes where it is in nobody's way.
  process.stdout.write = process.stderr.write.bind(process.stderr)
  try {
    fn = exported((await importFromHere(specifier)) as Record<string, unknown>, key)
    if (fn === undefined) failure = `${specifier} exports no function ${key}`
    else if (/Generator/.test(kindOf(fn))) failure = `${key} of ${specifier} is a generator, not a function`
  } catch (error) {
    failure = `cannot load ${specifier}: ${describe(error).message}${placeOf(error)}`
  }
}

/** What is wrong with the module, in one line. */
export function check(): string | undefined {
  return failure
}

const kindOf = (value: unknown): string => Object.prototype.toString.call(value)

function exported(module: Record<string, unknown>, key: string): AnyFunction | undefined {
  const found = module[key] ?? memberOf(module['default'], key)
  return typeof found === 'function' ? (found as AnyFunction) : undefined
}

/** What an object, or its class, has: not what every object or function has. */
function memberOf(given: unknown, key: string): unknown {
  const isObject = (at: unknown): boolean => Object(at) === at
  for (let at = given; isObject(at); at = Object.getPrototypeOf(at)) {
    if (at === Object.prototype || at === Function.prototype) return undefined
    if (Object.hasOwn(at as object, key)) return (given as Record<string, unknown>)[key]
  }
  return undefined
}

/** File and line of what a module has thrown, where they are known. */
function placeOf(error: unknown): string {
  const { stack } = Object(error) as { stack?: unknown }
  const place = /^ +at .*?\(?(file:[^()\s]+:\d+:\d+)\)?$/m.exec(String(stack))?.[1]
  return place === undefined ? '' : ` (${place})`
}

/** An `import()` that resolves from the current directory, as no import of a module does. */
function importFromHere(specifier: string): Promise<unknown> {
  const load = compileFunction('return import(specifier)', ['specifier'], {
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  } as Parameters<typeof compileFunction>[2]) as (specifier: string) => Promise<unknown>
  return load(specifier)
}

/**
 * Calls the function with each line.
 *
 * @param longest - when it hands back what it has not begun, in milliseconds
 * @returns the rows of the lines that were run, one after another
 */
export function run(lines: string[], isRaw: boolean, longest: number): Row[] | Promise<Row[]> {
  const rows: Row[] = []
  const end = performance.now() + longest
  for (let index = 0; index < lines.length; index++) {
    const [start, since] = [Date.now(), performance.now()]
    try {
      const value = call(lines[index] as string, isRaw)
      if (isThenable(value)) return runAwaiting(value, rows, { lines, index, isRaw, end, start, since })
      rows.push([textOf(value, isRaw), '', start, performance.now() - since])
    } catch (error) {
      rows.push(failed(error, start, performance.now() - since))
    }
    if (performance.now() >= end) break
  }
  return rows
}

interface Position {
  readonly lines: string[]
  readonly index: number
  readonly isRaw: boolean
  readonly end: number
  readonly start: number
  readonly since: number
}

/** The same from the first line whose result has to be awaited. */
async function runAwaiting(first: unknown, rows: Row[], position: Position): Promise<Row[]> {
  const { lines, isRaw, end } = position
  let { index, start, since } = position
  let pending: unknown = first
  for (;;) {
    try {
      const value = await pending
      rows.push([textOf(value, isRaw), '', start, performance.now() - since])
    } catch (error) {
      rows.push(failed(error, start, performance.now() - since))
    }
    if (++index >= lines.length || performance.now() >= end) return rows
    ;[start, since] = [Date.now(), performance.now()]
    // What it throws is the rejection.
    pending = new Promise((resolve) => resolve(call(lines[index] as string, isRaw)))
  }
}

function call(line: string, isRaw: boolean): unknown {
  if (fn === undefined) throw new Error(failure)
  return fn(isRaw ? line : JSON.parse(line))
}

function textOf(value: unknown, isRaw: boolean): string {
  if (value === undefined) return 'null'
  if (isRaw && typeof value === 'string') return value
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) {
    const type = typeof value
    throw new TypeError(`the result is ${type === 'object' ? 'an' : 'a'} ${type}, which JSON cannot hold`)
  }
  return text
}

/** For `doctor`: where it runs. */
export function where(): [pid: number, threadId: number] {
  return [process.pid, threadId]
}

/** For `doctor`: never ends. */
export function spin(): void {
  for (;;);
}

/** For `doctor`: blocks its thread for good. */
export function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
