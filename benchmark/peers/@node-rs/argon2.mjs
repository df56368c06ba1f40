import { hash } from '@node-rs/argon2'

export const modes = { default: {} }

export function start() {
  return {
    kernels: { argon2id: (password) => hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }) },
    hashPassword: () => hash('correct horse', { memoryCost: 65_536, timeCost: 3, parallelism: 1 }),
    stop() {},
  }
}
