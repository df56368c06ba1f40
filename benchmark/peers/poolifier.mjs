import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { FixedThreadPool, WorkerChoiceStrategies } from 'poolifier'

// Least used is its default and measured faster than round robin. Without its queue every task is posted to
// its worker at once, whatever runs there; with it a worker holds at most `concurrency` tasks.
const workerChoiceStrategy = WorkerChoiceStrategies.LEAST_USED
export const modes = {
  default: { workerChoiceStrategy },
  queue: {
    workerChoiceStrategy,
    enableTasksQueue: true,
    tasksQueueOptions: { concurrency: 1024, taskStealing: false, tasksStealingOnBackPressure: false },
  },
}

export async function start({ workers, mode }) {
  const path = fileURLToPath(new URL('../tasks/poolifier.mjs', import.meta.url))
  const pool = new FixedThreadPool(workers, path, modes[mode])
  if (!pool.info.ready) await once(pool.emitter, 'ready')

  return {
    run: (name, argument) => pool.execute(argument, name),
    // Moves the argument; results are always copied.
    runTransfer: (bytes) => pool.execute(bytes, 'echo', undefined, [bytes.buffer]),
    stop: () => pool.destroy(),
  }
}
