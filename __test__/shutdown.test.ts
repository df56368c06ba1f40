import ava from 'ava'
import { CancelledError, InvalidStateError, moduleTasks, native, TimeoutError, WorkerLostError } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { longProduct } from './native-work.ts'
import { PROMPT, SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const everywhere = behaviours(test, [])

const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl)

for (const workers of [1, 2, 3, 8]) {
  everywhere(`shutdown() waits for every accepted task, with ${workers} workers and unequal tasks`, async (t, { create }) => {
    const executor = create(workers)
    const futures = Array.from({ length: 40 }, (_, n) => executor.submit(work.pause, n % 7 === 0 ? 60 : n % 3))
    const natives = Array.from({ length: 5 }, () => executor.submit(native.countPrimes, 1_000_000))
    await executor.shutdown()
    t.true(futures.every((future) => future.done()))
    t.deepEqual(
      await Promise.all(futures),
      futures.map((_, n) => (n % 7 === 0 ? 60 : n % 3)),
    )
    for (const future of natives) t.is(await future, 78_498)
    t.deepEqual(executor.stats().workers, { idle: 0, busy: 0, starting: 0, abandoned: 0, died: 0 })
    t.is(executor.stats().completed, 45)
  })
}

everywhere('shutdown() of an executor that was never used resolves', async (t, { create }) => {
  await create(2).shutdown()
  await create(2)[Symbol.asyncDispose]()
  t.pass()
})

behaviour('shutdown() while workers are starting waits for the accepted tasks, and for the threads', async (t, { create }) => {
  const executor = create({ maxWorkers: 3, minWorkers: 3 })
  await executor.shutdown()
  const other = create(3)
  const futures = [other.submit(work.add, 1, 1), other.submit(work.add, 2, 2)]
  await other.shutdown()
  t.deepEqual(
    futures.map((future) => future.state),
    ['finished', 'finished'],
  )
})

everywhere('shutdown() can be called again, in any way and at any time', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(work.pause, 50)
  // A task that has not started would be cancelled by the third call.
  await until(() => future.running() || future.done(), 'the task runs')
  const first = executor.shutdown({ wait: false })
  await Promise.all([first, executor.shutdown(), executor.shutdown({ cancelFutures: true }), executor.shutdown({ wait: false })])
  t.is(await future, 50)
  await executor.shutdown()
  await executor[Symbol.asyncDispose]()
  executor[Symbol.dispose]()
  await executor.terminateWorkers()
})

everywhere('shutdown({ wait: false }) resolves at once, and the accepted tasks run to the end', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  const futures = [executor.submit(work.waitFor, gate), executor.submit(work.note, log, 'a'), executor.submit(work.note, log, 'b')]
  await executor.shutdown({ wait: false })
  t.false(futures[0]!.done())
  t.throws(() => executor.submit(work.add, 1, 2), { instanceOf: InvalidStateError })
  folder.open(gate)
  for (const future of futures) await future.result(SOON)
  t.deepEqual(folder.notes(log), ['a', 'b'])
  await executor.shutdown()
})

behaviour('shutdown({ cancelFutures: true }) cancels what has not started and waits for what has', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  const running = executor.submit(work.noteAndWait, log, 'running', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  const pending = [
    executor.submit(work.note, log, 'never'),
    executor.submit(native.countPrimes, 10),
    executor.with({ priority: 5 }).submit(work.note, log, 'never'),
  ]
  const done = executor.shutdown({ cancelFutures: true })
  t.deepEqual(
    pending.map((future) => future.state),
    ['cancelled', 'cancelled', 'cancelled'],
  )
  for (const future of pending) await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
  t.false(running.done())
  folder.open(gate)
  await done
  t.is(running.state, 'finished')
  t.deepEqual(folder.notes(log), ['running'])
  t.like(executor.stats(), { cancelled: 3, completed: 1 })
})

behaviour('cancelFutures of a second shutdown cancels what the first would have run', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'running', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  const pending = executor.submit(work.add, 1, 2)
  const first = executor.shutdown()
  const second = executor.shutdown({ cancelFutures: true })
  t.true(pending.cancelled())
  folder.open(gate)
  await Promise.all([first, second])
})

