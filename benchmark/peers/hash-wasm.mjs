import { randomBytes } from 'node:crypto'
import { argon2id, blake3, crc32, sha256, xxhash3 } from 'hash-wasm'

export const modes = { default: {} }

const cost = { parallelism: 1, iterations: 2, memorySize: 19_456, hashLength: 32, outputType: 'encoded' }

export function start() {
  return {
    kernels: { sha256, blake3, crc32, xxh3: xxhash3, argon2id: (password) => argon2id({ ...cost, password, salt: randomBytes(16) }) },
    stop() {},
  }
}
