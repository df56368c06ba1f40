import { on } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { common } from '../piscina.mjs'

/**
 * A port goes along with the task, and the worker posts what it makes, as its documentation shows; `batch`:
 * 64 values a message; `result`: all values as one result, when the last is made.
 */
export const modes = { default: { batch: 1 }, batch: { batch: 64 }, result: {} }

export function start({ workers, mode }) {
  const { batch } = modes[mode]
  const filename = fileURLToPath(new URL('../../tasks/values.mjs', import.meta.url))
  const pool = new Piscina({ ...common, filename, minThreads: workers, maxThreads: workers })

  async function* read(argument) {
    const { port1, port2 } = new MessageChannel()
    const done = pool.run({ ...argument, port: port2, batch }, { name: 'post', transferList: [port2] })
    for await (const [message] of on(port1, 'message', { close: ['close'] })) {
      if (message === null) break
      if (batch === 1) yield message
      else yield* message
    }
    await done
  }

  async function* readResult(argument) {
    yield* await pool.run(argument, { name: 'all' })
  }

  return { read: mode === 'result' ? readResult : read, stop: () => pool.destroy() }
}
