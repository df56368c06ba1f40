// node examples/distributed/main.mjs [TEXT …]: submits jobs, and prints what comes of them. It may be stopped
// and started again: its jobs have ids of their own, so those that were submitted before are found again.
import { createHash } from 'node:crypto'
import { asCompleted, moduleTasks, TimeoutError } from 'concurrent-futures'
import { BullMQExecutor } from 'concurrent-futures/bullmq'
import { connection, modules, queue } from './config.mjs'

const texts = process.argv.length > 2 ? process.argv.slice(2) : ['Ada', 'Grace', 'Edsger', 'Barbara']
const { mine } = moduleTasks(modules.tasks)
// If a host dies, another starts its job, once more.
const executor = new BullMQExecutor({ queue, connection, modules, jobOptions: { attempts: 2 } })

const names = new Map()
for (const text of texts) {
  const jobId = createHash('sha256').update(text).digest('hex')
  const future = executor.with({ name: text, timeout: 60_000, totalTimeout: 300_000, jobOptions: { jobId } }).submit(mine, text, 4)
  future.onProgress((tried) => console.log(`${text}: ${tried} tried`))
  names.set(future, text)
}
for await (const future of asCompleted(names.keys())) {
  const error = await future.exception()
  if (error === null) console.log(`${names.get(future)}: ${await future.result()}`)
  else console.log(`${names.get(future)}: ${error instanceof TimeoutError ? 'no time' : error}`)
}
await executor.shutdown()
