// What the workers run. Plain functions, one argument each, because one argument is what every pool can
// carry; the files beside this one only register the same functions in the way that a pool asks for.
import { appendFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'

/** The no-op. It answers n + 1 so that a lost, repeated or swapped result shows. */
export function addOne(n) {
  return n + 1
}

export function echo(value) {
  return value
}

/**
 * A fixed amount of arithmetic; a loop that watches the clock would count the time in which it was not
 * scheduled.
 */
export function work(iterations) {
  let x = 0x9e3779b9
  for (let i = 0; i < iterations; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}

/** Notes that it runs, and computes for so many milliseconds. */
export function noteAndSpin([log, ms]) {
  appendFileSync(log, 'x')
  for (const end = performance.now() + ms; performance.now() < end;);
  return ms
}

/** Tells through shared memory that it runs, and never ends. */
export function loop(flag) {
  Atomics.store(flag, 0, 1)
  for (;;);
}

/** Never ends, and tells nobody. */
export function spin() {
  for (;;);
}

/** Holds its worker until the caller opens the gate. */
export function gate(flag) {
  Atomics.wait(flag, 0, 0)
  return 0
}

/** Holds its worker for a while, so that as many workers start as there are calls. */
export function hold(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  return threadId
}

export function thread() {
  return threadId
}

export function pid() {
  return process.pid
}

/** Bytes of memory that this process has in RAM. */
export function resident() {
  return process.memoryUsage.rss()
}
