import { ProcessPoolExecutor, moduleTasks } from '../../../dist/index.js'

export const modes = { default: {} }

export function start({ workers, mode }) {
  const executor = new ProcessPoolExecutor({ maxWorkers: workers, minWorkers: workers, ...modes[mode] })
  const task = { ...tasks }
  return {
    run: (name, argument) => executor.submit(task[name], argument).result(),
    stop: () => executor.shutdown({ cancelFutures: true }),
  }
}

// Looked up once: a program holds its task functions in constants too.
const { addOne, echo, hold, spin, pid, resident } = moduleTasks(new URL('../../tasks/functions.mjs', import.meta.url))
const tasks = { addOne, echo, hold, spin, pid, resident }
