import { BullMQExecutor, BullMQWorker } from '../../../dist/bullmq.js'
import { moduleTasks, ProcessPoolExecutor, ThreadPoolExecutor } from '../../../dist/index.js'

export const modes = { default: {}, processes: {} }

const modules = { tasks: new URL('../../tasks/functions.mjs', import.meta.url) }
const jobs = moduleTasks(modules.tasks)

/** Submits jobs, and learns of their results. */
export function start({ queue, port }) {
  const jobOptions = { removeOnComplete: { count: 1_000 } }
  const executor = new BullMQExecutor({ queue, connection: { host: '127.0.0.1', port }, modules, jobOptions })
  return { run: (name, argument) => executor.submit(jobs[name], argument).result(), stop: () => executor.shutdown({ cancelFutures: true }) }
}

export async function host({ mode, queue, port, workers, lock }) {
  const Pool = mode === 'processes' ? ProcessPoolExecutor : ThreadPoolExecutor
  const executor = new Pool({ maxWorkers: workers, minWorkers: workers })
  await executor.warmUp()
  const workerOptions = lock === undefined ? {} : { lockDuration: lock, stalledInterval: lock }
  const worker = new BullMQWorker({ queue, connection: { host: '127.0.0.1', port }, modules, executor, workerOptions })
  return async () => {
    await worker.close({ grace: 0 })
    await executor.shutdown()
  }
}
