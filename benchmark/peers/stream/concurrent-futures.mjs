import { moduleTasks, ThreadPoolExecutor } from '../../../dist/index.js'

/** `1024`: so many values ahead of the reader; the default is 16. */
export const modes = { default: {}, 1024: { bufferSize: 1024 } }

export function start({ workers, mode }) {
  const executor = new ThreadPoolExecutor({ maxWorkers: workers, minWorkers: workers })
  const view = executor.with(modes[mode])
  const { values } = moduleTasks(new URL('../../tasks/values.mjs', import.meta.url))
  return {
    read: (argument) => view.stream(values, argument),
    stop: () => executor.shutdown({ cancelFutures: true }),
  }
}
