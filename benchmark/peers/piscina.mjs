import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'

const file = (name) => fileURLToPath(new URL(`../tasks/${name}`, import.meta.url))

// recordTiming off saves piscina a histogram entry a task; atomics 'sync' is its default and its fastest.
const common = { recordTiming: false, idleTimeout: Infinity }
export const modes = {
  default: { ...common, atomics: 'sync' },
  1024: { ...common, atomics: 'sync', concurrentTasksPerWorker: 1024 },
  'async-1024': { ...common, atomics: 'async', concurrentTasksPerWorker: 1024 },
}

export function start({ workers, mode }) {
  const pool = new Piscina({
    filename: file('functions.mjs'),
    minThreads: workers,
    maxThreads: workers,
    ...modes[mode],
  })
  // One options object for each function, as a program would keep it: piscina only reads it.
  const options = {}
  const named = (name) => (options[name] ??= { name })

  return {
    run: (name, argument) => pool.run(argument, named(name)),
    runTransfer: (bytes) => pool.run(Piscina.move(bytes), { filename: file('piscina.mjs'), name: 'bounce' }),
    cancellable(name, argument) {
      const controller = new AbortController()
      const promise = pool.run(argument, { name, signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    },
    stop: () => pool.destroy(),
  }
}
