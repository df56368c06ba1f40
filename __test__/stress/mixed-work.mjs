/** What mix-stress.mjs has its pools do. */
import { currentExecutor, native } from 'concurrent-futures'

export const add = (n) => n + 1

export function spin(us) {
  const end = performance.now() + us / 1e3
  while (performance.now() < end);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export function endless() {
  for (;;);
}

export const nest = async (n) => (await currentExecutor().submit(add, n)) + 1

export const nestBlocking = (n) => currentExecutor().submit(native.countPrimes, n).resultSync()

export const exit = () => process.exit(3)
