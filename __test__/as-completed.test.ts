import ava from 'ava'
import { getEventListeners } from 'node:events'
import { asCompleted } from '../lib/future/as-completed.ts'
import { TimeoutError } from '../lib/errors/errors.ts'
import { Future, createLinkedFuture, storeOutcome } from '../lib/future/future.ts'
import type { TaskLink } from '../lib/future/task-link.ts'
import { setWaitHook } from '../lib/future/wait-hook.ts'

// One at a time: some watch the process's timers, and the wait hook is the thread's.
const test = ava.serial

function pending(count: number): Future<number>[] {
  return Array.from({ length: count }, () => new Future<number>())
}

/** Reads to the end; gives the indexes of the futures, and the error that ended the loop. */
async function read(iterator: AsyncIterable<unknown>, futures: readonly unknown[]): Promise<{ indexes: number[]; error: unknown }> {
  const indexes: number[] = []
  try {
    for await (const future of iterator) indexes.push(futures.indexOf(future))
  } catch (error) {
    return { indexes, error }
  }
  return { indexes, error: undefined }
}

test('it yields the Future objects themselves, in the order in which they are done', async (t) => {
  const futures = pending(3)
  const reading = read(asCompleted(futures), futures)
  futures[1]?.setResult(1)
  futures[2]?.setException(new Error('x'))
  await new Promise(setImmediate)
  futures[0]?.cancel()
  t.deepEqual(await reading, { indexes: [1, 2, 0], error: undefined })
})

test('those that are done already come first, in their order, and duplicates come once', async (t) => {
  const futures = pending(4)
  futures[3]?.setResult(1)
  futures[1]?.setResult(1)
  const reading = read(asCompleted([...futures, ...futures]), futures)
  futures[2]?.setResult(1)
  futures[0]?.setResult(1)
  t.deepEqual((await reading).indexes, [1, 3, 2, 0])
})

test('a task that has settled natively counts as done at the call, and its callbacks are not run by us', async (t) => {
  const link: TaskLink = {
    state: () => 3,
    collect(_slot, future) {
      storeOutcome(future, 0, 'there')
      return true
    },
    cancel: () => false,
    park() {},
    expire() {},
    release() {},
  }
  const settled = createLinkedFuture(link, 1)
  settled.onProgress(() => t.fail())
  const futures = [new Future(), settled]
  const iterator = asCompleted(futures)
  const { value } = await iterator.next()
  t.is(value, settled as never)
  t.is(await (value as Future<string>).result(), 'there')
  await iterator.return?.()
})

test('no future means no turn of the loop', async (t) => {
  t.deepEqual(await read(asCompleted([]), []), { indexes: [], error: undefined })
})

test('when time runs out it throws a TimeoutError that counts the unfinished ones, after those that are done', async (t) => {
  const futures = pending(5)
  for (const index of [4, 0]) futures[index]?.setResult(1)
  const reading = read(asCompleted(futures, { timeout: 30 }), futures)
  futures[2]?.setResult(1)
  const { indexes, error } = await reading
  t.deepEqual(indexes, [0, 4, 2])
  t.true(error instanceof TimeoutError)
  t.is((error as Error).message, '2 (of 5) futures unfinished')
})

test('a time-out of 0 yields what is done and throws at once', async (t) => {
  const futures = pending(2)
  futures[1]?.setResult(1)
  const { indexes, error } = await read(asCompleted(futures, { timeout: 0 }), futures)
  t.deepEqual(indexes, [1])
  t.is((error as Error).message, '1 (of 2) futures unfinished')
  const done = await read(asCompleted([futures[1] as Future<number>], { timeout: 0 }), futures)
  t.deepEqual(done, { indexes: [1], error: undefined })
})

test('the time-out counts from the call, and looks at the live state', async (t) => {
  let isSettled = false
  const link: TaskLink = {
    state: () => (isSettled ? 3 : 1),
    collect(_slot, future) {
      if (isSettled) storeOutcome(future, 0, 1)
      return isSettled
    },
    cancel: () => false,
    park() {},
    expire() {},
    release() {},
  }
  const futures = [createLinkedFuture(link, 1), new Future()]
  const iterator = asCompleted(futures, { timeout: 20 })
  isSettled = true
  const end = performance.now() + 40
  while (performance.now() < end);
  const { indexes, error } = await read(iterator, futures)
  t.deepEqual(indexes, [0])
  t.is((error as Error).message, '1 (of 2) futures unfinished')
})

