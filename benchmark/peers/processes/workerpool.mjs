import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'

export const modes = {
  default: { workerType: 'process', forkOpts: { serialization: 'advanced' } },
  json: { workerType: 'process', forkOpts: { serialization: 'json' } },
}

export function start({ workers, mode }) {
  const pool = workerpool.pool(fileURLToPath(new URL('../../tasks/workerpool.mjs', import.meta.url)), {
    minWorkers: workers,
    maxWorkers: workers,
    ...modes[mode],
  })
  return {
    run: (name, argument) => pool.exec(name, [argument]),
    stop: () => pool.terminate(true),
  }
}
