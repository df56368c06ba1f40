// What the package does, in steps that any runtime can be asked for: one a process, because some runtimes
// die of some. A step throws if it is not as promised under Node.js.
import { strict as assert } from 'node:assert'
import * as library from 'concurrent-futures'

const { moduleTasks, native, ThreadPoolExecutor, ProcessPoolExecutor, wait } = library
const LIMIT = 20_000

const work = moduleTasks(new URL('./work.mjs', import.meta.url))
const pool = () => new ThreadPoolExecutor(1)
/** Deno's children have no permissions but those that their own flags give. */
const children = () => new ProcessPoolExecutor({ maxWorkers: 1, execArgv: 'Deno' in globalThis ? ['-A'] : [] })
const equal = async (future, expected) => assert.deepEqual(await future.result(LIMIT), expected)

/** The code of its error; afterwards the pool has to do another task. */
async function failsWith(executor, future, code) {
  const error = await future.exception(LIMIT).catch((error) => error)
  assert.equal(error.code, code, error.stack)
  await equal(executor.submit(work.double, 21), 42)
}

async function isCancelledRunning(executor, future) {
  while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(future.cancel({ interrupt: true }), true)
  await failsWith(executor, future, 'ERR_FUTURE_CANCELLED')
}

const cyclic = () => {
  const value = { date: new Date(7), map: new Map([[1, new Set([2])]]), big: 7n }
  value.self = value
  return value
}

export const steps = {
  'a function of a module': () => equal(pool().submit(work.double, 21), 42),
  'a function sent as source': () =>
    equal(
      pool().submit((a, b) => a * b, 6, 7),
      42,
    ),
  'an async function': () => equal(pool().submit(work.later, 21), 42),
  'a native task': () => equal(pool().submit(native.countPrimes, 100), 25),
  async map() {
    const values = []
    for await (const value of pool().map(work.double, [1, 2, 3])) values.push(value)
    assert.deepEqual(values, [2, 4, 6])
  },
  async wait() {
    const executor = pool()
    const { done, notDone } = await wait(
      [1, 2].map((n) => executor.submit(work.double, n)),
      { timeout: LIMIT },
    )
    assert.deepEqual([done.size, notDone.size], [2, 0])
  },
  resultSync: () => assert.equal(pool().submit(work.double, 21).resultSync(LIMIT), 42),
  async 'an error'() {
    const error = await pool().submit(work.fail).exception(LIMIT)
    assert.ok(error instanceof RangeError)
    assert.deepEqual([error.message, error.cause], ['as it should', 7])
  },
  'numbers, strings, bytes, JSON-safe objects': async () => {
    const executor = pool()
    for (const value of [1.5, 'text', new Uint8Array([1, 2]), { list: [1, { a: null }] }]) {
      await equal(executor.submit(work.same, value), value)
    }
  },
  'dates, maps, sets, cycles': () => equal(pool().submit(work.same, cyclic()), cyclic()),
  async transfer() {
    const bytes = new Uint8Array([7, 8])
    await equal(
      pool()
        .with({ transfer: [bytes.buffer] })
        .submit(work.first, bytes),
      7,
    )
    assert.equal(bytes.length, 0)
  },
  async 'shared memory'() {
    const numbers = new Int32Array(new SharedArrayBuffer(4))
    await equal(pool().submit(work.increment, numbers), 0)
    assert.equal(numbers[0], 1)
  },
  'cancel, of a task that waits': async () => {
    const executor = pool()
    const [first, second] = [executor.submit(work.double, 1), executor.submit(work.double, 2)]
    assert.equal(second.cancel(), true)
    await equal(first, 2)
  },
  'timeout, of a loop': () => {
    const executor = pool()
    return failsWith(executor, executor.with({ timeout: 200 }).submit(work.spin), 'ERR_FUTURE_TIMEOUT')
  },
  'cancel, of a loop': () => {
    const executor = pool()
    return isCancelledRunning(executor, executor.submit(work.spin))
  },
  'timeout, of a task that awaits for ever': () => {
    const executor = pool()
    return failsWith(executor, executor.with({ timeout: 200 }).submit(work.never), 'ERR_FUTURE_TIMEOUT')
  },
  'timeout, of a native task': () => {
    const executor = pool()
    return failsWith(
      executor,
      executor.with({ timeout: 100 }).submit(native.argon2id, 'password', { timeCost: 32, memoryCost: 2 ** 17 }),
      'ERR_FUTURE_TIMEOUT',
    )
  },
  'a task that calls process.exit()': () => {
    const executor = pool()
    return failsWith(executor, executor.submit(work.leave), 'ERR_FUTURE_WORKER_LOST')
  },
  async shutdown() {
    const executor = pool()
    const future = executor.submit(work.later, 21)
    await executor.shutdown()
    assert.equal(future.done(), true)
    assert.throws(() => executor.submit(work.double, 1), { code: 'ERR_FUTURE_INVALID_STATE' })
  },
  'a task in a child process': () => equal(children().submit(work.double, 21), 42),
  'timeout, of a loop in a child': () => {
    const executor = children()
    return failsWith(executor, executor.with({ timeout: 200 }).submit(work.spin), 'ERR_FUTURE_TIMEOUT')
  },
  'a task that kills its child': () => {
    const executor = children()
    return failsWith(executor, executor.submit(work.crash), 'ERR_FUTURE_WORKER_LOST')
  },
}

const name = process.argv[2]
if (name === undefined) console.log(JSON.stringify(Object.keys(steps)))
else {
  try {
    await steps[name]()
    console.log('works')
  } catch (error) {
    console.log(`error: ${error.name}: ${error.message.split('\n')[0]}`)
  }
}
