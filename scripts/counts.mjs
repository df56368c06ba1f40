// What the guard counts of a task, and how it reads that from the dumps of callgrind. The programs that are
// counted are those of benchmark/guard/.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callsOf, profile } from './callgrind.mjs'
import { Failure, root } from './command.mjs'

/** Until then V8 has compiled what a task needs, and its heap has grown. */
const WARM_UP = 40_000
const COUNTED = 20_000
const MARK = 'getpriority'

const ADDON = /^concurrent-futures\..*\.node$/
const N_API = /^napi_/
const CALLBACK = /^napi_make_callback$/
// With the version of the symbol after it: clock_gettime@@GLIBC_2.17.
const CLOCK = /^clock_gettime(@|$)/
const ALLOCATION = /^(malloc|calloc|realloc|posix_memalign|aligned_alloc)$/

/**
 * Each with what it may grow by before that counts as a loss: a number, or a part of what was recorded. A
 * call, an allocation or a lock (two atomic operations) a task are more than the margins; how often threads
 * meet is less. `isOfNode`: what another release of Node changes, which is compared with the recorded one's
 * only.
 */
export const COUNTS = {
  napiWorker: { label: 'N-API calls, worker', margin: 0.5 },
  callbacksWorker: { label: 'napi_make_callback, worker', margin: 0.1 },
  napiMain: { label: 'N-API calls, main', margin: 0.5 },
  clockWorker: { label: 'clock_gettime, worker', margin: 0.5 },
  clockMain: { label: 'clock_gettime, main', margin: 0.4 },
  allocationsWorker: { label: 'allocations by the addon, worker', margin: 0.2 },
  allocationsMain: { label: 'allocations by the addon, main', margin: 0.2 },
  atomicsWorker: { label: 'atomic operations of the addon, worker', margin: 1 },
  atomicsMain: { label: 'atomic operations of the addon, main', margin: 1 },
  addonWorker: { label: 'instructions of the addon, worker', margin: '2 %' },
  addonMain: { label: 'instructions of the addon, main', margin: '5 %' },
  instructionsWorker: { label: 'instructions, worker', margin: '2 %', isOfNode: true },
  instructionsMain: { label: 'instructions, main', margin: '10 %', isOfNode: true },
  import: { label: 'our import, millions of instructions', margin: '3 %', isOfNode: true },
  first: { label: 'start to first result ÷ bare worker, instructions', margin: 0.08, isOfNode: true },
  wide: { label: 'characters above U+00FF in dist/', margin: 0 },
}

/**
 * Runs the programs one after the other; each count is by the number of tasks, but for those that say
 * otherwise.
 */
export async function countAll(note) {
  const folder = mkdtempSync(join(tmpdir(), 'guard-'))
  const under = (name, ...args) => {
    note(name)
    mkdirSync(join(folder, name))
    return profile(join(folder, name), MARK, join(root, 'benchmark/guard', name), ...args)
  }
  try {
    const noops = await under('noops.mjs', String(WARM_UP), String(COUNTED))
    const first = sumOf(await under('first.mjs'))
    const bare = sumOf(await under('bare.cjs'))
    return { ...ofTasks(noops), first: first / bare, wide: wideCharacters() }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const sumOf = (dumps) => dumps.reduce((sum, dump) => sum + dump.total.instructions, 0)

/** noops.mjs says what lies between its marks. What follows the last mark of a thread has no number. */
function ofTasks(dumps) {
  const marked = dumps.filter(({ number }) => number !== Infinity)
  const main = marked.filter(({ thread }) => thread === 1)
  const worker = marked.filter(({ thread }) => thread !== 1)
  if (main.length !== 4 || worker.length !== 2) {
    throw new Failure(`callgrind saw ${main.length} and ${worker.length} calls of ${MARK}() where 4 and 2 are made`)
  }
  return { ...ofThread('Worker', worker[1]), ...ofThread('Main', main[3]), import: main[1].total.instructions / 1e6 }
}

function ofThread(name, dump) {
  const addon = [...dump.objects.keys()].find((object) => ADDON.test(object))
  const own = dump.objects.get(addon)
  const counts = {
    napi: callsOf(dump, N_API),
    callbacks: callsOf(dump, CALLBACK),
    clock: callsOf(dump, CLOCK),
    allocations: callsOf(dump, ALLOCATION, addon),
    atomics: own.atomics,
    addon: own.instructions,
    instructions: dump.total.instructions,
  }
  return Object.fromEntries(Object.entries(counts).map(([key, count]) => [`${key}${name}`, count / COUNTED]))
}

/**
 * One of them, in a comment too, makes V8 keep the whole source as two bytes a character in every isolate.
 */
function wideCharacters() {
  const files = readdirSync(join(root, 'dist'), { recursive: true }).filter((name) => /\.c?js$/.test(name))
  const texts = files.map((name) => readFileSync(join(root, 'dist', name), 'utf8'))
  return texts.reduce((sum, text) => sum + (text.match(/[\u0100-\uffff]/g) ?? []).length, 0)
}
