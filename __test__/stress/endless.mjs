/**
 * What what-stops.mjs runs in its workers: everything that a task can be stuck in, by name, in the order of
 * the table.
 */
import { execSync } from 'node:child_process'
import { createHash, pbkdf2Sync, scryptSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getEnvironmentData, threadId } from 'node:worker_threads'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const noop = () => {}
/** When the task was called, on the clock of `process.hrtime`, which all threads share. */
const began = getEnvironmentData('began') ?? new BigInt64Array(1)
let calls = 0

/** (func (export "loop") (loop (br 0))) */
const wasm = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
  ...[7, 8, 1, 4, 108, 111, 111, 112, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11],
])

function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'cf-what-stops-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return use(folder)
}

function numbers(length) {
  const list = new Float64Array(length)
  let state = 1
  for (let at = 0; at < length; at++) list[at] = (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  return list
}

/**
 * `label` is the row of the table; `make`, called beforehand, makes what the task needs; `run` is the task.
 */
export const kinds = {
  loop: {
    label: '`while (true) {}`',
    run: () => {
      while (true) {}
    },
  },
  catching: {
    label: 'a loop of `try`, `catch` and `finally`',
    run() {
      for (let n = 0; ; n++) {
        try {
          if (n % 2 === 0) throw new Error('x')
        } catch {
          n++
        } finally {
          n--
          n++
        }
      }
    },
  },
  swallowing: {
    label: 'a loop that swallows every exception and stays in `finally`',
    run() {
      for (;;) {
        try {
          for (;;);
        } catch {
          continue
        } finally {
          for (;;);
        }
      }
    },
  },
  regularExpression: { label: 'a catastrophic regular expression', run: () => /^(a+)+$/.test(`${'a'.repeat(60)}!`) },
  wasm: {
    label: 'an endless loop of WebAssembly',
    make: () => new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports,
    run: ({ loop }) => loop(),
  },
  atomicsWait: { label: '`Atomics.wait` without a limit', run: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) },
  arrays: {
    label: '`for (;;) new Array(1000).fill(1)`',
    run: () => {
      for (;;) new Array(1000).fill(1)
    },
  },
  arraysWithChecks: {
    label: 'the same, with `--no-turboshaft-loop-unrolling`',
    flags: '--no-turboshaft-loop-unrolling',
    run: () => {
      for (;;) new Array(1000).fill(1)
    },
  },
  concatenation: {
    label: '`text += "x"` in a loop',
    run() {
      for (let text = ''; ;) if ((text += 'x').length > 1e7) text = ''
    },
  },
  never: { label: 'a promise that never settles', run: () => new Promise(noop) },
  microtasks: {
    label: '`for (;;) await null`',
    run: async () => {
      for (;;) await null
    },
  },
  ticks: {
    label: 'a `process.nextTick` that asks for the next',
    run: () =>
      new Promise(() => {
        const next = () => process.nextTick(next)
        next()
      }),
  },
  immediates: {
    label: 'a `setImmediate` that asks for the next',
    run: () =>
      new Promise(() => {
        const next = () => setImmediate(next)
        next()
      }),
  },
  timers: {
    label: 'a loop that sets and clears timers',
    run: () => {
      for (;;) clearTimeout(setTimeout(noop, 1))
    },
  },
  readFile: {
    label: '`fs.readFileSync` in a loop',
    make: () => inFolder((folder) => (writeFileSync(join(folder, 'file'), 'text'), join(folder, 'file'))),
    run: (file) => {
      for (;;) readFileSync(file)
    },
  },
  clone: {
    label: '`structuredClone` in a loop',
    run: () => {
      for (;;) structuredClone({ a: [1, 2, { b: 'c' }] })
    },
  },
  hash: {
    label: '`crypto.createHash` in a loop',
    run: () => {
      for (;;) createHash('sha256').update('text').digest()
    },
  },
  require: {
    label: '`require` of a module in a loop',
    make: () =>
      inFolder((folder) => {
        const file = join(folder, 'module.cjs')
        writeFileSync(file, 'exports.x = 1')
        return file
      }),
    run(file) {
      const require = createRequire(file)
      for (;;) {
        require(file)
        delete require.cache[file]
      }
    },
  },
  sortBy: {
    label: '`sort` of 5,000,000 numbers with a function',
    make: () => Array.from(numbers(5e6)),
    run: (list) => list.sort((a, b) => a - b),
  },
  sort: { label: '`sort` of 5,000,000 numbers as text', make: () => Array.from(numbers(5e6)), run: (list) => list.sort() },
  sortTyped: { label: '`sort` of a Float64Array of 60,000,000', make: () => numbers(6e7), run: (list) => list.sort() },
  bigintPower: { label: '`3n ** 40_000_000n`', run: () => 3n ** 40_000_000n },
  bigintProduct: { label: 'a product of two numbers of 300,000,000 bits', make: () => (1n << 300_000_000n) / 7n, run: (n) => n * (n + 1n) },
  bigintText: { label: 'the digits of a number of 60,000,000 bits', make: () => (1n << 60_000_000n) - 1n, run: (n) => n.toString() },
  replace: { label: '`replace(/a/g, "b")` in a text of 200 MB', make: () => 'ab'.repeat(1e8), run: (text) => text.replace(/a/g, 'b') },
  parse: { label: '`JSON.parse` of 200 MB', make: () => `[${'{"a":1},'.repeat(22e6)}0]`, run: (text) => JSON.parse(text) },
  gzip: {
    label: '`gzipSync` of 160 MB',
    make: () => Buffer.from(numbers(2e7).buffer),
    run: (bytes) => gzipSync(bytes, { level: 9 }),
  },
  brotli: {
    label: '`brotliCompressSync` of 50 MB',
    make: () => Buffer.from(numbers(6e6).buffer),
    run: (bytes) => brotliCompressSync(bytes),
  },
  pbkdf2: { label: '`pbkdf2Sync` of 20,000,000 rounds', run: () => pbkdf2Sync('password', 'salt', 2e7, 32, 'sha256') },
  scrypt: { label: '`scryptSync` of 1 GB', run: () => scryptSync('password', 'salt', 32, { N: 2 ** 20, r: 8, maxmem: 2 ** 31 }) },
  sleep: { label: '`execSync("sleep 10")`', run: () => execSync('sleep 10', { stdio: 'ignore' }) },
}

let made

/**
 * Makes what `run` of this kind needs. Tells which thread this is, and how often its copy of this module was
 * called.
 */
export function prepare(kind) {
  made = kinds[kind].make?.()
  return here()
}

export function run(kind) {
  began[0] = process.hrtime.bigint()
  return kinds[kind].run(made)
}

export function here() {
  return [threadId, ++calls]
}
