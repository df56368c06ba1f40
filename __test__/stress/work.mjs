/**
 * What the two stress programs run in their workers. An ordinary module; its counter tells one thread's copy
 * from another's.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { createHash, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { getEnvironmentData, threadId } from 'node:worker_threads'

const noop = () => {}
const stores = [new AsyncLocalStorage(), new AsyncLocalStorage(), new AsyncLocalStorage()]
let calls = 0

/**
 * Memory that the test shares with its workers: [0] the round that has started, [1] the round that is to end.
 */
const shared = getEnvironmentData('stress') ?? new Int32Array(2)

function begin(round) {
  Atomics.store(shared, 0, round)
}

// (func (export "spin") (param i32) (result i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0)
// (i32.const 1))))) (local.get 0))
const wasmBytes = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic, version
  ...[1, 6, 1, 96, 1, 127, 1, 127], // type: (i32) -> i32
  ...[3, 2, 1, 0], // one function of that type
  ...[7, 8, 1, 4, 115, 112, 105, 110, 0, 0], // export "spin"
  ...[10, 18, 1, 16, 0, 3, 64, 32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 32, 0, 11], // the loop
])
const { spin } = new WebAssembly.Instance(new WebAssembly.Module(wasmBytes)).exports

/** Runs for about `us` microseconds, then returns its round. */
export function turnFor(round, us) {
  begin(round)
  const end = performance.now() + us / 1e3
  while (performance.now() < end);
  return round
}

/** The same without leaving JavaScript: a call of Node's own every few thousand turns only. */
export function countFor(round, us) {
  begin(round)
  const end = performance.now() + us / 1e3
  let n = 0
  do {
    for (let i = 0; i < 3_000; i++) n = (n * 31 + i) | 0
  } while (performance.now() < end)
  return n === 0.5 ? n : round
}

/** The same in WebAssembly. */
export function wasmFor(round, us) {
  begin(round)
  const end = performance.now() + us / 1e3
  do spin(3_000)
  while (performance.now() < end)
  return round
}

/** Swallows every exception. */
export function swallowFor(round, us) {
  begin(round)
  const end = performance.now() + us / 1e3
  while (performance.now() < end) {
    try {
      throw new Error('x')
    } catch {
      continue
    } finally {
      if (round < 0) return -1
    }
  }
  return round
}

/** Ends at the very moment at which the test stops it. */
export function untilTold(round) {
  begin(round)
  while (Atomics.load(shared, 1) !== round);
  return round
}

/** The task that comes after: no stop is meant for it. */
export function innocent(round) {
  let sum = 0
  for (let i = 0; i < 2_000; i++) sum = (sum + i * round) % 1_000_003
  return [threadId, ++calls, sum]
}

export function expectedSum(round) {
  let sum = 0
  for (let i = 0; i < 2_000; i++) sum = (sum + i * round) % 1_000_003
  return sum
}

const folder = (() => {
  let made
  return () => (made ??= mkdtempSync(join(tmpdir(), 'cf-stress-')))
})()

export function cleanUp() {
  rmSync(folder(), { recursive: true, force: true })
}

/** Endless loops, each inside another part of Node. */
export const loops = {
  asyncResource() {
    for (;;) new AsyncResource('stress').runInAsyncScope(() => new AsyncResource('inner').runInAsyncScope(() => Math.random()))
  },
  asyncLocalStorage() {
    for (;;) {
      stores[0].run('leak 0', () => {
        stores[1].run('leak 1', () => stores[0].exit(() => stores[1].getStore()))
        stores[2].enterWith('leak 2')
      })
    }
  },
  timers() {
    for (let i = 0; ; i++) {
      clearTimeout(setTimeout(noop, 1 + (i % 60)))
      clearInterval(setInterval(noop, 1_000 + (i % 7)))
      clearImmediate(setImmediate(noop))
      if (i % 64 === 0) setTimeout(noop, 1)
    }
  },
  nextTick() {
    for (let i = 0; ; i++) {
      process.nextTick(noop)
      if (i % 8 === 0) queueMicrotask(noop)
    }
  },
  emitter() {
    const emitter = new EventEmitter()
    const target = new EventTarget()
    for (;;) {
      emitter.once('x', noop)
      emitter.on('y', noop)
      emitter.emit('x', 1, 2)
      emitter.off('y', noop)
      target.addEventListener('x', noop, { once: true })
      target.dispatchEvent(new Event('x'))
      new AbortController().abort()
    }
  },
  streams() {
    for (;;) {
      const through = new PassThrough()
      through.write('some text')
      through.end(Buffer.alloc(100))
      through.read()
      const readable = new Readable({ read: noop })
      readable.push('x')
      readable.push(null)
      readable.read()
      readable.destroy()
    }
  },
  fs() {
    const file = join(folder(), 'file')
    for (;;) {
      writeFileSync(file, 'text')
      readFileSync(file, 'utf8')
      statSync(file)
      existsSync(`${file}-not`)
      readdirSync(folder())
      closeSync(openSync(file))
    }
  },
  url() {
    for (let i = 0; ; i++) {
      const url = new URL(`../x/${i}?a=b&c=${i}#d`, 'https://example.org/y/z')
      url.searchParams.append('k', String(i))
      pathToFileURL(fileURLToPath(`file:///c:/a/${i}`))
      inspect({ url: url.href, list: [1, 2, { i }] })
    }
  },
  crypto() {
    for (;;) {
      createHash('sha256').update(randomBytes(64)).digest('hex')
      Buffer.from('some text').toString('base64')
      structuredClone({ a: [1, 2, 3] })
    }
  },
  modules() {
    const file = join(folder(), 'module.cjs')
    writeFileSync(file, 'exports.x = require("node:path").join("a", "b")')
    const require = createRequire(file)
    for (;;) {
      require(file)
      delete require.cache[file]
    }
  },
}

export function loop(kind, round) {
  begin(round)
  loops[kind]()
}

const LIMIT = 10_000

/** Whether this thread is as sound as before the stop: what is missing or was left behind, one word each. */
export async function probe() {
  const wrong = []
  const look = (where) => {
    for (const store of stores) if (store.getStore() !== undefined) wrong.push(`${store.getStore()} in ${where}`)
  }
  look('task')
  const part = (where, start) =>
    new Promise((resolve) => {
      let isOver = false
      start(() => {
        if (isOver) return
        isOver = true
        look(where)
        resolve()
      })
      // Not a timer of this thread, which may be what is broken: the test gives up as well.
      missing.add(where)
    }).then(() => missing.delete(where))
  const missing = new Set()
  await Promise.all([
    part('nextTick', (done) => process.nextTick(done)),
    part('promise', (done) => void Promise.resolve().then(done)),
    part('immediate', (done) => setImmediate(done)),
    part('timer', (done) => setTimeout(done, 1)),
    part('interval', (done) => {
      const timer = setInterval(() => {
        clearInterval(timer)
        done()
      }, 1)
    }),
  ])
  look('after')
  return { threadId, calls: ++calls, wrong }
}

export const PROBE_LIMIT = LIMIT
