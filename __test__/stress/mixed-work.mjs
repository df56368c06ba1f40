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

export const tellAll = async (n) => (await Promise.all(currentExecutor().broadcast(add, n))).length

/** A wait that could never end is refused. */
export const tellAllBlocking = (n) =>
  currentExecutor()
    .broadcast(add, n)
    .map((future) => future.resultSync()).length

export const nestKeyed = async (key) => (await currentExecutor().with({ affinity: key }).submit(add, key)) + 1

/** As well. */
export const nestKeyedBlocking = (key) => currentExecutor().with({ affinity: key }).submit(add, key).resultSync()

export function* count(n) {
  for (let i = 0; i < n; i++) yield i
}

export async function* countLater(n) {
  for (let i = 0; i < n; i++) {
    if (i % 7 === 0) await null
    yield i
  }
}

export const exit = () => process.exit(3)
