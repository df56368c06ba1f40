import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { common } from '../piscina.mjs'

/** Each worker gets the table when it starts, for good; `copied`: with each task. */
export const modes = { default: {}, copied: {} }

export function start({ workers, table, mode }) {
  const isCopied = mode === 'copied'
  const pool = new Piscina({
    ...common,
    filename: fileURLToPath(new URL('../../tasks/table.mjs', import.meta.url)),
    minThreads: workers,
    maxThreads: workers,
    ...(isCopied ? {} : { workerData: { table } }),
  })
  const [copied, own] = [{ name: 'priceIn' }, { name: 'priceOfOwn' }]
  return {
    run: (key) => (isCopied ? pool.run({ table, key }, copied) : pool.run(key, own)),
    stop: () => pool.destroy(),
  }
}
