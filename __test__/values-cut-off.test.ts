/**
 * Values after one whose way was cut off: by a stop, by code of the user's, for want of stack, or because it
 * cannot be read.
 */
import ava from 'ava'
import { moduleTasks } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { SOON } from './limits.ts'

const behaviour = behaviours(ava.serial)
const withPorts = behaviours(ava.serial, ['pool', 'ports'])

const url = new URL('./fixtures/cut-off.mjs', import.meta.url)
const tasks = moduleTasks<typeof import('./fixtures/cut-off.mjs')>(url)

const pause = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Taken apart, on its way. */
const large = (key: string): unknown => ({
  first: key,
  list: Array.from({ length: 400 }, (_, index) => ({ [key + (index % 30)]: `value ${index}`, index })),
})

behaviour('a list of texts that is too long to be written as plain leaves nothing in the next value', async (t, { create }) => {
  await using executor = create(1)
  const rows = Array.from({ length: 40 }, (_, id) => ({ id }))
  const long = (character: string): string => character.repeat(2_000_000)
  const lengths = (value: { list: string[] }): number[] => value.list.map((text) => text.length)
  const given = { list: ['x', 'y', 'z'].map(long), rows }
  t.deepEqual(await executor.submit(lengths, given).result(SOON), [2_000_000, 2_000_000, 2_000_000])
  for (const list of [['first', 'second'], ['third']]) {
    t.deepEqual(await executor.submit((value: { list: string[] }) => value.list, { list, rows }).result(SOON), list)
  }
})

behaviour('a task that is stopped while its arguments are put together harms none of the next ones', async (t, { create }) => {
  await using executor = create(1)
  const expected = JSON.stringify(large('good'))
  for (let round = 0; round < 400; round++) {
    const stopped = executor.submit(tasks.echoText, large('stale'))
    while (stopped.state === 'pending');
    pause(Math.random() * 0.25)
    stopped.cancel({ interrupt: true })
    const text = await executor.submit(tasks.echoText, large('good')).result(SOON)
    if (text !== expected) t.fail(`round ${round}: ${text.slice(0, 200)}`)
  }
  t.pass()
})

behaviour('a task whose time is over while its result is taken apart harms none of the next ones', async (t, { create }) => {
  await using executor = create(1)
  const expected = JSON.stringify(await executor.submit(tasks.makeLarge, 0).result(SOON))
  for (let round = 0; round < 100; round++) {
    await executor
      .with({ timeout: 10 })
      .submit(tasks.makeLarge, 7.5 + Math.random() * 2.5)
      .exception(SOON)
    const text = JSON.stringify(await executor.submit(tasks.makeLarge, 0).result(SOON))
    if (text !== expected) t.fail(`round ${round}: ${text.slice(0, 200)}`)
  }
  t.pass()
})

withPorts('a stop in the code of the package leaves nothing of it switched over', async (t, { create }) => {
  await using executor = create(1)
  const limit = await executor.submit(tasks.stackTraceLimit).result(SOON)
  const threadId = (await executor.dump())[0]?.threadId
  for (let round = 0; round < 30; round++) {
    const stopped = executor.submit(tasks.transferForEver)
    while (stopped.state === 'pending');
    pause(2 + Math.random())
    stopped.cancel({ interrupt: true })
    t.is(await executor.submit(tasks.stackTraceLimit).result(SOON), limit)
  }
  for (let round = 0; round < 20; round++) {
    await executor
      .with({ timeout: 60 + 25 * round })
      .submit(tasks.throwLarge)
      .exception(SOON)
    t.is((await executor.submit(tasks.makeBlob).result(SOON)).size, 5)
  }
  t.deepEqual(
    (await executor.dump()).map((worker) => worker.threadId),
    [threadId],
  )
})

const names = (): string[] => Array.from({ length: 40 }, (_, index) => `s${index}`)

/** An array too long to be searched for accessors. */
function withGetter(get: (this: string[]) => string): string[] {
  return Object.defineProperty(names(), 10, { enumerable: true, configurable: true, get })
}

