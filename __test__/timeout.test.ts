import ava from 'ava'
import { moduleTasks, native, TimeoutError } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { longProduct } from './native-work.ts'
import { PROMPT, SHORT, SOON, WHILE } from './limits.ts'
import * as named from './fixtures/tasks.mjs'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)
const everywhere = behaviours(ava.serial, [])

const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href
const loopsUrl = new URL('./fixtures/loops.mjs', import.meta.url).href
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl)

behaviour('a time-out tells where an asynchronous task is that does not wait', async (t, { create }) => {
  const { loopsAfterAwait } = moduleTasks<typeof import('./fixtures/kinds.mjs')>(new URL('./fixtures/kinds.mjs', import.meta.url))
  await using executor = create(1)
  // A thread that has no processor just then cannot tell.
  for (let round = 0; round < 20; round++) {
    const error = (await executor.with({ timeout: SHORT }).submit(loopsAfterAwait).exception(SOON)) as TimeoutError
    t.true(error instanceof TimeoutError)
    if (error.taskStack === undefined) continue
    t.regex(error.taskStack, /at inner \(.*kinds\.mjs:\d+:\d+\)\n.*at loopsAfterAwait/)
    return
  }
  t.fail('it was never told')
})

everywhere('a task that runs past its timeout fails with TimeoutError, promptly', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(work.add, 1, 1)
  const start = performance.now()
  const error = (await executor.with({ timeout: SHORT }).submit(work.spin).exception(SOON)) as TimeoutError
  t.true(error instanceof TimeoutError)
  t.is(error.code, 'ERR_FUTURE_TIMEOUT')
  const took = performance.now() - start
  t.true(took >= SHORT - 2 && took < PROMPT, String(took))
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  t.like(executor.stats(), { timedOut: 1, completed: 2, failed: 0, lost: 0 })
  await executor.shutdown()
})

everywhere('a task within its timeout is left alone, and so is the next one', async (t, { create }) => {
  const executor = create(1)
  t.is(await executor.with({ timeout: SOON }).submit(work.pause, 30).result(SOON), 30)
  const limited = executor.with({ timeout: 600 })
  for (let n = 0; n < 20; n++) t.is(await limited.submit(work.pause, 1).result(SOON), 1)
  t.is(await executor.submit(work.pause, 700).result(SOON), 700)
  t.is(executor.stats().timedOut, 0)
  await executor.shutdown()
})

behaviour('the timeout counts from the call of the function: waiting, start-up and module loading are free', async (t, { create }) => {
  const executor = create({
    maxWorkers: 1,
    initializer: async () => void (await new Promise((resolve) => setTimeout(resolve, 600))),
  })
  const slow = moduleTasks<{ value(): string }>(new URL('./fixtures/slow-to-load.mjs', import.meta.url))
  const limited = executor.with({ timeout: 500 })
  const futures = [
    limited.submit(slow.value),
    limited.submit(work.pause, 200),
    limited.submit(work.pause, 200),
    limited.submit(work.pause, 200),
    limited.submit(work.pause, 200),
  ]
  t.deepEqual(await Promise.all(futures.map((future) => future.result(SOON))), ['slow', 200, 200, 200, 200])
  await executor.shutdown()
})

for (const option of ['timeout', 'queueTimeout']) {
  everywhere(`with ${option} 0 a task fails without running, also when a worker is idle`, async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create(1)
    const log = folder.file('log')
    await executor.submit(work.note, log, 'warm').result(SOON)
    const view = executor.with({ [option]: 0 })
    t.true((await view.submit(work.note, log, 'never').exception(SOON)) instanceof TimeoutError)
    t.true((await view.submit(native.countPrimes, 10).exception(SOON)) instanceof TimeoutError)
    await executor.submit(work.note, log, 'next').result(SOON)
    t.deepEqual(folder.notes(log), ['warm', 'next'])
    t.is(executor.stats().timedOut, 2)
    await executor.shutdown()
  })
}

everywhere('a task that waits longer than its queueTimeout fails while it waits, and never runs', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  const future = executor.with({ queueTimeout: SHORT }).submit(work.note, log, 'never')
  t.true((await future.exception(PROMPT)) instanceof TimeoutError)
  t.is(executor.stats().queued, 0)
  folder.open(gate)
  await executor.submit(work.note, log, 'next').result(SOON)
  t.deepEqual(folder.notes(log), ['first', 'next'])
  t.is(executor.stats().timedOut, 1)
  await executor.shutdown()
})

