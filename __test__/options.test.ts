import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { availableParallelism } from 'node:os'
import { readdirSync, readFileSync } from 'node:fs'
import { moduleTasks, native, ThreadPoolExecutor } from 'concurrent-futures'
import type { TaskOptions } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolOptions } from './executors.ts'
import { SOON } from './limits.ts'
import { Folder } from './gate.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const everywhere = behaviours(test, [])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

const notDurations: [value: unknown, error: typeof TypeError | typeof RangeError][] = [
  [-1, RangeError],
  [NaN, RangeError],
  [-Infinity, RangeError],
  ['5', TypeError],
  [null, TypeError],
  [5n, TypeError],
  [{}, TypeError],
  [true, TypeError],
]

for (const name of ['idleTimeout', 'interruptGrace']) {
  behaviour(`a pool's ${name} is a duration`, (t, { create }) => {
    for (const [value, error] of notDurations) {
      t.throws(() => create({ [name]: value } as PoolOptions), {
        instanceOf: error,
        message: new RegExp(name),
      })
    }
    for (const value of [undefined, 0, 1.5, 2 ** 31, 1e300, Infinity]) t.notThrows(() => create({ [name]: value }))
  })
}

for (const name of ['timeout', 'queueTimeout']) {
  everywhere(`a task's ${name} is a duration`, (t, { create }) => {
    const executor = create(1)
    for (const [value, error] of notDurations) {
      t.throws(() => executor.with({ [name]: value } as TaskOptions), {
        instanceOf: error,
        message: new RegExp(name),
      })
    }
  })

  everywhere(`a task's ${name} of more than 2^31-1 ms, or Infinity, does not expire early`, async (t, { create }) => {
    const executor = create(1)
    for (const value of [2 ** 31, 2 ** 32 + 5, 2 ** 53, 1e300, Number.MAX_VALUE, Infinity, undefined]) {
      t.is(
        await executor
          .with({ [name]: value })
          .submit(work.pause, 5)
          .result(SOON),
        5,
      )
    }
  })
}

const notCounts: [value: unknown, error: typeof TypeError | typeof RangeError][] = [
  [0, RangeError],
  [-1, RangeError],
  [1.5, RangeError],
  [NaN, RangeError],
  [Infinity, RangeError],
  ['2', TypeError],
  [null, TypeError],
  [2n, TypeError],
]

for (const name of ['maxWorkers', 'tasksPerWorker', 'maxTasksPerWorker']) {
  behaviour(`${name} is an integer >= 1`, (t, { create }) => {
    for (const [value, error] of notCounts) {
      t.throws(() => create({ [name]: value } as PoolOptions), {
        instanceOf: error,
        message: new RegExp(name),
      })
    }
    t.notThrows(() => create({ [name]: 3 }))
    t.notThrows(() => create({ [name]: undefined }))
  })
}

for (const name of ['chunkSize', 'bufferSize']) {
  everywhere(`${name} is an integer >= 1`, (t, { create }) => {
    const executor = create(1)
    for (const [value, error] of notCounts) {
      t.throws(() => executor.with({ [name]: value } as TaskOptions), {
        instanceOf: error,
        message: new RegExp(name),
      })
    }
    t.notThrows(() => executor.with({ [name]: 3 }))
  })
}

everywhere("chunkSize may be 'auto'; an error for anything else names it", (t, { create }) => {
  const executor = create(1)
  t.notThrows(() => executor.with({ chunkSize: 'auto' }))
  const others: typeof notCounts = [...notCounts, ['AUTO', TypeError], ['', TypeError], [true, TypeError]]
  for (const [value, instanceOf] of others) {
    t.throws(() => executor.with({ chunkSize: value } as TaskOptions), { instanceOf, message: /chunkSize.* 'auto'/ })
  }
  t.throws(() => executor.with({ bufferSize: 'auto' } as unknown as TaskOptions), { instanceOf: TypeError })
})

behaviour('maxWorkers is at most 1024', (t, { create }) => {
  t.notThrows(() => create(1024))
  t.throws(() => create(1025), { instanceOf: RangeError, message: /maxWorkers/ })
})

behaviour('the constructor takes the number of workers, options, or nothing; anything else is a TypeError', (t, { create }) => {
  t.notThrows(() => create())
  t.notThrows(() => create(undefined))
  t.notThrows(() => create({}))
  for (const value of ['2', null, [], true, 2n, () => {}]) {
    t.throws(() => create(value as unknown as number), { instanceOf: TypeError }, String(value))
  }
  for (const value of [0, -1, NaN, 1.5]) t.throws(() => create(value), { instanceOf: RangeError })
})