everywhere('shutdown() resolves after the futures have been delivered: their callbacks have run', async (t, { create }) => {
  for (let round = 0; round < 20; round++) {
    const executor = create(2)
    let calls = 0
    for (let n = 0; n < 10; n++) executor.submit(native.countPrimes, 100 + n).addDoneCallback(() => calls++)
    await executor.shutdown()
    t.is(calls, 10)
  }
})

everywhere('shutdown() from a done callback works', async (t, { create }) => {
  const executor = create(2)
  const done = new Promise<void>((resolve, reject) => {
    executor.submit(work.add, 1, 2).addDoneCallback(() => void executor.shutdown().then(resolve, reject))
  })
  executor.submit(work.pause, 20)
  await done
  t.is(executor.stats().completed, 2)
})

behaviour(
  'awaited inside a task of its own executor shutdown rejects with InvalidStateError; without waiting it works',
  async (t, { create }) => {
    for (const [wait, expected] of [
      [true, 'InvalidStateError'],
      [false, 'resolved'],
    ] as const) {
      const executor = create(2)
      const fn = async (wait: boolean): Promise<string> => {
        const { currentExecutor } = await import('concurrent-futures')
        return currentExecutor()!
          .shutdown({ wait })
          .then(
            () => 'resolved',
            (error: Error) => error.name,
          )
      }
      t.is(await executor.submit(fn, wait).result(SOON), expected)
      await executor.shutdown()
    }
  },
)

behaviour('shutdown() while a task is being interrupted resolves', async (t, { create }) => {
  const executor = create(2)
  const spinning = executor.with({ timeout: SHORT }).submit(work.spin)
  const other = executor.submit(work.spin)
  await until(() => executor.stats().running === 2 || spinning.done(), 'both run')
  t.true(other.cancel({ interrupt: true }))
  await executor.shutdown()
  t.true((await spinning.exception(SOON)) instanceof TimeoutError)
  t.like(executor.stats(), { timedOut: 1, cancelled: 1 })
})

everywhere('shutdown() waits for a task with a timeout until it is stopped', async (t, { create }) => {
  const executor = create(1)
  const futures = [executor.with({ timeout: SHORT }).submit(work.spin), executor.submit(work.add, 1, 2)] as const
  await executor.shutdown()
  t.deepEqual(
    futures.map((future) => future.state),
    ['finished', 'finished'],
  )
  t.is(await futures[1], 3)
})

