/**
 * Runs a piece of JavaScript in a Node process of its own, under a hard limit: for what could hang, crash, or
 * end the process.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type * as Api from 'concurrent-futures'
import { HARD } from './limits.ts'

export type Package = typeof Api

/** How a child ended. */
export interface ChildEnd<T> {
  /** The exit code; null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  /** Whether it had to be killed because it lived longer than the hard limit. */
  isHung: boolean
  /** What the body returned; undefined if it did not get so far. */
  value: T | undefined
  /** What it printed, without the line that carries the value. */
  output: string
  errors: string
  /** From its start to its end, in milliseconds. */
  lived: number
  /** When it ended, on `Date.now()`'s clock. */
  endedAt: number
}

export interface ChildOptions {
  limit?: number
  nodeArguments?: string[]
  env?: Record<string, string>
  /** What it reads from standard input. */
  input?: string
  /** Limits of the process, as the shell's `ulimit` takes them. */
  limits?: string
}

/** More at once would only slow each other down. */
const MOST_AT_ONCE = 2
const ENTRY = fileURLToPath(new URL('./fixtures/child-entry.mjs', import.meta.url))

/** Begins the line that carries the body's value. */
const MARK = '@@value '

let free = MOST_AT_ONCE
const queue: (() => void)[] = []

async function enter(): Promise<void> {
  if (free > 0) free--
  else await new Promise<void>((resolve) => queue.push(resolve))
}

function leave(): void {
  const next = queue.shift()
  if (next === undefined) free++
  else next()
}

/**
 * Runs `body`, which travels as source, with the package and `args` in a child process. The value it returns
 * comes back as JSON; then the child is left to end by itself. With `executor`, the names of a class and of
 * its error, the package that `body` gets has a `create` that makes such executors, and that error as
 * `broken`.
 */
export async function inChild<A extends unknown[], T, P = Package>(
  body: (api: P, ...args: A) => T | Promise<T>,
  args: A,
  options: ChildOptions = {},
  executor?: { name: string; broken: string },
): Promise<ChildEnd<T>> {
  const env = { ...options.env, CHILD_BODY: JSON.stringify({ source: body.toString(), args, executor }) }
  return runNode<T>([...(options.nodeArguments ?? []), ENTRY], { ...options, env })
}

/** Runs Node with these arguments, from the package's folder. */
export async function runNode<T>(nodeArguments: string[], options: ChildOptions = {}): Promise<ChildEnd<T>> {
  await enter()
  try {
    return await watch<T>(nodeArguments, options)
  } finally {
    leave()
  }
}

function watch<T>(nodeArguments: string[], options: ChildOptions): Promise<ChildEnd<T>> {
  const start = performance.now()
  const { NODE_OPTIONS: _, ...env } = process.env
  const [command, ...rest] =
    options.limits === undefined
      ? [process.execPath, ...nodeArguments]
      : ['/bin/sh', '-c', `ulimit ${options.limits} && exec "$0" "$@"`, process.execPath, ...nodeArguments]
  const child = spawn(command as string, rest, {
    cwd: new URL('..', import.meta.url),
    env: { ...env, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.end(options.input)
  let text = ''
  let errors = ''
  let isHung = false
  child.stdout!.setEncoding('utf8').on('data', (data: string) => (text += data))
  child.stderr!.setEncoding('utf8').on('data', (data: string) => (errors += data))
  const timer = setTimeout(() => {
    isHung = true
    child.kill('SIGKILL')
  }, options.limit ?? HARD)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    let [lived, endedAt] = [Infinity, Infinity]
    child.on('exit', () => {
      // Not when its output closes: a process that it started may hold that open.
      lived = performance.now() - start
      endedAt = Date.now()
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const lines = text.split('\n')
      const marked = lines.find((line) => line.startsWith(MARK))
      resolve({
        ...{ code, signal, isHung, errors },
        value: marked === undefined ? undefined : (JSON.parse(marked.slice(MARK.length)) as T),
        output: lines
          .filter((line) => line !== marked)
          .join('\n')
          .trim(),
        ...{ lived, endedAt },
      })
    })
  })
}

/** What a test compares: a child that ended by itself, with code 0 and nothing to complain about. */
export function cleanEnd<T>(end: ChildEnd<T>): {
  value: T | undefined
  code: number | null
  signal: string | null
  isHung: boolean
  errors: string
} {
  return { value: end.value, code: end.code, signal: end.signal, isHung: end.isHung, errors: end.errors }
}

/** Such an end with this value. */
export function ended<T>(value: T): ReturnType<typeof cleanEnd<T>> {
  return { value, code: 0, signal: null, isHung: false, errors: '' }
}
