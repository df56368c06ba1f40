import { stat } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MessageChannel, Worker } from 'node:worker_threads'
import ava from 'ava'
import { native } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { SOON } from './limits.ts'

// A loop that awaits one short task after the other does not sleep between them; see
// crates/binding/src/doorbell/busy_poll.rs.
const behaviour = behaviours(ava.serial)

async function oneByOne(executor: PoolExecutor, goesOn: () => boolean): Promise<number> {
  let tasks = 0
  for (; goesOn(); tasks++) await executor.submit(native.countPrimes, 2)
  return tasks
}

behaviour(
  'timers, immediates, messages and files get their turn while short tasks are awaited one after the other',
  async (t, { create }) => {
    const executor = create(2)
    const left = new Set(['timers', 'immediates', 'messages', 'files'])
    const giveUp = Date.now() + SOON
    const loop = oneByOne(executor, () => left.size > 0 && Date.now() < giveUp)
    let ticks = 0
    const interval = setInterval(() => ++ticks === 30 && left.delete('timers'), 1)
    const { port1, port2 } = new MessageChannel()
    let messages = 0
    port1.on('message', (value) => port1.postMessage(value))
    port2.on('message', (value) => (++messages === 300 ? left.delete('messages') : port2.postMessage(value)))
    port2.postMessage('ping')
    for (let turns = 0; turns < 1000; turns++) await turn()
    left.delete('immediates')
    for (let times = 0; times < 100; times++) await stat(fileURLToPath(import.meta.url))
    left.delete('files')
    t.true((await loop) > 0)
    t.deepEqual([...left], [])
    clearInterval(interval)
    port1.close()
    await executor.shutdown()
  },
)

behaviour('a wait for a long task costs nothing, whatever was short before it', async (t, { create }) => {
  const executor = create(2)
  const sleep = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  await executor.submit(sleep, 1)
  let left = 3000
  await oneByOne(executor, () => left-- > 0)
  const before = process.cpuUsage()
  await executor.submit(sleep, 1000)
  const { user, system } = process.cpuUsage(before)
  t.true((user + system) / 1000 < 500, `${(user + system) / 1000} ms`)
  await executor.shutdown()
})

behaviour(
  'tasks awaited one after the other mix with waits that time out, bursts, and futures of other executors',
  async (t, { create }) => {
    const [one, other] = [create(1), create(1)]
    for (let round = 0; round < 200; round++) {
      for (let times = 0; times < 6; times++) t.is(await one.submit(native.countPrimes, 10), 4)
      t.is(await other.submit((n: number) => n + 1, round).result(SOON), round + 1)
      const burst = Array.from({ length: 1 + (round % 5) }, () => one.submit(native.countPrimes, 100))
      t.deepEqual(new Set(await Promise.all(burst)), new Set([25]))
      t.is(one.submit(native.countPrimes, 10).resultSync(SOON), 4)
    }
    await Promise.all([one.shutdown(), other.shutdown()])
  },
)

behaviour("a user's Worker may end, or be ended, in the middle of it", async (t, { name }) => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.url).then(async (api) => {
      const { native } = api
      const executor = new api.${name}(1)
      for (let tasks = 1; ; tasks++) {
        await executor.submit(native.countPrimes, 2)
        if (tasks === 500) parentPort.postMessage('warm')
        if (tasks === workerData.last) process.exit(7)
      }
    })`
  const url = import.meta.resolve('concurrent-futures')
  for (const last of [Infinity, 2000, Infinity, 501, Infinity]) {
    const worker = new Worker(source, { eval: true, execArgv: [], workerData: { url, last } })
    const exit = new Promise((resolve) => worker.once('exit', resolve))
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    if (last === Infinity) await worker.terminate()
    t.is(await exit, last === Infinity ? 1 : 7)
  }
})

behaviour('the process ends by itself after the last of them, or at once by process.exit', async (t, { inChild }) => {
  for (const exits of [false, true]) {
    const end = await inChild(
      async ({ create, native }, exits: boolean) => {
        const executor = create(1)
        let last = 0
        for (let tasks = 0; tasks < 2000; tasks++) last = await executor.submit(native.countPrimes, 10)
        console.log(last)
        if (exits) process.exit(3)
      },
      [exits],
    )
    t.like(end, { code: exits ? 3 : 0, signal: null, isHung: false, output: '4' })
  }
})