everywhere('queueTimeout has no say once the function is called', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(work.add, 1, 1)
  t.is(
    await executor
      .with({ queueTimeout: PROMPT / 20 })
      .submit(work.pause, PROMPT / 10)
      .result(SOON),
    PROMPT / 10,
  )
  await executor.shutdown()
})

behaviour('a task that expired in the queue leaves room in a bounded one', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, maxQueue: 1 })
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  await executor.with({ queueTimeout: SHORT }).submit(work.add, 1, 1).exception(SOON)
  const next = executor.submit(work.add, 1, 2)
  folder.open(gate)
  t.is(await next.result(SOON), 3)
  await executor.shutdown()
})

behaviour('deadlines hold while the main thread is blocked: the task was stopped on time', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const log = folder.file('log')
  await executor.submit(work.add, 1, 1)
  const spinning = executor.with({ timeout: 100 }).submit(work.spin)
  const next = executor.submit(work.interval, 0)
  const waiting = executor.with({ queueTimeout: 0 }).submit(work.note, log, 'never')
  const end = Date.now() + 2_000
  while (Date.now() < end);
  t.true((await spinning.exception(SOON)) instanceof TimeoutError)
  t.true(((await next.result(SOON)) as [number, number])[1] < end, 'the worker was free before the main thread was')
  t.true((await waiting.exception(SOON)) instanceof TimeoutError)
  t.deepEqual(folder.notes(log), [])
  await executor.shutdown()
})

everywhere('a native task is stopped by its timeout', async (t, { create }) => {
  const executor = create(1)
  const error = await executor
    .with({ timeout: SHORT })
    .submit(native.matmul, ...longProduct())
    .exception(PROMPT)
  t.true(error instanceof TimeoutError)
  t.is(await executor.submit(native.countPrimes, 100).result(SOON), 25)
  t.is(executor.stats().timedOut, 1)
  await executor.shutdown()
})

const synchronous = [
  'plain',
  'catching',
  'finallyForever',
  'regularExpression',
  'wasm',
  'atomicsWait',
  'microtasks',
  'throwing',
  'getter',
  'recursion',
  'timers',
  'emitters',
  'requires',
  'requiresInScope',
  'asyncLocalStorage',
  'generator',
  'proxy',
]

for (const kind of synchronous) {
  behaviour(`an endless loop is stopped and the pool's capacity comes back: ${kind}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, kind: string) => {
        const executor = create(1)
        const loops = moduleTasks<Record<string, () => unknown>>(url)
        const errors: string[] = []
        for (let round = 0; round < 3; round++) {
          const error = (await executor.with({ timeout: 80 }).submit(loops[kind]!).exception(10_000)) as Error
          errors.push(error.name)
        }
        const sum = await executor
          .submit(
            async (a: number, b: number) => {
              await new Promise((resolve) => setTimeout(resolve, 1))
              await new Promise((resolve) => setImmediate(resolve))
              await new Promise<void>((resolve) => process.nextTick(resolve))
              return a + b
            },
            1,
            2,
          )
          .result(15_000)
        const { timedOut, workers } = executor.stats()
        await executor.shutdown()
        return { errors, sum, timedOut, abandoned: workers.abandoned }
      },
      [loopsUrl, kind],
    )
    t.deepEqual(cleanEnd(end), ended({ errors: Array(3).fill('TimeoutError'), sum: 3, timedOut: 3, abandoned: 0 }))
  })
}

for (const kind of ['plain', 'catching', 'regularExpression', 'wasm', 'atomicsWait', 'recursion', 'generator']) {
  behaviour(`stopping a loop leaves its worker alive, with its modules: ${kind}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, work: string, kind: string) => {
        const executor = create(1)
        const loops = moduleTasks<Record<string, () => unknown>>(url)
        const { count } = moduleTasks<{ count(): number }>(work)
        await executor.submit(count).result(10_000)
        for (let round = 0; round < 5; round++) await executor.with({ timeout: 60 }).submit(loops[kind]!).exception(10_000)
        const calls = await executor.submit(count).result(10_000)
        await executor.shutdown()
        return calls
      },
      [loopsUrl, workUrl, kind],
    )
    t.deepEqual(cleanEnd(end), ended(2))
  })
}

behaviour('where interrupts are not to be had, everything works by replacement', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const executor = create(1)
      const loops = moduleTasks<Record<string, () => unknown>>(url)
      const errors: string[] = []
      for (const kind of ['plain', 'catching', 'atomicsWait']) {
        errors.push(((await executor.with({ timeout: 80 }).submit(loops[kind]!).exception(10_000)) as Error).name)
      }
      const sum = await executor.submit((a: number, b: number) => a + b, 1, 2).result(15_000)
      await executor.shutdown()
      return [...errors, sum]
    },
    [loopsUrl],
    { env: { CONCURRENT_FUTURES_NO_INTERRUPT: '1' } },
  )
  t.deepEqual(cleanEnd(end), ended(['TimeoutError', 'TimeoutError', 'TimeoutError', 3]))
})

