import { moduleTasks, ThreadPoolExecutor } from '../../../dist/index.js'

/** `none`: without keys, for what they cost. */
export const modes = { default: {}, none: {} }

export function start({ workers, mode }) {
  const executor = new ThreadPoolExecutor({ maxWorkers: workers, minWorkers: workers })
  const functions = moduleTasks(new URL('../../tasks/functions.mjs', import.meta.url))
  const views = new Map()
  const viewOf = (key) => {
    let view = views.get(key)
    if (view === undefined) views.set(key, (view = mode === 'none' ? executor : executor.with({ affinity: key })))
    return view
  }
  return {
    run: (key, name, argument) => viewOf(key).submit(functions[name], argument).result(),
    stop: () => executor.shutdown({ cancelFutures: true }),
  }
}
