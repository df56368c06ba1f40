const { ThreadPoolExecutor, TimeoutError } = require('concurrent-futures')
const { all } = require('./all.cjs')
const { double } = require('./tasks.cjs')

test('everything works', async () => {
  const lines = []
  await all(double, (...words) => lines.push(words.join(' ')))
  expect(lines).toEqual(['module 42', 'inline 42', 'native 25', 'endless ERR_FUTURE_TIMEOUT', 'process 42'])
}, 60_000)

test('errors and values are of the classes that the test knows', async () => {
  const executor = new ThreadPoolExecutor(1)
  const waits = executor.with({ timeout: 100 }).submit(() => new Promise(() => {}))
  expect(await waits.exception()).toBeInstanceOf(TimeoutError)
  const fails = executor.submit(() => {
    throw new RangeError('as it should')
  })
  expect(await fails.exception()).toBeInstanceOf(RangeError)
  expect(await executor.submit(() => new Map([[1, 2]])).result()).toBeInstanceOf(Map)
  await executor.shutdown()
}, 60_000)