for (const kind of ['never', 'sleepLoop', 'immediateLoop', 'ignoresSignal', 'spinsAfterAwait', 'microtasksAfterAwait']) {
  behaviour(`an asynchronous task that does not end is stopped: ${kind}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, kind: string) => {
        const executor = create({ maxWorkers: 1, interruptGrace: 50 })
        const loops = moduleTasks<Record<string, () => unknown>>(url)
        const error = (await executor.with({ timeout: 100 }).submit(loops[kind]!).exception(10_000)) as Error
        const sum = await executor.submit((a: number, b: number) => a + b, 1, 2).result(15_000)
        const { timedOut, lost } = executor.stats()
        await executor.shutdown()
        return { error: error.name, sum, timedOut, lost }
      },
      [loopsUrl, kind],
    )
    t.deepEqual(cleanEnd(end), ended({ error: 'TimeoutError', sum: 3, timedOut: 1, lost: 0 }))
  })
}

for (const kind of ['immediateLoop', 'spinsAfterAwait', 'microtasksAfterAwait']) {
  behaviour(`a worker that is given up while its owner is blocked does not take the process with it: ${kind}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, kind: string) => {
        const executor = create(1)
        const loops = moduleTasks<Record<string, () => unknown>>(url)
        const names: string[] = []
        for (let round = 0; round < 3; round++) {
          const future = executor.with({ timeout: 100 }).submit(loops[kind]!)
          // It may be over when this thread comes to look.
          while (future.state === 'pending') await new Promise((resolve) => setTimeout(resolve, 5))
          // The events of the owner wait for longer than anything that a stop may take.
          const end = Date.now() + 800
          while (Date.now() < end);
          names.push(((await future.exception(10_000)) as Error).name)
        }
        const sum = await executor.submit((a: number, b: number) => a + b, 1, 2).result(15_000)
        await executor.shutdown()
        return { names, sum }
      },
      [loopsUrl, kind],
    )
    t.deepEqual(cleanEnd(end), ended({ names: Array(3).fill('TimeoutError'), sum: 3 }))
  })
}

behaviour(
  'a blocking native call costs at most its worker: the future fails on time and another worker takes over',
  async (t, { inChild }) => {
    const end = await inChild(async ({ create }) => {
      const executor = create(1)
      await executor.submit(() => 1)
      const start = Date.now()
      const stuck = executor.with({ timeout: 100 }).submit(async () => {
        const { execSync } = await import('node:child_process')
        execSync('sleep 8', { stdio: 'ignore' })
      })
      const error = (await stuck.exception(10_000)) as Error
      const sum = await executor.submit((a: number, b: number) => a + b, 1, 2).result(7_000)
      const isEarly = Date.now() - start < 7_000
      void executor.shutdown()
      return { error: error.name, sum, isEarly }
    }, [])
    t.deepEqual(
      { code: end.code, isHung: end.isHung, value: end.value },
      { code: 0, isHung: false, value: { error: 'TimeoutError', sum: 3, isEarly: true } },
      end.errors,
    )
  },
)

for (const [name, fn] of [
  ['cancelled', named.heed],
  ['signal.aborted', named.heedSignal],
] as const) {
  behaviour(`a task that polls ${name} sees that its time is over, and its worker lives on`, async (t, { create }) => {
    const executor = create({ maxWorkers: 1, interruptGrace: SOON })
    const thread = await executor.submit(work.thread).result(SOON)
    t.true((await executor.with({ timeout: SHORT }).submit(fn).exception(PROMPT)) instanceof TimeoutError)
    t.is(await executor.submit(work.thread).result(PROMPT), thread)
    const { name: _, kind: __, ...counts } = executor.stats()
    t.deepEqual(
      { ...counts, workers: undefined, waitTime: undefined, runTime: undefined },
      {
        ...{ queued: 0, running: 0, completed: 2, failed: 0, cancelled: 0, timedOut: 1, lost: 0, broken: false },
        ...{ shared: { values: 0, bytes: 0 }, workers: undefined, waitTime: undefined, runTime: undefined },
      },
    )
    await executor.shutdown()
  })
}

