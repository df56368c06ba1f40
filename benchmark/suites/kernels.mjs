import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { ours } from '../contestants.mjs'
import { median } from '../flow.mjs'

const LENGTH = 16 << 20
const NUMBERS = 1_000_000
const SIDE = 512

/** Words that compress to about a third. */
function makeText() {
  const words = Array.from({ length: 4096 }, (_, i) =>
    createHash('md5')
      .update(`${i}`)
      .digest('hex')
      .slice(0, 3 + (i % 9)),
  )
  let state = 1
  const text = []
  for (let length = 0; length < LENGTH; length += text.at(-1).length + 1) {
    state = (state * 48_271) % 2_147_483_647
    text.push(words[Math.floor(4096 * (state / 2_147_483_647) ** 2)])
  }
  return Buffer.from(text.join(' ')).subarray(0, LENGTH)
}

function makeNumbers(length) {
  let state = 1
  return Float64Array.from({ length }, () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647)
}

const hex = (digest) => (typeof digest === 'string' ? digest : Buffer.from(digest).toString('hex'))

/** What each kernel is given, and whether its result is right. */
function makeJobs() {
  const text = makeText()
  const packed = gzipSync(text)
  const numbers = makeNumbers(NUMBERS)
  const sorted = numbers.slice().sort()
  const matrix = makeNumbers(SIDE * SIDE)
  const wanted = createHash('sha256').update(text).digest('hex')
  const near = (a, b) => Math.abs(a - b) < 1e-9 * Math.abs(b)
  let first
  return {
    sha256: { args: [text], check: (digest) => hex(digest) === wanted },
    blake3: { args: [text], check: (digest) => hex(digest).length === 64 },
    xxh3: { args: [text], check: (sum) => (first ??= String(sum)) === String(sum) },
    crc32: { args: [text], check: (sum) => Number(typeof sum === 'string' ? `0x${sum}` : sum) === packed.readUInt32LE(packed.length - 8) },
    gzip: { args: [text], check: (bytes) => bytes.length < LENGTH / 2 && gunzipSync(bytes).equals(text), calls: 3 },
    gunzip: { args: [packed], check: (bytes) => Buffer.compare(bytes, text) === 0 },
    zstd: { args: [text], check: (bytes) => bytes.length < LENGTH / 2, calls: 3 },
    unzstd: { args: [text], from: 'zstd', check: (bytes) => Buffer.compare(bytes, text) === 0 },
    argon2id: { args: ['correct horse'], check: (hash) => hash.startsWith('$argon2id$v=19$m=19456,t=2,p=1$') },
    sort: { args: [numbers], check: (array) => array.every((value, i) => value === sorted[i]) },
    statistics: { args: [numbers], check: ({ min, max, count }) => min === sorted[0] && max === sorted.at(-1) && count === NUMBERS },
    matmul: { args: [matrix, matrix, { m: SIDE, k: SIDE, n: SIDE }], check: (product) => near(product[1], dot(matrix)), calls: 3 },
  }
}

function dot(matrix) {
  let sum = 0
  for (let i = 0; i < SIDE; i++) sum += matrix[i] * matrix[i * SIDE + 1]
  return sum
}

const row = (key, label) => ({ key, label, unit: 'ms', better: 'lower' })

export default {
  title: 'Native tasks that work, one at a time',
  about:
    `${LENGTH >> 20} MiB of words, ${NUMBERS.toLocaleString('en')} numbers, matrices of ${SIDE} × ${SIDE}, default levels and costs. The time of a call as its ` +
    "caller sees it; ours includes the way to the pool's thread and back, with a copy of the input and of the result. node:crypto (createHash), " +
    "node:loop (plain JavaScript), @node-rs/xxhash, @node-rs/crc32 and hash-wasm work on the caller's thread, which is blocked meanwhile; " +
    "node:zlib and @node-rs/argon2 work on libuv's.",
  contestants: [ours, 'node:crypto', 'node:zlib', 'node:loop', '@node-rs/xxhash', '@node-rs/crc32', '@node-rs/argon2', 'hash-wasm'],
  rows: [
    row('sha256', 'sha256'),
    row('blake3', 'blake3'),
    row('xxh3', 'xxh3'),
    row('crc32', 'crc32'),
    row('gzip', 'gzip'),
    row('gunzip', 'gunzip'),
    row('zstd', 'zstd'),
    row('unzstd', 'unzstd'),
    row('argon2id', 'argon2id'),
    row('sort', 'sort'),
    row('statistics', 'statistics'),
    row('matmul', 'matmul'),
    { key: 'small', label: 'sha256 of 64 bytes', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const { kernels } = await start({ workers: 2, minWorkers: 0 })
    const result = {}
    for (const [name, job] of Object.entries(makeJobs())) {
      const kernel = kernels[name]
      if (kernel === undefined) continue
      const args = job.from === undefined ? job.args : [await kernels[job.from](...job.args)]
      const times = []
      for (let call = quick ? 2 : (job.calls ?? 9); call >= 0; call--) {
        const begin = performance.now()
        const value = await kernel(...args)
        times.push(performance.now() - begin)
        if (!job.check(value)) throw new Error(`the result of ${name} is wrong`)
      }
      // The first call is the warm-up.
      result[name] = median(times.slice(1))
    }
    if (kernels.sha256 !== undefined) result.small = await measureSmall(kernels.sha256)
    return result
  },
}

async function measureSmall(sha256) {
  const bytes = Buffer.alloc(64, 1)
  const times = []
  for (let call = 0; call < 6000; call++) {
    const begin = performance.now()
    await sha256(bytes)
    times.push((performance.now() - begin) * 1000)
  }
  return median(times.slice(2000))
}
