// Who takes part. A contestant is `package` or `package:mode`; the modes are the settings listed in
// peers/<package>.mjs, or in the folder of peers/ that a suite names.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ours = 'concurrent-futures'
const root = new URL('..', import.meta.url)
const here = new URL('.', import.meta.url)

/** All that run tasks on a pool, each in the settings that somebody could call its fastest. */
export const pools = [
  ours,
  'piscina',
  'piscina:1024',
  'piscina:async-1024',
  'tinypool',
  'tinypool:1024',
  'workerpool',
  'poolifier',
  'poolifier:queue',
  'jest-worker',
  'multithreading',
]

/**
 * Written by hand for one purpose, without a pool's queue, limits, errors and cancellation. What a pool
 * costs beside them is shown in a line of its own.
 */
export const handWritten = ['worker_threads', 'worker_threads:batch', 'atomics-ring']

/** All that can run `n → n + 1` and other functions of one number. */
export const everybody = [...pools, ...handWritten]

/** One setting each, for what cannot depend on how many tasks a worker holds. */
export const plainPools = pools.filter((name) => !name.includes(':'))

/** The pools that can run their tasks in child processes. The last word says how messages are written. */
export const processPools = [
  ours,
  'workerpool',
  'workerpool:json',
  'tinypool',
  'tinypool:1024',
  'tinypool:json-1024',
  'jest-worker',
  'jest-worker:json',
]

/** The same by hand: `child_process.fork` and a message a task, or one for all of a turn. */
export const handWrittenProcesses = ['fork', 'fork:json', 'fork:batch']

/** Not of Node: shown below the others and compared with apart from them. */
export const apart = ['cpython']

/** Pending promises and nothing else, on the main thread alone: a floor. */
export const floor = 'promises'

export const isHandWritten = (contestant) => [...handWritten, ...handWrittenProcesses, floor].includes(contestant)

export const isApart = (contestant) => apart.includes(contestant)

/** The oldest line of Node that has what a package uses. */
const oldestNode = { multithreading: 22 }

export function runsHere(contestant) {
  if (contestant === 'cpython') return cpythonVersion() !== undefined
  return Number.parseInt(process.versions.node) >= (oldestNode[split(contestant).name] ?? 0)
}

/** Of the `python3` in PATH; undefined without one. */
function cpythonVersion() {
  const { stdout } = spawnSync('python3', ['-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' })
  return stdout?.trim() || undefined
}

export function split(contestant) {
  const [name, mode = 'default'] = contestant.split(':')
  return { name, mode }
}

/** `folder`: the one of peers/ that a suite names, if it has adapters of its own. */
export async function load(contestant, folder = '.') {
  const { name, mode } = split(contestant)
  const peer = await import(new URL(`peers/${folder}/${name}.mjs`, here))
  if (!(mode in peer.modes)) throw new Error(`${name} has no mode '${mode}'`)
  // What is not of Node measures itself, by the same rules.
  return { start: (options) => peer.start({ ...options, mode }), measure: peer.measure, settings: peer.modes[mode] }
}

export function version(contestant) {
  const { name } = split(contestant)
  if (name === 'node' || isHandWritten(name)) return process.versions.node
  if (name === 'cpython') return cpythonVersion()
  const path = name === ours ? new URL('package.json', root) : new URL(locals[name] ?? `node_modules/${name}/package.json`, here)
  return JSON.parse(readFileSync(path, 'utf8')).version
}

/** Peers that are built here. */
const locals = { 'napi-rs': 'native-peer/package.json' }

/** Ours takes part once it is built. */
export function isBuilt() {
  return existsSync(fileURLToPath(new URL('dist/index.js', root)))
}