behaviour('a task that has looked at currentTask() gets interruptGrace, and is then stopped by force', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, interruptGrace: 3_000 })
  await executor.submit(work.add, 1, 1)
  const start = performance.now()
  t.true((await executor.with({ timeout: SHORT }).submit(named.ignoreAfterLook).exception(SOON)) instanceof TimeoutError)
  t.true(performance.now() - start < 3_000, 'the future fails at once, before the grace is over')
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  t.true(performance.now() - start >= 3_000, 'the worker was left to the task for the grace')
  await executor.shutdown()
})

behaviour('a task that never looked at currentTask() is stopped at once, whatever the grace', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, interruptGrace: SOON })
  await executor.submit(work.add, 1, 1)
  await executor.with({ timeout: SHORT }).submit(work.spin).exception(SOON)
  t.is(await executor.submit(work.add, 1, 2).result(PROMPT), 3)
  await executor.shutdown()
})

behaviour('a TimeoutError tells where the JavaScript of its task was', async (t, { create }) => {
  const executor = create(1)
  let stack: string | undefined
  // A thread that has no processor just then cannot tell.
  for (let round = 0; round < 20 && stack === undefined; round++) {
    stack = ((await executor.with({ timeout: SHORT }).submit(work.spin).exception(SOON)) as TimeoutError).taskStack
  }
  t.regex(stack ?? '', /spin/)
  t.regex(stack ?? '', /work\.mjs:\d+/)
  t.is(
    (
      (await executor
        .submit(work.pause, 100)
        .result(5)
        .catch((error: unknown) => error)) as TimeoutError
    ).taskStack,
    undefined,
  )
  await executor.shutdown()
})

behaviour('taskStack never tells where something else was than the JavaScript of its task', async (t, { create }) => {
  const stackOf = async (future: Future<unknown>): Promise<string | undefined> => {
    const error = await future.exception(SOON)
    t.true(error instanceof TimeoutError)
    return (error as TimeoutError).taskStack
  }
  // Long enough for the other task to have begun.
  const timeout = 4 * WHILE
  const executor = create({ maxWorkers: 1, tasksPerWorker: 2 })
  await executor.submit(work.add, 1, 1)
  for (let round = 0; round < 3; round++) {
    t.is(await stackOf(executor.with({ timeout: WHILE }).submit(named.awaitAfterLook)), undefined, 'it awaits: only Node runs')
    // Its worker is replaced.
    await until(() => executor.stats().workers.busy === 0, 'it is replaced')
  }
  const awaiting = executor.with({ timeout }).submit(named.awaitAfterLook)
  void executor.submit(named.spinFor, 2 * timeout)
  t.is(await stackOf(awaiting), undefined, 'another task runs')
  await executor.shutdown()
  const other = create(1)
  t.is(await stackOf(other.with({ timeout }).submit(named.waitAfterLook, 2 * timeout)), undefined, 'another task runs on top of it')
  await other.shutdown()
})

behaviour(
  'dump() tells what each worker does and where its JavaScript is, also while all of them spin',
  async (t, { create, workerKind }) => {
    const executor = create(2)
    const folder = new Folder(t)
    const gate = folder.gate()
    const spins = ['left', 'right'].map((name) => executor.with({ name }).submit(work.spinUntil, gate))
    await until(() => executor.stats().running === 2, 'both run')
    const end = Date.now() + SOON
    let dump = await executor.dump()
    // A worker may be about to call its function, or not have a processor in the 50 ms of a dump.
    while (dump.some(({ stack }) => !stack?.includes('spinUntil')) && Date.now() < end) dump = await executor.dump()
    t.is(dump.length, 2)
    t.deepEqual(dump.map((worker) => worker.task?.name).sort(), ['left', 'right'])
    for (const worker of dump) {
      t.like(worker, { kind: workerKind, state: 'busy' })
      t.true(worker.threadId > 0)
      t.true((worker.task?.runningFor ?? -1) > 0)
      t.regex(worker.stack ?? '', /spinUntil.*work\.mjs:\d+/s)
    }
    folder.open(gate)
    await Promise.all(spins)
    await until(() => executor.stats().workers.busy === 0, 'the workers are idle')
    for (const worker of await executor.dump()) t.deepEqual([worker.state, worker.task], ['idle', undefined])
    await executor.shutdown()
    t.deepEqual(await executor.dump(), [])
  },
)

