import ava from 'ava'
import { WorkerLostError } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { SOON } from './limits.ts'

// What an asynchronous task leaves behind just before its promise settles is its own fault, not that of the
// task that comes next.
const behaviour = behaviours(ava.serial)

const tasks: Record<string, (n: number, bad: number) => Promise<number>> = {
  async 'a rejection, without an await'(n, bad) {
    if (n === bad) void Promise.reject(new Error('stray'))
    return n
  },
  async 'a rejection, after a microtask'(n, bad) {
    await undefined
    if (n === bad) void Promise.reject(new Error('stray'))
    return n
  },
  async 'a rejection, after a timer'(n, bad) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (n === bad) void Promise.reject(new Error('stray'))
    return n
  },
  async 'a rejection, after I/O'(n, bad) {
    const { readFile } = await import('node:fs/promises')
    await readFile(process.execPath, { encoding: null, flag: 'r', signal: AbortSignal.timeout(1) }).catch(() => {})
    if (n === bad) void Promise.reject(new Error('stray'))
    return n
  },
  async 'an async function that nobody awaits, after a timer'(n, bad) {
    const forgotten = async (): Promise<void> => {
      throw new Error('stray')
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (n === bad) void forgotten()
    return n
  },
  'a rejection beside a promise of its own'(n, bad) {
    return new Promise((resolve) =>
      setTimeout(() => {
        if (n === bad) void Promise.reject(new Error('stray'))
        resolve(n)
      }, 2),
    )
  },
  async 'a tick that throws, without an await'(n, bad) {
    const stray = (): void => {
      throw new Error('stray')
    }
    if (n === bad) process.nextTick(stray)
    return n
  },
  async 'a tick that throws, after a timer'(n, bad) {
    const stray = (): void => {
      throw new Error('stray')
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (n === bad) process.nextTick(stray)
    return n
  },
  async 'a microtask that throws, after a timer'(n, bad) {
    const stray = (): void => {
      throw new Error('stray')
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (n === bad) queueMicrotask(stray)
    return n
  },
}

async function ends(futures: Future<number>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(futures.map((future) => future.result(SOON)))
  return settled.map((end) => (end.status === 'fulfilled' ? end.value : end.reason))
}

for (const [what, task] of Object.entries(tasks)) {
  behaviour(`${what}: it is blamed on its task, and the others go on`, async (t, { create }) => {
    const executor = create(1)
    const results = await ends([0, 1, 2, 3, 4, 5].map((n) => executor.submit(task, n, 3)))
    const lost = results[3]
    t.true(lost instanceof WorkerLostError)
    t.is(((lost as WorkerLostError).cause as Error).message, 'stray')
    t.deepEqual(
      results.filter((_, index) => index !== 3),
      [0, 1, 2, 4, 5],
    )
    t.like(executor.stats(), { completed: 5, lost: 1 })
    await executor.shutdown()
  })
}

behaviour('a task that exits its worker right after it has returned is lost with it, and no other one', async (t, { create }) => {
  const executor = create(1)
  const task = async (n: number): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (n === 1) process.nextTick(() => process.exit(9))
    return n
  }
  const results = await ends([0, 1, 2].map((n) => executor.submit(task, n)))
  t.is((results[1] as WorkerLostError).exitCode, 9)
  t.deepEqual([results[0], results[2]], [0, 2])
  await executor.shutdown()
})

behaviour('a result is not held up by what its task has left behind', async (t, { create }) => {
  const executor = create(1)
  const task = async (): Promise<string> => {
    await new Promise((resolve) => setImmediate(resolve))
    setImmediate(() => {
      for (;;);
    })
    return 'done'
  }
  t.is(await executor.submit(task).result(SOON), 'done')
  t.is(await executor.submit(() => 1).result(SOON), 1)
  await executor.shutdown()
})

behaviour('a task that blocks for one whose promise has settled in the same tick gets its result', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, tasksPerWorker: 2 })
  const pair = async (): Promise<number> => {
    const { currentExecutor } = await import('concurrent-futures')
    const shared = globalThis as unknown as { gate: Promise<void> }
    let open = (): void => {}
    shared.gate = new Promise((resolve) => (open = resolve))
    const other = currentExecutor()!.submit(async () => {
      await (globalThis as unknown as { gate: Promise<void> }).gate
      return 5
    })
    while (!other.running()) await new Promise((resolve) => setTimeout(resolve, 1))
    await new Promise((resolve) => setTimeout(resolve, 20))
    open()
    for (let hops = 0; hops < 20; hops++) await undefined
    return other.resultSync(10_000)
  }
  t.is(await executor.submit(pair).result(SOON), 5)
  await executor.shutdown()
})

behaviour('whoever hears of the end of an asynchronous task finds its worker free, and starts no other', async (t, { create }) => {
  const executor = create(4)
  for (let n = 0; n < 500; n++) {
    await executor.submit(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
    })
  }
  const { idle, busy, starting } = executor.stats().workers
  t.is(idle + busy + starting, 1)
  await executor.shutdown()
})
