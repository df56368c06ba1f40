/**
 * Nests that are deep, disturbed, or closed to a circle; see nesting.test.ts for what nesting promises in the
 * plain cases.
 */
import { existsSync } from 'node:fs'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { CancelledError, TimeoutError } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import type { Create } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { nested } from './fixtures/nested.mjs'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)

/** Enough for the workers that a deep mix starts. */
const DEEP = 60_000

/** Where the flags of a test are: files whose names begin with it. */
function flags(t: ExecutionContext): string {
  return new Folder(t).file('flag-')
}

/** Without the loader of the tests, which would make the start of each worker dear. */
function plain(create: Create, maxWorkers: number, tasksPerWorker = 1): PoolExecutor {
  return create({ maxWorkers, tasksPerWorker, execArgv: [] })
}

behaviour('a nest of 1,000 blocking tasks ends with one worker, with time-outs and interrupts in the middle', async (t, { create }) => {
  const executor = plain(create, 1)
  t.is(await executor.submit(nested.disturbed, 1_000, 100).result(DEEP), 1_000)
  t.like(executor.stats(), {
    completed: 1_001,
    timedOut: 10,
    cancelled: 10,
    failed: 0,
    lost: 0,
    queued: 0,
    running: 0,
  })
  t.is(await executor.submit(nested.one).result(SOON), 1)
  await executor.shutdown()
})

behaviour('asynchronous tasks that block at some levels and await at others end at depth 1,000 with one worker', async (t, { create }) => {
  const executor = plain(create, 1)
  t.is(await executor.submit(nested.mixed, 1_000, 25).result(DEEP), 1_000)
  t.like(executor.stats(), { completed: 1_001, failed: 0, lost: 0, queued: 0, running: 0 })
  await executor.shutdown()
})

behaviour('an executor whose tasks have nested deeply is one of as many workers as before', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, execArgv: [], idleTimeout: SHORT })
  t.is(await executor.submit(nested.mixed, 60, 10).result(DEEP), 60)
  await until(() => {
    const { idle, busy, starting } = executor.stats().workers
    return idle + busy + starting === 0
  }, 'the lent threads have gone')
  const started = [nested.napLater, nested.napLater].map((nap) => executor.submit(nap, SHORT))
  t.true(executor.stats().running <= 1)
  for (const future of started) t.is(await future.result(SOON), SHORT)
  await executor.shutdown()
})

for (const stop of ['cancel', 'timeout'] as const) {
  behaviour(`the outermost task of a nest is settled at once by a ${stop}, while the one on top of it runs on`, async (t, { create }) => {
    const executor = plain(create, 2)
    const flag = flags(t)
    // Both have begun before that.
    const future = (stop === 'timeout' ? executor.with({ timeout: 1_000 }) : executor).submit(nested.waitsForSpin, flag)
    await until(() => existsSync(`${flag}0`) && executor.stats().running === 2, 'both have begun')
    if (stop === 'cancel') t.true(future.cancel({ interrupt: true }))
    const error = await future.result(SOON).catch((thrown: unknown) => thrown)
    t.true(error instanceof (stop === 'cancel' ? CancelledError : TimeoutError))
    // Nobody has asked for the end of the inner one, which keeps its thread.
    t.is(await executor.submit(nested.one).result(SOON), 1)
    t.like(executor.stats(), { running: 1, completed: 1, lost: 0 })
    await executor.terminateWorkers()
  })
}

behaviour('a circle of waits through two threads and a buried promise throws InvalidStateError in one of them', async (t, { create }) => {
  const executor = plain(create, 2, 2)
  await executor.submit(nested.one).result(SOON)
  t.deepEqual(await executor.submit(nested.circle, flags(t), undefined).result(SOON), [
    'InvalidStateError ERR_FUTURE_INVALID_STATE',
    'held',
  ])
  await executor.shutdown()
})

behaviour('in a circle that a time-out ends, the time-out ends it', async (t, { create }) => {
  const executor = plain(create, 2, 2)
  await executor.submit(nested.one).result(SOON)
  t.deepEqual(await executor.submit(nested.circle, flags(t), 100).result(SOON), ['TimeoutError ERR_FUTURE_TIMEOUT', 'held'])
  await executor.shutdown()
})

behaviour(
  'a function that turns out to return a promise is refused on top of its waiter once, and then runs elsewhere',
  async (t, { create }) => {
    const executor = plain(create, 1)
    const [first, second] = (await executor.submit(nested.blocksForDisguised).result(SOON)) as [unknown, unknown]
    t.true(first === 'InvalidStateError ERR_FUTURE_INVALID_STATE' || first === 1)
    t.is(second, 2)
    await executor.shutdown()
  },
)

behaviour(
  'after a stop on top of a waiting task currentTask and currentExecutor are its own, and later tasks see nothing of it',
  async (t, { create }) => {
    const executor = plain(create, 1)
    for (let round = 0; round < 5; round++) {
      t.deepEqual(await executor.with({ name: 'outer' }).submit(nested.stopsWithin).result(SOON), [
        'TimeoutError ERR_FUTURE_TIMEOUT',
        'outer',
        true,
      ])
      t.deepEqual(await executor.with({ name: 'later' }).submit(nested.outside).result(SOON), ['later'])
    }
    t.is(executor.stats().lost, 0)
    await executor.shutdown()
  },
)

behaviour('a program that only blocks, and never comes back to its event loop, keeps no finished futures', async (t, { inChild }) => {
  const end = await inChild(({ create, native }) => {
    const executor = create(1)
    const run = (count: number): void => {
      for (let n = 0; n < count; n++) executor.submit(native.countPrimes, 0).resultSync()
    }
    run(20_000)
    const before = process.memoryUsage().rss
    run(150_000)
    // Half a kilobyte for each would be 75 MB.
    return (process.memoryUsage().rss - before) / 2 ** 20 < 40
  }, [])
  t.deepEqual(cleanEnd(end), ended(true))
})

behaviour('`await using` waits for the nested tasks that were accepted before its end', async (t, { create }) => {
  const flag = flags(t)
  let future
  {
    await using executor = plain(create, 1)
    future = executor.submit(nested.waitsOverTheEnd, flag)
    await until(() => existsSync(`${flag}0`), 'the inner task is accepted')
  }
  t.true(future.done())
  t.is(await future, 200)
})

behaviour('a signal over a group ends all of it, and the executor goes on', async (t, { create }) => {
  const executor = plain(create, 2)
  const controller = new AbortController()
  const group = executor.with({ signal: controller.signal })
  const futures = [group.submit(nested.spin), group.submit(nested.spin), group.submit(nested.one)]
  await until(() => executor.stats().running === 2, 'two of them run')
  controller.abort('the group is over')
  for (const future of futures) {
    const error = (await future.result(SOON).catch((thrown: unknown) => thrown)) as CancelledError
    t.true(error instanceof CancelledError)
    t.is(error.cause, 'the group is over')
  }
  t.is(await executor.submit(nested.one).result(SOON), 1)
  await executor.shutdown()
})
