// node examples/distributed/host.mjs: on each machine that is to compute. Ctrl-C, or SIGTERM, lets what runs
// end, for up to ten seconds. `concurrent-futures worker` is the same as a command.
import { hostname } from 'node:os'
import { ThreadPoolExecutor } from 'concurrent-futures'
import { BullMQWorker } from 'concurrent-futures/bullmq'
import { connection, modules, queue } from './config.mjs'

const executor = new ThreadPoolExecutor()
const worker = new BullMQWorker({ queue, connection, modules, executor })
console.log(`${hostname()} runs the jobs of ${queue}, up to ${executor.maxWorkers} at once`)

async function stop() {
  console.log('finishing what has begun')
  await worker.close({ grace: 10_000 })
  await executor.shutdown()
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
