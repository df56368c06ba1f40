// The ways in which the suites keep a pool busy. Every one checks every result.
import { work } from './tasks/functions.mjs'

/**
 * Keeps `inFlight` tasks outstanding: each result submits the next. Resolves with the milliseconds it took.
 */
export function keepInFlight(run, { tasks, inFlight, argument, check, onResult }) {
  const { promise, resolve, reject } = withResolvers()
  let next = 0
  let done = 0
  const submit = () => {
    const i = next++
    run(argument(i)).then((result) => {
      if (!check(result, i)) return reject(wrongResult(result, i))
      onResult?.(i)
      if (next < tasks) submit()
      if (++done === tasks) resolve(performance.now() - start)
    }, reject)
  }
  const start = performance.now()
  while (next < Math.min(tasks, inFlight)) submit()
  return promise
}

/** Submits `inFlight` tasks in one go, awaits them all, and again. */
export async function batches(run, { tasks, inFlight, argument, check }) {
  const start = performance.now()
  for (let first = 0; first < tasks; first += inFlight) {
    const promises = []
    for (let i = first; i < Math.min(tasks, first + inFlight); i++) promises.push(run(argument(i)))
    const results = await Promise.all(promises)
    for (let k = 0; k < results.length; k++) {
      if (!check(results[k], first + k)) throw wrongResult(results[k], first + k)
    }
  }
  return performance.now() - start
}

/** Asynchronous functions side by side, each awaiting one result at a time. */
export async function producers(run, { tasks, inFlight, argument, check, onResult }) {
  let next = 0
  const produce = async () => {
    while (next < tasks) {
      const i = next++
      const result = await run(argument(i))
      if (!check(result, i)) throw wrongResult(result, i)
      onResult?.(i)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, produce))
  return performance.now() - start
}

/** One after the other; the microseconds of each, sorted. */
export async function oneByOne(run, { tasks, argument, check }) {
  const times = new Float64Array(tasks)
  for (let i = 0; i < tasks; i++) {
    const value = argument(i)
    const start = performance.now()
    const result = await run(value)
    times[i] = (performance.now() - start) * 1000
    if (!check(result, i)) throw wrongResult(result, i)
  }
  return times.sort()
}

/**
 * What `flow` took: milliseconds of the clock, and microseconds of CPU time of all threads of the process,
 * the collector's and the compiler's included.
 */
export async function withCpu(flow) {
  const before = process.cpuUsage()
  const ms = await flow()
  const { user, system } = process.cpuUsage(before)
  return { ms, cpu: user + system }
}

export function percentile(sorted, p) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Has every worker started and answering before anything is measured. */
export async function startWorkers(pool, workers, ms = 50) {
  await Promise.all(Array.from({ length: workers }, () => pool.run('hold', ms)))
}

/** Runs `go` for so long at least; resolves with the tasks a millisecond of the last time. */
export async function warmUp(go, tasks, wanted) {
  const start = performance.now()
  for (;;) {
    const ms = await go(tasks)
    if (performance.now() - start >= wanted) return tasks / ms
  }
}

/**
 * Values made beforehand and used in turn, so that making them is not timed; longer than any number in
 * flight.
 */
export function inTurn(make, check) {
  const values = Array.from({ length: 4096 }, (_, i) => make(i))
  return {
    argument: (i) => values[i & 4095],
    check: (result, i) => check(result, i & 4095),
  }
}

/** A flat string: one that is still a chain of parts would be joined inside the first measurement. */
export function flatten(text) {
  return Buffer.from(text, 'latin1').toString('latin1')
}

export const filler = (length) => Buffer.alloc(length, 'The quick brown fox. ').toString('latin1')

/** One array of bytes, of which the last changes from task to task. */
export function bytes(length) {
  const value = new Uint8Array(Buffer.from(filler(length)))
  return {
    argument(i) {
      value[length - 1] = i & 255
      return value
    },
    check: (result, i) => result.length === length && result[length - 1] === (i & 255) && result[7] === value[7],
  }
}

export const addOne = { argument: (i) => i, check: (result, i) => result === i + 1 }

/** The same arithmetic on this thread. */
export function inline(tasks, iterations) {
  let sum = 0
  const start = performance.now()
  for (let i = 0; i < tasks; i++) sum += work(iterations)
  return { ms: performance.now() - start, sum }
}

/** How many rounds of arithmetic take so many microseconds on this thread, once it is compiled. */
export function calibrate(microseconds) {
  inline(2000, 5000)
  const trials = Array.from({ length: 5 }, () => inline(200, 5000).ms)
  return Math.round((5000 * 200 * microseconds) / (median(trials) * 1000))
}

export function sharedFlag() {
  return new Int32Array(new SharedArrayBuffer(4))
}

// Promise.withResolvers came with Node 22.
function withResolvers() {
  let resolve
  let reject
  const promise = new Promise((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

function wrongResult(result, i) {
  return new Error(`task ${i} came back wrong: ${String(result).slice(0, 60)}`)
}
