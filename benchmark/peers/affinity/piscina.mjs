import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { common } from '../piscina.mjs'

/** No keys: a pool of one thread for each worker, and the remainder of the key says which. */
export const modes = { default: {}, 1024: { concurrentTasksPerWorker: 1024 } }

export function start({ workers, mode }) {
  const filename = fileURLToPath(new URL('../../tasks/functions.mjs', import.meta.url))
  const pools = Array.from({ length: workers }, () => new Piscina({ ...common, ...modes[mode], filename, minThreads: 1, maxThreads: 1 }))
  const options = {}
  return {
    run: (key, name, argument) => pools[key % workers].run(argument, (options[name] ??= { name })),
    stop: () => Promise.all(pools.map((pool) => pool.destroy())),
  }
}
