import { fileURLToPath } from 'node:url'
import Tinypool from 'tinypool'

const file = (name) => fileURLToPath(new URL(`../tasks/${name}`, import.meta.url))

export const modes = {
  default: { useAtomics: true },
  1024: { useAtomics: true, concurrentTasksPerWorker: 1024 },
}

export function start({ workers, mode }) {
  const pool = new Tinypool({
    filename: file('functions.mjs'),
    minThreads: workers,
    maxThreads: workers,
    ...modes[mode],
  })
  const options = {}
  const named = (name) => (options[name] ??= { name })

  return {
    run: (name, argument) => pool.run(argument, named(name)),
    runTransfer: (bytes) => pool.run(Tinypool.move(bytes), { filename: file('tinypool.mjs'), name: 'bounce' }),
    cancellable(name, argument) {
      const controller = new AbortController()
      const promise = pool.run(argument, { name, signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    },
    stop: () => pool.destroy(),
  }
}
