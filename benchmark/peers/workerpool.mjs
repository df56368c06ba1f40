import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'

// A dedicated worker script: functions sent as source are compiled at each call.
export const modes = { default: { workerType: 'thread' } }

export function start({ workers, mode }) {
  const pool = workerpool.pool(fileURLToPath(new URL('../tasks/workerpool.mjs', import.meta.url)), {
    minWorkers: workers,
    maxWorkers: workers,
    ...modes[mode],
  })

  return {
    run: (name, argument) => pool.exec(name, [argument]),
    runTransfer: (bytes) => pool.exec('bounce', [bytes], { transfer: [bytes.buffer] }),
    cancellable(name, argument) {
      const promise = pool.exec(name, [argument])
      return { promise, cancel: () => void promise.cancel() }
    },
    stop: () => pool.terminate(true),
  }
}