behaviour('without maxWorkers no more tasks run at once than os.availableParallelism()', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create()
  const gate = folder.gate()
  const futures = Array.from({ length: availableParallelism() + 3 }, () => executor.submit(work.waitFor, gate))
  await executor
    .with({ priority: -1 })
    .submit(work.add, 1, 1)
    .result(300)
    .catch(() => {})
  t.true(executor.stats().running <= availableParallelism())
  folder.open(gate)
  for (const future of futures) await future.result(SOON)
  await executor.shutdown()
})

behaviour('minWorkers is an integer from 0 to maxWorkers', (t, { create }) => {
  for (const [value, error] of notCounts.slice(1)) {
    t.throws(() => create({ minWorkers: value } as PoolOptions), { instanceOf: error, message: /minWorkers/ })
  }
  t.throws(() => create({ maxWorkers: 2, minWorkers: 3 }), { instanceOf: RangeError, message: /minWorkers/ })
  t.notThrows(() => create({ maxWorkers: 2, minWorkers: 0 }))
})

behaviour('minWorkers workers start with the executor, the others when work comes', async (t, { create }) => {
  const executor = create({ maxWorkers: 3, minWorkers: 2 })
  const started = (): number => {
    const { idle, busy, starting } = executor.stats().workers
    return idle + busy + starting
  }
  t.is(started(), 2)
  const lazy = create({ maxWorkers: 3 })
  t.deepEqual(lazy.stats().workers, { idle: 0, busy: 0, starting: 0, abandoned: 0, died: 0 })
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  t.true(started() <= 3)
  await executor.shutdown()
  await lazy.shutdown()
})

behaviour('maxQueue is an integer, or Infinity for no limit', async (t, { create }) => {
  for (const [value, error] of notCounts.slice(1).filter(([value]) => value !== Infinity)) {
    t.throws(() => create({ maxQueue: value } as PoolOptions), { instanceOf: error, message: /maxQueue/ })
  }
  t.notThrows(() => create({ maxQueue: 1 }))
  await using executor = create({ maxWorkers: 1, maxQueue: Infinity })
  const futures = Array.from({ length: 2_000 }, (_, n) => executor.submit(work.add, n, 1))
  await executor.ready()
  t.is(await (futures[1_999] as (typeof futures)[number]).result(SOON), 2_000)
})

function areRefused(t: ExecutionContext, create: (options: object) => unknown, wrong: Record<string, unknown[]>): void {
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      t.throws(() => create({ [name]: value }), { instanceOf: TypeError, message: new RegExp(name) }, `${name}: ${String(value)}`)
    }
  }
}

behaviour('other pool options of a wrong type are a TypeError that names them', (t, { create }) => {
  areRefused(t, create, {
    initializer: ['f', null, {}, 5],
    initargs: ['x', null, {}, 5],
    argv: ['x', 5],
    execArgv: ['x', 5, [5], [null]],
    env: [5, 'x', { A: Symbol('a') }],
  })
})

behaviour('other task options of a wrong type are a TypeError that names them', (t, { create }) => {
  const executor = create(1)
  const wrong: Record<string, unknown[]> = {
    priority: ['1', null, 1n, {}],
    signal: [5, null, {}, 'abort', new AbortController()],
    transfer: [5, null, {}, new ArrayBuffer(1)],
    name: [5, null, {}],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      t.throws(
        () => executor.with({ [name]: value } as TaskOptions),
        { instanceOf: TypeError, message: new RegExp(name) },
        `${name}: ${String(value)}`,
      )
    }
  }
})

behaviour('a priority is any number but NaN', (t, { create }) => {
  const executor = create(1)
  t.throws(() => executor.with({ priority: NaN }), { instanceOf: RangeError, message: /priority/ })
  for (const priority of [0, -0, -5, 1.5, 1e300, Infinity, -Infinity]) t.notThrows(() => executor.with({ priority }))
})