behaviour('a task that is running may still submit nothing after shutdown', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  const fn = async (file: string): Promise<string> => {
    const { existsSync } = await import('node:fs')
    const { currentExecutor } = await import('concurrent-futures')
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
    try {
      currentExecutor()!.submit(() => 1)
      return 'submitted'
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`
    }
  }
  const future = executor.submit(fn, gate)
  await until(() => executor.stats().running === 1, 'the task runs')
  const done = executor.shutdown()
  folder.open(gate)
  t.is(await future.result(SOON), 'InvalidStateError: cannot schedule new futures after shutdown')
  await done
})

everywhere('terminateWorkers() fails running tasks with WorkerLostError, cancels queued ones, and shuts down', async (t, { create }) => {
  const executor = create(2)
  const running = [executor.submit(work.spin), executor.submit(work.never)]
  await until(() => executor.stats().running === 2, 'both run')
  const queued = [executor.submit(work.add, 1, 2), executor.submit(native.countPrimes, 10)]
  await executor.terminateWorkers()
  for (const future of running) t.true((await future.exception(PROMPT)) instanceof WorkerLostError)
  t.deepEqual(
    queued.map((future) => future.state),
    ['cancelled', 'cancelled'],
  )
  t.throws(() => executor.submit(work.add, 1, 2), { instanceOf: InvalidStateError })
  t.like(executor.stats(), { lost: 2, cancelled: 2, completed: 0 })
  await executor.shutdown()
  await executor.terminateWorkers()
})

behaviour('terminateWorkers() ends native tasks too', async (t, { create }) => {
  const executor = create(1)
  const running = executor.submit(native.matmul, ...longProduct())
  await until(() => executor.stats().running === 1, 'it runs')
  await executor.terminateWorkers()
  t.true((await running.exception(PROMPT)) instanceof WorkerLostError)
})

behaviour('terminateWorkers() while workers start, and of an idle executor, resolves', async (t, { create }) => {
  await create({ maxWorkers: 2, minWorkers: 2 }).terminateWorkers()
  const starting = create(2)
  const future = starting.submit(work.add, 1, 2)
  await starting.terminateWorkers()
  t.true(future.cancelled())
  const idle = create(2)
  await idle.submit(work.add, 1, 2)
  await idle.terminateWorkers()
})

everywhere('await using shuts down and waits; using shuts down without waiting', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(work.pause, 50)
  await executor[Symbol.asyncDispose]()
  t.is(future.state, 'finished')
  const other = create(1)
  const going = other.submit(work.pause, 50)
  t.is(other[Symbol.dispose](), undefined)
  t.false(going.done())
  t.throws(() => other.submit(work.add, 1, 2), { instanceOf: InvalidStateError })
  t.is(await going.result(SOON), 50)
  await other.shutdown()
})

behaviour('ready() that waits when the executor is shut down rejects with InvalidStateError', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, maxQueue: 1 })
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'running', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  executor.submit(work.add, 1, 2)
  const ready = t.throwsAsync(executor.ready(), { instanceOf: InvalidStateError })
  const done = executor.shutdown()
  folder.open(gate)
  await done
  await ready
})

behaviour('workers leave by draining: their exit handlers run, also those of coverage', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const { existsSync, mkdtempSync, rmSync } = await import('node:fs')
    const folder = mkdtempSync(`${(await import('node:os')).tmpdir()}/drain-`)
    const executor = create(1)
    await executor.submit(async (file: string) => {
      const { writeFileSync } = await import('node:fs')
      process.on('exit', () => writeFileSync(file, ''))
    }, `${folder}/left`)
    await executor.shutdown()
    const hasLeft = existsSync(`${folder}/left`)
    rmSync(folder, { recursive: true })
    return hasLeft
  }, [])
  t.deepEqual(cleanEnd(end), ended(true))
})

behaviour('an abandoned worker is not waited for', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const executor = create(1)
      await executor.submit(() => 1)
      await executor
        .with({ timeout: 50 })
        .submit(async () => {
          const { execSync } = await import('node:child_process')
          execSync('sleep 20', { stdio: 'ignore' })
        })
        .exception(10_000)
      const start = Date.now()
      await executor.shutdown()
      return Date.now() - start < 10_000
    },
    [],
    { limit: 40_000 },
  )
  t.deepEqual({ ...cleanEnd(end) }, ended(true))
  t.true(end.lived < 17_000, `it lived ${end.lived} ms`)
})

behaviour('a shutdown in a child process at every stage of its first task ends cleanly', async (t, { inChild }) => {
  for (const delay of [0, 5, 20, 40, 60, 80, 120]) {
    const end = await inChild(
      async ({ create }, delay: number) => {
        const executor = create(2)
        const futures = [executor.submit(() => 1), executor.submit(async () => 2)] as const
        await new Promise((resolve) => setTimeout(resolve, delay))
        await executor.shutdown()
        return [await futures[0], await futures[1]]
      },
      [delay],
    )
    t.deepEqual(cleanEnd(end), ended([1, 2]), `after ${delay} ms`)
  }
})

// From here on: what is a thread pool's alone.

test('when shutdown() resolves the threads have gone', async (t) => {
  const end = await inChild(async ({ native, ThreadPoolExecutor }) => {
    let [started, exited] = [0, 0]
    process.on('worker', (worker) => {
      started++
      worker.on('exit', () => exited++)
    })
    const executor = new ThreadPoolExecutor(3)
    await Promise.all(Array.from({ length: 9 }, () => executor.submit(() => 1)))
    await executor.submit(native.countPrimes, 10)
    await executor.shutdown()
    return started > 0 && started === exited
  }, [])
  t.deepEqual(cleanEnd(end), ended(true))
})

everywhere(
  'shutdown({ timeout }) lets tasks end that are done by then, and ends the others as terminateWorkers() does',
  async (t, { create }) => {
    const executor = create(1)
    // The time is that of the tasks alone.
    await executor.submit(work.add, 1, 1).result(SOON)
    const [short, running, queued] = [executor.submit(work.pause, 50), executor.submit(work.spin), executor.submit(work.add, 1, 2)]
    await until(() => short.running() || short.done(), 'the first runs')
    const done = executor.shutdown({ timeout: 1_000 })
    t.throws(() => executor.submit(work.add, 1, 2), { instanceOf: InvalidStateError })
    t.is(await short.result(SOON), 50)
    t.true((await running.exception(SOON)) instanceof WorkerLostError)
    t.true(queued.cancelled())
    await done
    t.like(executor.stats(), { completed: 2, lost: 1, cancelled: 1, workers: { idle: 0, busy: 0 } })
  },
)

everywhere('shutdown({ timeout, wait: false }) resolves at once, and ends what is not done by then', async (t, { create }) => {
  const executor = create(1)
  const running = executor.submit(work.never)
  await until(() => running.running(), 'it runs')
  let hasEnded = false
  running.addDoneCallback(() => (hasEnded = true))
  await executor.shutdown({ wait: false, timeout: SHORT })
  // The state of the task itself may be another by now: this thread does not always have a processor.
  t.false(hasEnded)
  t.true((await running.exception(SOON)) instanceof WorkerLostError)
  await executor.shutdown()
})

behaviour('the timeout of a shutdown holds while the thread that has called it is blocked', async (t, { create }) => {
  const executor = create(1)
  const running = executor.submit(work.spin)
  await until(() => executor.stats().running === 1, 'it runs')
  const done = executor.shutdown({ timeout: SHORT })
  const end = performance.now() + SOON
  while (!running.done() && performance.now() < end);
  t.true(running.done())
  t.true((await running.exception(SOON)) instanceof WorkerLostError)
  await done
})

behaviour('shutdown({ timeout }) ends an initializer that does not end', async (t, { create }) => {
  const executor = create({
    maxWorkers: 1,
    initializer: () => {
      for (;;);
    },
  })
  const future = executor.submit(work.add, 1, 2)
  await executor.shutdown({ timeout: SHORT })
  t.true(future.cancelled())
})

behaviour('shutdown({ timeout }) in a task holds, too', async (t, { create }) => {
  const executor = create(1)
  const shut = async (url: string, timeout: number) => {
    const { currentExecutor } = (await import(url)) as typeof import('concurrent-futures')
    await currentExecutor()!.shutdown({ wait: false, timeout })
    for (;;);
  }
  const packageUrl = new URL('../dist/index.js', import.meta.url).href
  t.true((await executor.submit(shut, packageUrl, SHORT).exception(SOON)) instanceof WorkerLostError)
  await executor.shutdown()
})

everywhere('a shutdown that is done in time resolves then, and a second one may shorten the time', async (t, { create }) => {
  const quick = create(1)
  const future = quick.submit(work.add, 1, 2)
  await quick.shutdown({ timeout: 2 ** 40 })
  t.is(await future.result(SOON), 3)
  const executor = create(1)
  const running = executor.submit(work.spin)
  await until(() => running.running(), 'it runs')
  const first = executor.shutdown({ timeout: 10 * SOON })
  await executor.shutdown({ timeout: 0 })
  await first
  t.true((await running.exception(SOON)) instanceof WorkerLostError)
})

everywhere('a timeout of a shutdown that is no duration is refused at the call', (t, { create }) => {
  const executor = create(1)
  t.throws(() => executor.shutdown({ timeout: -1 }), { instanceOf: RangeError, message: /timeout/ })
  t.throws(() => executor.shutdown({ timeout: 'soon' as never }), { instanceOf: TypeError, message: /timeout/ })
  return executor.shutdown()
})
