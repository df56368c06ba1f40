/** Native tasks of the user's own, from a shared library that follows the ABI of concurrent-futures-task. */
import { fileURLToPath } from 'node:url'
import { binding } from '../addon/binding.ts'
import { define } from '../host/define.ts'
import { hrefOf } from '../host/url.ts'
import { bytes } from './native-arguments.ts'
import type { Bytes } from './native-arguments.ts'
import { defineNative } from './native.ts'
import type { Prepare } from './native.ts'

/** A task of a plug-in: from bytes, or none, to bytes. */
export type PluginTask = (input?: Bytes) => Uint8Array

/** The tasks of a plug-in, by name. */
export type PluginTasks<K extends string = string> = { readonly [N in K]: PluginTask }

/** What this isolate has made of each library, by the number of its first task, which no other has. */
const loaded: Map<number, PluginTasks> = new Map()

/**
 * Loads a plug-in and gives its tasks, to be submitted like functions. A library is loaded once for the
 * process and never unloaded. Its code runs in this process, from the moment of loading: load only what you
 * trust.
 *
 * @param path - of the shared library: a path, relative ones from the current directory, or a `file:` URL
 * @throws TypeError for anything else; Error with a `code`: ERR_PLUGIN_NOT_FOUND, ERR_PLUGIN_NOT_LOADABLE (no
 * library for this system), ERR_PLUGIN_FOREIGN (a library, but no plug-in), ERR_PLUGIN_INCOMPATIBLE (it needs
 * a newer version of this package), ERR_PLUGIN_MALFORMED; ERR_ACCESS_DENIED in a child of a process pool with
 * `permission`
 * @example
 * ```ts
 * const { reverse } = loadNative<'reverse'>(new URL('./libplugin_rust.so', import.meta.url))
 * const back = await executor.with({ timeout: 500 }).submit(reverse, 'abc')
 * ```
 */
export function loadNative<K extends string = string>(path: string | URL): PluginTasks<K> {
  const file = pathOf(path)
  if (binding.mayLoadNative() === false) {
    throw Object.assign(
      new Error(`a child of a pool with permission loads no plug-ins: ${file} would do what Node refuses`),
      { code: 'ERR_ACCESS_DENIED', permission: 'Addon', resource: file },
    )
  }
  const [first, ...names] = binding.loadPlugin(file)
  let tasks = loaded.get(first)
  if (tasks === undefined) loaded.set(first, (tasks = makeTasks(first, names)))
  return tasks as PluginTasks<K>
}

function pathOf(path: unknown): string {
  const href = hrefOf(path)
  if (href !== undefined) return fileURLToPath(href)
  if (typeof path !== 'string') {
    throw new TypeError(
      `the path of a plug-in must be a string or a file: URL, got ${path === null ? 'null' : typeof path}`,
    )
  }
  return path.startsWith('file:') ? fileURLToPath(path) : path
}

function makeTasks(first: number, names: string[]): PluginTasks {
  const tasks = Object.create(null) as Record<string, PluginTask>
  names.forEach((name, index) => {
    define(tasks, name, { value: defineNative(name, first + index, inputOf), enumerable: true })
  })
  return Object.freeze(tasks)
}

const inputOf: Prepare = (args) => {
  if (args.length > 1) {
    throw new TypeError(`a task of a plug-in takes one argument, its input, or none; got ${args.length}`)
  }
  return [args[0] === undefined ? undefined : bytes(args[0], 'input')]
}