behaviour('an unknown option is a TypeError that names it', async (t, { create }) => {
  const executor = create(1)
  t.throws(() => create({ maxWorker: 2 } as PoolOptions), { instanceOf: TypeError, message: /maxWorker'/ })
  t.throws(() => executor.with({ timeuot: 2 } as TaskOptions), { instanceOf: TypeError, message: /timeuot/ })
  t.throws(() => executor.with({ maxWorkers: 2 } as TaskOptions), {
    instanceOf: TypeError,
    message: /maxWorkers/,
  })
  t.throws(() => void executor.shutdown({ waitt: true } as object), {
    instanceOf: TypeError,
    message: /waitt/,
  })
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

everywhere('wrong options of shutdown are a TypeError and shut nothing down', async (t, { create }) => {
  const executor = create(1)
  for (const value of [5, 'x', null]) t.throws(() => void executor.shutdown(value as unknown as object), { instanceOf: TypeError })
  t.throws(() => void executor.shutdown({ wait: 1 } as object), { instanceOf: TypeError, message: /wait/ })
  t.throws(() => void executor.shutdown({ cancelFutures: 'yes' } as object), {
    instanceOf: TypeError,
    message: /cancelFutures/,
  })
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('options are taken as they are at the call', async (t, { create }) => {
  const poolOptions: PoolOptions = { maxWorkers: 1, initargs: [1] }
  const executor = create(poolOptions)
  poolOptions.maxWorkers = -5
  const options: TaskOptions = { name: 'before', priority: 1 }
  const view = executor.with(options)
  options.name = 'after'
  const name = await view.submit(async () => (await import('concurrent-futures')).currentTask()?.name).result(SOON)
  t.is(name, 'before')
  await executor.shutdown()
})

behaviour('with() gives the same executor, seen through these options and those of the view it is called on', async (t, { create }) => {
  const executor = create(1)
  const named = executor.with({ name: 'first', priority: 2 })
  const both = named.with({ timeout: SOON })
  t.true(named instanceof executor.constructor)
  const see = async (): Promise<unknown[]> => {
    const { currentTask } = await import('concurrent-futures')
    return [currentTask()?.name, currentTask()?.deadline !== undefined]
  }
  t.deepEqual(await executor.submit(see).result(SOON), ['see', false])
  t.deepEqual(await named.submit(see).result(SOON), ['first', false])
  t.deepEqual(await both.submit(see).result(SOON), ['first', true])
  t.deepEqual(await both.with({ name: 'second' }).submit(see).result(SOON), ['second', true])
  t.is(named.stats().completed, 4)
  await both.shutdown()
  t.throws(() => executor.submit(work.add, 1, 2), { message: 'cannot schedule new futures after shutdown' })
})

behaviour('an undefined option leaves the one below', async (t, { create }) => {
  const executor = create(1)
  const view = executor.with({ name: 'kept' }).with({ name: undefined })
  t.is(await view.submit(async () => (await import('concurrent-futures')).currentTask()?.name).result(SOON), 'kept')
  await executor.shutdown()
})

behaviour('argv, env and execArgv reach the workers', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, argv: ['one', 'two'], env: { COLOUR: 'green' }, execArgv: ['--no-warnings'] })
  const seen = await executor.submit(() => [process.argv.slice(2), process.env['COLOUR'], process.execArgv]).result(SOON)
  t.deepEqual(seen, [['one', 'two'], 'green', ['--no-warnings']])
  await executor.shutdown()
})

// From here on: what is a thread pool's alone.

test('options of threads of a wrong type are a TypeError that names them', (t) => {
  areRefused(t, (options) => new ThreadPoolExecutor(options), {
    threadNamePrefix: [5, null, {}],
    resourceLimits: [5, 'x', null, [], { maxOldSpaceSizeMb: 5 }, { stackSizeMb: '4' }],
  })
})

test('argv, env, execArgv and resourceLimits reach the workers', async (t) => {
  const executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    argv: ['one', 'two'],
    env: { COLOUR: 'green' },
    execArgv: ['--no-warnings'],
    resourceLimits: { maxOldGenerationSizeMb: 77 },
  })
  const seen = await executor
    .submit(async () => {
      const { resourceLimits } = await import('node:worker_threads')
      return [process.argv.slice(2), { ...process.env }, process.execArgv, resourceLimits?.maxOldGenerationSizeMb]
    })
    .result(SOON)
  t.deepEqual(seen, [['one', 'two'], { COLOUR: 'green' }, ['--no-warnings'], 77])
  await executor.shutdown()
})

if (process.platform === 'linux') {
  test('threadNamePrefix is in the names of the OS threads, of JavaScript workers and of native ones', async (t) => {
    const executor = new ThreadPoolExecutor({ maxWorkers: 2, threadNamePrefix: 'kiwi' })
    await executor.submit(work.add, 1, 2).result(SOON)
    await executor.submit(native.countPrimes, 10).result(SOON)
    const names = readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim())
    t.true(names.filter((name) => name.startsWith('kiwi')).length >= 2, names.join())
    await executor.shutdown()
  })
}
