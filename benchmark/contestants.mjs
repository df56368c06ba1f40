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
]

/** One setting each, for what cannot depend on how many tasks a worker holds. */
export const plainPools = pools.filter((name) => !name.includes(':'))

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
  if (name === 'node') return process.versions.node
  const path = name === ours ? new URL('package.json', root) : new URL(locals[name] ?? `node_modules/${name}/package.json`, here)
  return JSON.parse(readFileSync(path, 'utf8')).version
}

/** Peers that are built here. */
const locals = { 'napi-rs': 'native-peer/package.json' }

/** Ours takes part once it is built. */
export function isBuilt() {
  return existsSync(fileURLToPath(new URL('dist/index.js', root)))
}
