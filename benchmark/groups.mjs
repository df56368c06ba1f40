// The suites, and the names under which several of them are run.
import { readdirSync } from 'node:fs'

/** In the order in which README.md has them, with the rows of which there are pictures. */
export const SUITES = {
  throughput: ['flight1k', 'producers'],
  cold: ['flight1k-next', 'flight1k-first'],
  roundtrip: ['p50'],
  cancel: ['next', 'rejection'],
  'loop-delay': ['noop-p99', 'work-p99', 'continuation-p99', 'even-p99'],
  values: ['records8many', 'row'],
  efficiency: ['efficiency'],
  sync: [],
  'fork-join': [],
  native: [],
  kernels: [],
  threadpool: ['stat'],
  queue: ['cost'],
  start: ['first', 'rss'],
  process: ['flight1k', 'p50', 'first'],
  share: ['task', 'first'],
  stream: ['number', 'row'],
  affinity: ['work'],
  distributed: ['ms10', 'p50'],
}

/** Ours alone, as something grows: docs/performance.md has them. */
export const SCALING = ['scaling-queue', 'scaling-workers', 'scaling-executors', 'scaling-payload', 'scaling-isolates']

const GROUPS = {
  short: ['throughput', 'roundtrip'],
  latency: ['roundtrip', 'loop-delay', 'cancel', 'start'],
  scaling: SCALING,
  all: [...Object.keys(SUITES), ...SCALING],
}

const names = readdirSync(new URL('suites/', import.meta.url)).map((file) => file.replace('.mjs', ''))

/** What a name stands for, or undefined. */
export function suitesOf(name) {
  if (Object.hasOwn(GROUPS, name)) return GROUPS[name]
  return names.includes(name) ? [name] : undefined
}

export const usage = `suites: ${names.join(', ')}\nseveral at once: ${Object.entries(GROUPS)
  .map(([name, of]) => `${name} (${of.join(', ')})`)
  .join('; ')}`
