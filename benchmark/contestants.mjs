// Who takes part. A contestant is `package` or `package:mode`; the modes are the settings listed in
// peers/<package>.mjs.
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

export const isHandWritten = (contestant) => handWritten.includes(contestant)

/** The oldest line of Node that has what a package uses. */
const oldestNode = { multithreading: 22 }

export const runsHere = (contestant) => Number.parseInt(process.versions.node) >= (oldestNode[split(contestant).name] ?? 0)

export function split(contestant) {
  const [name, mode = 'default'] = contestant.split(':')
  return { name, mode }
}

export async function load(contestant) {
  const { name, mode } = split(contestant)
  const peer = await import(new URL(`peers/${name}.mjs`, here))
  if (!(mode in peer.modes)) throw new Error(`${name} has no mode '${mode}'`)
  return { start: (options) => peer.start({ ...options, mode }), settings: peer.modes[mode] }
}

export function version(contestant) {
  const { name } = split(contestant)
  if (name === 'node' || isHandWritten(name)) return process.versions.node
  const path = name === ours ? new URL('package.json', root) : new URL(locals[name] ?? `node_modules/${name}/package.json`, here)
  return JSON.parse(readFileSync(path, 'utf8')).version
}

/** Peers that are built here. */
const locals = { 'napi-rs': 'native-peer/package.json' }

/** Ours takes part once it is built. */
export function isBuilt() {
  return existsSync(fileURLToPath(new URL('dist/index.js', root)))
}