test('after an error the iterator is at its end', async (t) => {
  const iterator = asCompleted(pending(1), { timeout: 0 })
  await t.throwsAsync(iterator.next(), { instanceOf: TimeoutError })
  t.deepEqual(await iterator.next(), { done: true, value: undefined })
})

test('calls of next() queue up', async (t) => {
  const futures = pending(2)
  const iterator = asCompleted(futures)
  const reads = [iterator.next(), iterator.next(), iterator.next()]
  futures[1]?.setResult(1)
  futures[0]?.setResult(1)
  const [first, second, third] = await Promise.all(reads)
  t.is(first?.value, futures[1] as never)
  t.is(second?.value, futures[0] as never)
  t.true(third?.done)
  const late = asCompleted(pending(1), { timeout: 5 })
  const [failed, ended] = [late.next(), late.next()]
  await t.throwsAsync(failed, { instanceOf: TimeoutError })
  t.true((await ended).done)
})

test('an aborted signal ends the loop with its reason', async (t) => {
  const controller = new AbortController()
  const futures = pending(2)
  futures[0]?.setResult(1)
  const iterator = asCompleted(futures, { signal: controller.signal })
  t.is((await iterator.next()).value, futures[0] as never)
  const waiting = iterator.next()
  controller.abort('enough')
  t.is(await waiting.catch((reason: unknown) => reason), 'enough')
  t.true((await iterator.next()).done)
  t.deepEqual(await read(asCompleted(futures, { signal: controller.signal }), futures), {
    indexes: [],
    error: 'enough',
  })
})

test('leaving the loop leaves no callback, no timer and no listener, and the futures go on', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { signal } = new AbortController()
  const futures = pending(2)
  futures[0]?.setResult(1)
  for await (const future of asCompleted(futures, { timeout: 100_000, signal })) {
    t.is(future, futures[0] as Future<number>)
    t.is(getEventListeners(signal, 'abort').length, 1)
    break
  }
  t.is(getEventListeners(signal, 'abort').length, 0)
  t.is(timers(), before)
  const iterator = asCompleted(futures)
  const reads = [iterator.next(), iterator.next()]
  t.deepEqual(await iterator.return?.('value'), { done: true, value: 'value' })
  t.is((await reads[0])?.value, futures[0] as never)
  t.true((await reads[1])?.done)
  await t.throwsAsync(async () => iterator.throw?.(new Error('x')), { message: 'x' })
  futures[1]?.setResult(2)
  t.is(await futures[1], 2)
})

test('wrong arguments are thrown synchronously', (t) => {
  const call = asCompleted as (...args: unknown[]) => unknown
  for (const value of [undefined, null, 5, {}, new Future(), [5], 'ab']) t.throws(() => call(value), { instanceOf: TypeError })
  t.throws(() => call([], { timeout: -1 }), { instanceOf: RangeError })
  t.throws(() => call([], { timeout: null }), { instanceOf: TypeError })
  t.throws(() => call([], { returnWhen: 'ALL_COMPLETED' }), { instanceOf: TypeError, message: /returnWhen/ })
})

test('the wait hook hears of a reader that waits, and of its end', async (t) => {
  let waiting = 0
  setWaitHook(() => {
    waiting++
    return () => void waiting--
  })
  t.teardown(() => setWaitHook(undefined))
  const futures = pending(3)
  futures[0]?.setResult(1)
  const iterator = asCompleted(futures)
  await iterator.next()
  t.is(waiting, 0)
  const reads = [iterator.next(), iterator.next()]
  t.is(waiting, 1)
  futures[1]?.setResult(1)
  t.is(waiting, 1)
  futures[2]?.setResult(1)
  t.is(waiting, 0)
  await Promise.all(reads)
})