behaviour('a time-out that comes as the task ends gives either its result or TimeoutError, and loses nothing', async (t, { create }) => {
  const executor = create(2)
  await Promise.all([executor.submit(work.pause, 20), executor.submit(work.pause, 20)])
  let [results, timeouts] = [0, 0]
  const futures = Array.from({ length: 400 }, (_, n) => executor.with({ timeout: 1 + (n % 3) }).submit(work.spinFor, 1 + (n % 4)))
  for (const [n, future] of futures.entries()) {
    const error = await future.exception(SOON)
    if (error instanceof TimeoutError) timeouts++
    else if (error === null && (await future) === 1 + (n % 4)) results++
  }
  t.is(results + timeouts, 400)
  const stats = executor.stats()
  t.deepEqual([stats.completed - 2, stats.timedOut], [results, timeouts])
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('two tasks that expire at the same time on two workers are both stopped', async (t, { create }) => {
  const executor = create(2)
  const futures = [1, 2].map(() => executor.with({ timeout: SHORT }).submit(work.spin))
  for (const future of futures) t.true((await future.exception(SOON)) instanceof TimeoutError)
  t.deepEqual(await Promise.all([1, 2].map((n) => executor.submit(work.double, n).result(SOON))), [2, 4])
  await new Promise((resolve) => setTimeout(resolve, WHILE))
  t.is(executor.stats().workers.abandoned, 0)
  await executor.shutdown()
})

behaviour('microtasks that never end are stopped while the main thread is blocked, and the process lives', async (t, { inChild }) => {
  const end = await inChild(async ({ create, TimeoutError }) => {
    const executor = create(1)
    const brief = executor.with({ timeout: 50 })
    const results: unknown[] = []
    for (let round = 0; round < 2; round++) {
      const looping = brief.submit(async () => {
        for (;;) await null
      })
      const left = brief.submit(async () => {
        const loop = (): Promise<unknown> => Promise.resolve().then(loop)
        void loop()
        await new Promise(() => {})
      })
      const until = performance.now() + 600
      while (performance.now() < until);
      for (const future of [looping, left]) results.push((await future.exception()) instanceof TimeoutError)
      results.push(await executor.submit(() => 'well').result(10_000))
    }
    await executor.shutdown()
    return results
  }, [])
  t.deepEqual(cleanEnd(end), ended([true, true, 'well', true, true, 'well']))
})

behaviour(
  'a stop inside an async scope costs the worker, not the process, where the exception that puts it right cannot be made',
  async (t, { inChild }) => {
    const end = await inChild(async ({ create }) => {
      const executor = create(1)
      const names: string[] = []
      for (let round = 0; round < 2; round++) {
        const future = executor.with({ timeout: 100 }).submit(() => {
          const { AsyncResource } = process.getBuiltinModule('node:async_hooks')
          process.setUncaughtExceptionCaptureCallback(() => {})
          new AsyncResource('scope').runInAsyncScope(() => {
            for (;;);
          })
        })
        names.push(((await future.exception(10_000)) as Error).name)
      }
      const sum = await executor.submit((a: number, b: number) => a + b, 1, 2).result(15_000)
      await executor.shutdown()
      return { names, sum }
    }, [])
    t.deepEqual(cleanEnd(end), ended({ names: ['TimeoutError', 'TimeoutError'], sum: 3 }))
  },
)

behaviour('a worker that is kept from recovering by what the stopped task has left behind is replaced', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(work.add, 1, 1).result(SOON)
  const stopped = executor.with({ timeout: SHORT }).submit(() => {
    setImmediate(() => {
      for (;;);
    })
    for (;;);
  })
  t.true((await stopped.exception(SOON)) instanceof TimeoutError)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('an async task that is stopped at any moment of its first steps gives the pool its capacity back', async (t, { create }) => {
  const executor = create(1)
  for (let timeout = 1; timeout <= 12; timeout++) {
    const stopped = executor.with({ timeout }).submit(async () => {
      const { execSync } = await import('node:child_process')
      execSync('sleep 30', { stdio: 'ignore' })
    })
    t.true((await stopped.exception(SOON)) instanceof TimeoutError)
    t.is(await executor.submit(work.add, 1, timeout).result(SOON), 1 + timeout)
  }
  await executor.shutdown()
})

for (const name of ['rejectOnAbort', 'returnOnAbort', 'sleepWithSignal'] as const) {
  behaviour(`an asynchronous task that heeds its signal (${name}) has failed by then, with TimeoutError`, async (t, { create }) => {
    const executor = create({ maxWorkers: 2, interruptGrace: SOON })
    for (let round = 0; round < 10; round++) {
      const futures = Array.from({ length: 10 }, (_, n) => executor.with({ timeout: 5 + n }).submit(named[name]))
      for (const future of futures) t.true((await future.exception(SOON)) instanceof TimeoutError)
    }
    t.like(executor.stats(), { timedOut: 100, completed: 0, failed: 0, lost: 0 })
    await executor.shutdown()
  })
}