behaviour('an element with a getter may do what it likes', async (t, { create }) => {
  await using executor = create(1)
  const expected = JSON.stringify(large('good'))
  const next = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) t.is(await executor.submit(tasks.echoText, large('good')).result(SOON), expected)
  }
  const around = (list: string[]): unknown => ({
    numbers: [1, 2, 3],
    inner: { c: 1 },
    list,
    after: { z: 'zz' },
    letters: ['m', 'n'],
  })
  const throws = withGetter(() => {
    throw new Error('mine')
  })
  t.throws(() => executor.submit(tasks.echoText, around(throws)), { message: /mine/ })
  await next()
  let nested: { result(ms: number): Promise<string> } | undefined
  const submits = withGetter(() => {
    nested ??= executor.submit(tasks.echoText, large('good'))
    return 's10'
  })
  const whole = JSON.stringify(around(names()))
  t.is(await executor.submit(tasks.echoText, around(submits)).result(SOON), whole)
  t.is(await nested?.result(SOON), expected)
  await next()
  const grows = withGetter(function () {
    this.push('more')
    return 's10'
  })
  const { numbers, after, letters } = JSON.parse(await executor.submit(tasks.echoText, around(grows)).result(SOON)) as Record<
    string,
    unknown
  >
  t.deepEqual([numbers, after, letters], [[1, 2, 3], { z: 'zz' }, ['m', 'n']])
  await next()
})

behaviour('a value for which there is not enough stack harms none of the next ones', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    const same = (value: unknown): unknown => value
    const nest = (n: number): unknown => (n > 0 ? { [`d${n}`]: nest(n - 1), [`t${n}`]: `text${n}` } : { end: 1 })
    const plain = (): unknown => ({
      first: 'f',
      list: Array.from({ length: 50 }, (_, index) => ({ k: `v${index}`, index })),
      deep: nest(50),
    })
    const expected = JSON.stringify(plain())
    type Down = (depth: number, fn: () => unknown, down: Down) => unknown
    const down = new Function('depth', 'fn', 'down', 'return depth === 0 ? fn() : down(depth - 1, fn, down)') as Down
    const holds = (depth: number): boolean => {
      try {
        return down(depth, () => true, down) as boolean
      } catch {
        return false
      }
    }
    const deepest = (): number => {
      let [low, high] = [1_000, 16_000]
      while (low < high - 1) {
        const middle = (low + high) >> 1
        if (holds(middle)) low = middle
        else high = middle
      }
      return low
    }
    for (let n = 0; n < 30; n++) deepest()
    let wrong = 0
    const low = deepest()
    for (let less = 0; less < 400; less++) {
      try {
        void (down(low - less, () => executor.submit(same, plain()), down) as PromiseLike<unknown>).then(undefined, () => {})
      } catch {
        // There was not enough.
      }
      if (JSON.stringify(await executor.submit(same, plain()).result(20_000)) !== expected) wrong++
      const future = executor.submit(same, plain())
      while (!future.done());
      try {
        down(low - less, () => (future as { resultSync(): unknown }).resultSync(), down)
      } catch {
        // The same.
      }
      // It settles, if not with a result.
      await future.exception(20_000)
    }
    await executor.shutdown()
    return wrong
  }, [])
  t.deepEqual(cleanEnd(end), ended(0))
})

behaviour('progress that cannot be read is left out, with a warning, and costs nobody a result', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const { reportUnreadable, echoText } = moduleTasks<typeof import('./fixtures/cut-off.mjs')>(url)
      const executor = create(1)
      await executor.submit(echoText, 1)
      const seen: unknown[] = []
      const future = executor.submit(reportUnreadable)
      future.onProgress((value) => seen.push(value instanceof Error ? 'circle' : value))
      const others = [1, 2, 3].map((n) => executor.submit(echoText, n))
      // All of it is delivered together.
      while (!others.every((other) => other.done()));
      const results: unknown[] = await Promise.all([future, ...others].map((one) => one.result(20_000)))
      const collected = executor.submit(reportUnreadable)
      results.push(collected.resultSync(20_000), await collected.result(20_000))
      await executor.shutdown()
      return [results, seen.at(-1), seen.length <= 2]
    },
    [url.href],
  )
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended([['done', '1', '2', '3', 'done', 'done'], 'readable', true]), end.errors)
})
