/** What a task in a child does with the executor that runs it, which is another process'. */
import ava from 'ava'
import { moduleTasks, ProcessPoolExecutor } from 'concurrent-futures'
import type { Executor } from 'concurrent-futures'
import { SOON } from './limits.ts'

const test = ava
const tasks = moduleTasks<typeof import('./fixtures/in-child.mjs')>(new URL('./fixtures/in-child.mjs', import.meta.url))

test('currentExecutor() in a child is a ProcessPoolExecutor, the same for all tasks', async (t) => {
  await using executor = new ProcessPoolExecutor(2)
  t.deepEqual(await executor.submit(tasks.look), ['ProcessPoolExecutor', true, true, 2, 'process'])
})

test('a task submits, maps, cancels, and sees stats and a dump of the whole pool', async (t) => {
  await using executor = new ProcessPoolExecutor(2)
  const seen = await executor.submit(tasks.useAll).result(SOON)
  t.deepEqual(seen, {
    sum: 3,
    squares: [1, 4, 9],
    cancelled: [true, 'CancelledError'],
    running: true,
    kinds: ['process'],
    error: ['RangeError', 'made'],
  })
})

test('a loop that looks at a future without giving way ends, for its state is live', async (t) => {
  await using executor = new ProcessPoolExecutor(2)
  t.is(await executor.submit(tasks.loopUntilDone).result(SOON), 5)
})

test('tasks wait for tasks 1,000 deep, and a few children are enough', async (t) => {
  await using executor = new ProcessPoolExecutor(1)
  const pids = await executor.submit(tasks.descend, 1_000).result(2 * SOON)
  t.is(pids.length, 1_001)
  t.true(new Set(pids).size < 10, `${new Set(pids).size} children`)
})

test('tasks that wait for each other in a circle are refused rather than left to wait', async (t) => {
  await using executor = new ProcessPoolExecutor(1)
  t.is(await executor.submit(tasks.waitForItself).result(SOON), 'InvalidStateError')
})

for (const how of ['shutdown', 'terminateWorkers'] as const) {
  test(`a task may end its executor (${how})`, async (t) => {
    const executor: Executor = new ProcessPoolExecutor(1)
    const error = await executor.submit(tasks.end, how).exception(SOON)
    if (how === 'shutdown') t.is(error, null)
    else t.is((error as Error).name, 'WorkerLostError')
    t.throws(() => executor.submit(tasks.look), { message: /after shutdown/ })
    await executor.shutdown()
  })
}

test('what a dead child has submitted runs on, once, and what it waited for harms nobody', async (t) => {
  await using executor = new ProcessPoolExecutor(2)
  const error = (await executor.submit(tasks.submitAndDie).exception(SOON)) as Error & { signal: string }
  t.deepEqual([error.name, error.signal], ['WorkerLostError', 'SIGKILL'])
  t.deepEqual(await executor.submit(tasks.look), ['ProcessPoolExecutor', true, true, 2, 'process'])
  while (executor.stats().queued + executor.stats().running > 0) await new Promise((resolve) => setImmediate(resolve))
  const { completed, lost } = executor.stats()
  t.deepEqual([completed, lost], [6, 1])
})
