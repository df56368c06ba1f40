/** Tasks that block for others for a limited time: the time is kept, and threads are not without number. */
import ava from 'ava'
import { CancelledError, TimeoutError } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { limited } from './fixtures/limited-waits.mjs'
import { PROMPT, SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)

/** Enough for the workers that a deep chain starts. */
const DEEP = 60_000

for (const workers of [1, 2]) {
  for (const kind of ['nap', 'napLater'] as const) {
    behaviour(
      `a blocking wait with a limit ends in time in a task, and the next waits find a worker: ${kind}, ${workers} workers`,
      async (t, { create }) => {
        const executor = create({ maxWorkers: workers, execArgv: [] })
        const ends = await executor.submit(limited.runsOut, kind).result(SOON)
        t.deepEqual(ends, ['TimeoutError', 'TimeoutError', 'TimeoutError', 1, 1])
        await executor.shutdown()
      },
    )
  }

  behaviour(`the same where what is waited for was sent as source: ${workers} workers`, async (t, { create }) => {
    const executor = create({ maxWorkers: workers, execArgv: [] })
    t.is(await executor.submit(limited.runsOutOfSource).result(SOON), 'TimeoutError')
    await executor.shutdown()
  })

  for (const [outer, middle, end] of [
    [50, undefined, 'TimeoutError'],
    [50, 100, 'TimeoutError'],
    [undefined, 50, 'TimeoutError'],
    [10_000, 50, 'TimeoutError'],
    [50, 10_000, 'TimeoutError'],
  ] as const) {
    behaviour(
      `a wait of ${outer} ms for a task that waits for ${middle} ms ends with the first of the two: ${workers} workers`,
      async (t, { create }) => {
        const executor = create({ maxWorkers: workers, execArgv: [] })
        t.is(await executor.submit(limited.mixes, outer, middle).result(SOON), end)
        await executor.terminateWorkers()
      },
    )
  }

  behaviour(
    `a task that gives up on one after the other is never late, though all of them go on: ${workers} workers`,
    async (t, { create }) => {
      const executor = create({ maxWorkers: workers, execArgv: [] })
      const ends = await executor.submit(limited.givesUp, 20).result(SOON)
      t.deepEqual(
        ends,
        Array.from({ length: 20 }, () => 'TimeoutError'),
      )
      await executor.terminateWorkers()
    },
  )

  behaviour(`what is waited for with a limit comes before what was submitted earlier: ${workers} workers`, async (t, { create }) => {
    const executor = create({ maxWorkers: workers, execArgv: [] })
    t.is(await executor.submit(limited.overtakes).result(SOON), 1)
    await executor.shutdown()
  })
}

behaviour('as many tasks as may run at once wait in time, each for one that takes long', async (t, { create }) => {
  const executor = create({ maxWorkers: 10, execArgv: [] })
  const futures = Array.from({ length: 10 }, () => executor.submit(limited.waits, 100, false, SOON))
  for (const future of futures) t.is(await future.result(SOON), 'TimeoutError')
  await executor.shutdown()
})

for (const looks of [false, true]) {
  for (const limit of [10_000, undefined]) {
    const title = `limit ${limit}${looks ? ', having looked at its currentTask()' : ''}`
    behaviour(`a task that blocks for another is stopped in time, and its worker stays: ${title}`, async (t, { create }) => {
      const executor = create({ maxWorkers: 2, execArgv: [], interruptGrace: SHORT })
      await executor.submit(limited.one).result(SOON)
      for (const how of ['timeout', 'signal', 'cancel'] as const) {
        const start = performance.now()
        const controller = new AbortController()
        const options = how === 'timeout' ? { timeout: SHORT } : { signal: controller.signal }
        const future = executor.with(options).submit(limited.waits, limit, looks, 500)
        if (how === 'signal') setTimeout(() => controller.abort(), SHORT)
        if (how === 'cancel') setTimeout(() => future.cancel({ interrupt: true }), SHORT)
        const error = await future.exception(SOON).catch((thrown: unknown) => thrown)
        t.true(error instanceof (how === 'timeout' ? TimeoutError : CancelledError))
        t.true(performance.now() - start < PROMPT)
        t.is(await executor.submit(limited.one).result(SOON), 1)
      }
      t.like(executor.stats(), { lost: 0, workers: { abandoned: 0 } })
      await executor.terminateWorkers()
    })
  }
}

for (const workers of [1, 2]) {
  behaviour(`a chain of 600 waits with a limit ends, with few threads and little memory: ${workers} workers`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url, workers, depth, limit) => {
        const executor = create({ maxWorkers: workers, idleTimeout: 60_000 })
        const { down } = moduleTasks<typeof limited>(url)
        await executor.submit(down, 0, limit)
        const before = process.memoryUsage.rss()
        const results: number[] = []
        for (let round = 0; round < 3; round++) results.push(await executor.submit(down, depth, limit))
        const { idle, busy, starting } = executor.stats().workers
        const threads = idle + busy + starting
        const megabytes = (process.memoryUsage.rss() - before) / 1e6
        return [results, threads <= 30 || threads, megabytes < 400 || megabytes]
      },
      [new URL('./fixtures/limited-waits.mjs', import.meta.url).href, workers, 600, 30_000] as const,
    )
    t.deepEqual(cleanEnd(end), ended([[600, 600, 600], true, true]))
  })

  behaviour(`a tree of waits with a limit ends: ${workers} workers`, async (t, { create }) => {
    const executor = create({ maxWorkers: workers, execArgv: [] })
    t.is(await executor.submit(limited.tree, 9, DEEP).result(DEEP), 512)
    t.like(executor.stats(), { completed: 1023, failed: 0, lost: 0, queued: 0, running: 0 })
    await executor.shutdown()
  })
}
