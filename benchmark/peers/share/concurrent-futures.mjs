import { moduleTasks, share, ThreadPoolExecutor } from '../../../dist/index.js'

/** `copied`: the table is an argument as any other. */
export const modes = { default: {}, copied: {} }

export function start({ workers, table, mode }) {
  const executor = new ThreadPoolExecutor({ maxWorkers: workers, minWorkers: workers })
  const { priceOf } = moduleTasks(new URL('../../tasks/table.mjs', import.meta.url))
  const given = mode === 'copied' ? table : share(table)
  return {
    run: (key) => executor.submit(priceOf, given, key).result(),
    stop: () => executor.shutdown({ cancelFutures: true }),
  }
}
