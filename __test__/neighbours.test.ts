// A worker that has to be replaced because of one of its tasks, while others that it holds go on.
import ava from 'ava'
import { CancelledError, moduleTasks, TimeoutError, WorkerLostError } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { Folder, until } from './gate.ts'
import { PROMPT, SHORT, SOON } from './limits.ts'

const behaviour = behaviours(ava.serial)

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))
const loops = moduleTasks<typeof import('./fixtures/loops.mjs')>(new URL('./fixtures/loops.mjs', import.meta.url))

/** Tasks that a stop by force cannot end, but whose worker still turns its event loop. */
const turning: Record<string, (file: string) => Promise<void>> = {
  async 'awaits what never comes'(file) {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(file, '')
    await new Promise(() => {})
  },
  async 'asks for one immediate after the other'(file) {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(file, '')
    await new Promise(() => {
      const again = (): void => void setImmediate(again)
      again()
    })
  },
}

/** The same for those whose worker does not turn any more. */
const endless: Record<string, (file: string) => Promise<void>> = {
  async 'loops after an await'(file) {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(file, '')
    for (;;);
  },
  async 'loops in microtasks'(file) {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(file, '')
    for (;;) await undefined
  },
}

/** Two tasks that wait for a gate, and a third beside them on the only worker that has begun. */
async function beside(
  executor: PoolExecutor,
  folder: Folder,
  task: (file: string) => Promise<void>,
): Promise<{ others: Future<unknown>[]; stopped: Future<void>; gate: string }> {
  const [gate, begun] = [folder.gate(), folder.file('begun')]
  const others = [executor.submit(work.waitForLater, gate), executor.submit(work.waitForLater, gate)]
  await until(() => executor.stats().running === 2, 'the others run')
  const stopped = executor.submit(task, begun)
  await until(() => folder.exists(begun), 'it has begun')
  return { others, stopped, gate }
}

for (const [what, task] of Object.entries(turning)) {
  behaviour(`a stop that needs the worker replaced, of a task that ${what}, lets the tasks beside it end first`, async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
    const { others, stopped, gate } = await beside(executor, folder, task)
    t.true(stopped.cancel({ interrupt: true }))
    await t.throwsAsync(stopped.result(SOON), { instanceOf: CancelledError })
    // The full capacity is there at once, also while those go on.
    const fresh = await Promise.all([1, 2, 3].map((n) => executor.submit(work.addLater, n, 1).result(SOON)))
    t.deepEqual(fresh, [2, 3, 4])
    t.is(executor.stats().running, 2)
    folder.open(gate)
    const [first, second] = await Promise.all(others.map((other) => other.result(SOON)))
    t.is(first, second)
    t.not(await executor.submit(work.thread).result(SOON), first)
    t.like(executor.stats(), { lost: 0, workers: { died: 0 } })
    await until(() => executor.stats().workers.busy === 0, 'the retired worker has left')
    await executor.shutdown()
  })
}

behaviour('tasks beside a stopped one that needs the worker replaced have as long as they take', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
  const { others, stopped, gate } = await beside(executor, folder, turning['asks for one immediate after the other']!)
  t.true(stopped.cancel({ interrupt: true }))
  // Longer than a child has to let a stopped task go.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  t.is(executor.stats().running, 2)
  folder.open(gate)
  const [first, second] = await Promise.all(others.map((other) => other.result(SOON)))
  t.is(first, second)
  t.like(executor.stats(), { lost: 0, workers: { died: 0 } })
  await until(() => executor.stats().workers.busy === 0, 'the retired worker has left')
  await executor.shutdown()
})

behaviour('a task past its time lets the tasks beside it end first', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, tasksPerWorker: 4 })
  for (let round = 0; round < 5; round++) {
    const late = executor.with({ timeout: SHORT }).submit(work.never)
    const others = [1, 2, 3].map((n) => executor.submit(work.addLater, n, 1, 3 * SHORT))
    await t.throwsAsync(late.result(SOON), { instanceOf: TimeoutError })
    const sums = await Promise.all(others.map((other) => other.result(SOON)))
    t.deepEqual(sums, [2, 3, 4])
  }
  t.like(executor.stats(), { timedOut: 5, completed: 15, lost: 0 })
  await executor.shutdown()
})

