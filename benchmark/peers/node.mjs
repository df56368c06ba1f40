// What Node brings along, for the suites of native tasks.
import { createHash, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'

export const modes = { crypto: {}, zlib: {}, loop: {} }

const scryptCost = { N: 1 << 17, r: 8, p: 1, maxmem: 1 << 28 }

function multiply(a, b, { m, k, n }) {
  const product = new Float64Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const factor = a[i * k + l]
      for (let j = 0; j < n; j++) product[i * n + j] += factor * b[l * n + j]
    }
  }
  return product
}

function summarize(numbers) {
  let [sum, min, max] = [0, Infinity, -Infinity]
  for (const value of numbers) {
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  const mean = sum / numbers.length
  let squares = 0
  for (const value of numbers) squares += (value - mean) ** 2
  return { count: numbers.length, sum, min, max, mean, variance: squares / numbers.length }
}

const kernels = {
  crypto: { sha256: (bytes) => createHash('sha256').update(bytes).digest() },
  zlib: {
    crc32: zlib.crc32,
    gzip: promisify(zlib.gzip),
    gunzip: promisify(zlib.gunzip),
    // Since Node 22.15.
    zstd: zlib.zstdCompress === undefined ? undefined : promisify(zlib.zstdCompress),
    unzstd: zlib.zstdDecompress === undefined ? undefined : promisify(zlib.zstdDecompress),
  },
  loop: { sort: (numbers) => numbers.slice().sort(), statistics: summarize, matmul: multiply },
}

export function start({ mode }) {
  const hash = promisify(scrypt)
  return {
    kernels: kernels[mode],
    hashPassword: () => hash('correct horse', randomBytes(16), 32, scryptCost),
    stop() {},
  }
}
