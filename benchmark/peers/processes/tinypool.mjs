import { fileURLToPath } from 'node:url'
import Tinypool from 'tinypool'

const advanced = { runtime: 'child_process', serialization: 'advanced' }
const json = { runtime: 'child_process', serialization: 'json' }
export const modes = {
  default: advanced,
  1024: { ...advanced, concurrentTasksPerWorker: 1024 },
  'json-1024': { ...json, concurrentTasksPerWorker: 1024 },
}

export function start({ workers, mode }) {
  const pool = new Tinypool({
    filename: fileURLToPath(new URL('../../tasks/functions.mjs', import.meta.url)),
    minThreads: workers,
    maxThreads: workers,
    ...modes[mode],
  })
  // It tells so that a child has died which held no task.
  pool.on('error', () => {})
  const options = {}
  const named = (name) => (options[name] ??= { name })
  return {
    run: (name, argument) => pool.run(argument, named(name)),
    stop: () => pool.destroy(),
  }
}
