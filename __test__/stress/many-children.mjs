/**
 * node __test__/stress/many-children.mjs [COUNT]: so many children (1,000), a third of them killed, one after
 * the other in every place; then there is no zombie, and no descriptor and no thread more than before.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { ProcessPoolExecutor } from 'concurrent-futures'

const COUNT = Number(process.argv[2] ?? 1_000)

const count = (folder) => readdirSync(`/proc/self/${folder}`).length

function children() {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] === `${process.pid}`
    } catch {
      return false
    }
  })
}

async function use(tasks) {
  const executor = new ProcessPoolExecutor({ maxWorkers: 4, maxTasksPerWorker: 1 })
  const one = (n) => {
    if (n % 3 === 2) process.kill(process.pid, 'SIGKILL')
    return process.pid
  }
  const futures = Array.from({ length: tasks }, (_, n) => executor.submit(one, n))
  await Promise.all(futures.map((future) => future.exception()))
  await executor.shutdown()
  return executor.stats()
}

await use(6)
const before = [count('fd'), count('task')]
const start = performance.now()
const { completed, lost } = await use(COUNT)
const took = performance.now() - start
await new Promise((resolve) => setTimeout(resolve, 500))
const after = [count('fd'), count('task')]
console.log({ completed, lost, before, after, children: children(), eachMs: took / COUNT })
const isClean = after.every((n, index) => n <= before[index]) && children().length === 0
if (!isClean || completed + lost !== COUNT) process.exitCode = 1