behaviour('tasks that come right after a stop that needs the worker replaced all run', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
  for (let round = 0; round < 20; round++) {
    const stopped = executor.submit(work.never)
    await until(() => stopped.running(), 'it runs')
    t.true(stopped.cancel({ interrupt: true }))
    const wait = round % 4
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, 2 * wait))
    t.is(await executor.submit(work.addLater, round, 1, 20).result(SOON), round + 1)
  }
  t.like(executor.stats(), { cancelled: 20, completed: 20, lost: 0 })
  await executor.shutdown()
})

behaviour('a task that awaits a future goes on when another on the same worker has to be stopped', async (t, { create }) => {
  const executor = create({ maxWorkers: 1 })
  const outer = async (): Promise<string[]> => {
    const { currentExecutor } = await import('concurrent-futures')
    const names: string[] = []
    for (let round = 0; round < 3; round++) {
      const inner = currentExecutor()!.submit(() => new Promise<void>(() => {}))
      setTimeout(() => inner.cancel({ interrupt: true }), 30)
      names.push(await inner.result().then(String, (error: Error) => error.name))
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    return names
  }
  t.deepEqual(await executor.submit(outer).result(SOON), Array(3).fill('CancelledError'))
  t.is(executor.stats().lost, 0)
  await executor.shutdown()
})

behaviour('a stop in the middle of a module that is loaded lets the tasks beside it end first', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, tasksPerWorker: 3, interruptGrace: 20 })
  const gate = folder.gate()
  const others = [executor.submit(work.waitForLater, gate), executor.submit(work.waitForLater, gate)]
  await until(() => executor.stats().running === 2, 'the others run')
  const stopped = executor.submit(loops.requiresInScope)
  await until(() => stopped.running(), 'it runs')
  await new Promise((resolve) => setTimeout(resolve, SHORT))
  t.true(stopped.cancel({ interrupt: true }))
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  folder.open(gate)
  const [first, second] = await Promise.all(others.map((other) => other.result(SOON)))
  t.is(first, second)
  await executor.shutdown()
})

for (const [what, task] of Object.entries(endless)) {
  behaviour(`a stopped task that ${what} is stopped with its worker, and the tasks beside it are lost`, async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create({ maxWorkers: 1, tasksPerWorker: 3, interruptGrace: 20 })
    const { others, stopped } = await beside(executor, folder, task)
    t.true(stopped.cancel({ interrupt: true }))
    t.is(await executor.submit(work.add, 1, 2).result(PROMPT), 3)
    for (const other of others) t.true((await other.exception(PROMPT)) instanceof WorkerLostError)
    t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
    await executor.shutdown()
  })
}

behaviour('what a stopped task leaves behind cannot keep the tasks beside it for ever', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
  const { others, stopped } = await beside(executor, folder, async (file) => {
    process.getBuiltinModule('node:fs').writeFileSync(file, '')
    setImmediate(() => {
      for (;;);
    })
    for (;;);
  })
  t.true(stopped.cancel({ interrupt: true }))
  for (const other of others) t.true((await other.exception(PROMPT)) instanceof WorkerLostError)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('a worker that retires ends with the last of its tasks, also with those that are stopped', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
  const all = [1, 2, 3].map(() => executor.submit(work.never))
  await until(() => executor.stats().running === 3, 'all run')
  for (const future of all) {
    future.cancel({ interrupt: true })
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  await until(() => executor.stats().workers.busy === 0, 'it has ended')
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('shutdown waits for what a worker that retires lets end', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
  const { others, stopped, gate } = await beside(executor, folder, turning['awaits what never comes']!)
  stopped.cancel({ interrupt: true })
  const done = executor.shutdown()
  await new Promise((resolve) => setTimeout(resolve, SHORT))
  folder.open(gate)
  await done
  t.deepEqual(
    others.map((other) => other.state),
    ['finished', 'finished'],
  )
  for (const other of others) t.is(await other.exception(), null)
})
