/** Waits of all kinds among tasks of a pool that has one worker. */
import ava from 'ava'
import { moduleTasks } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SOON, WHILE } from './limits.ts'

// One at a time: each starts many workers.
const behaviour = behaviours(ava.serial)
const url = new URL('./fixtures/chained.mjs', import.meta.url)
const chained = moduleTasks<typeof import('./fixtures/chained.mjs')>(url)

for (const waits of ['ttttttttts', 'ts'.repeat(9), 'tts'.repeat(5), 'sssssssssst', 'ta'.repeat(8), 'tas'.repeat(5)]) {
  behaviour(`a chain of asynchronous tasks ends with one worker, whatever each waits by: ${waits}`, async (t, { create }) => {
    const executor = create(1)
    t.is(await executor.submit(chained.chain, waits, 2 * SOON).result(2 * SOON), waits.length)
    t.like(executor.stats(), { timedOut: 0, lost: 0 })
  })
}

behaviour('a task that has run out of time lets the one that runs on top of it end', async (t, { create }) => {
  const executor = create(1)
  const folder = new Folder(t)
  await executor.submit(() => 1).result(SOON)
  const file = folder.file('ended')
  // The inner one has begun by then, and goes on for long.
  const late = executor.with({ timeout: 2 * WHILE }).submit(chained.outer, file, 2_000)
  t.is(((await late.exception(SOON)) as Error).name, 'TimeoutError')
  await until(() => folder.exists(file), 'the inner one has ended')
  await until(() => executor.stats().completed === 2, 'it counts')
  t.like(executor.stats(), { lost: 0, workers: { died: 0 } })
})
