import ava from 'ava'
import { getEventListeners } from 'node:events'
import { Future, createLinkedFuture, deliver, storeOutcome } from '../lib/future/future.ts'
import type { TaskLink } from '../lib/future/task-link.ts'
import { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from '../lib/future/wait.ts'
import { setWaitHook } from '../lib/future/wait-hook.ts'

// One at a time: some watch the process's timers, and the wait hook is the thread's.
const test = ava.serial

const brand = Symbol.for('concurrent-futures.Future')

/** A pending future as another copy of the package would make it; `callbacks` is what was left on it. */
function foreignFuture(): { callbacks: unknown[]; settle(): void } {
  let isDone = false
  const callbacks: ((future: unknown) => void)[] = []
  const protocol = {
    outcome: () => (isDone ? 'value' : undefined),
    add: (_: unknown, fn: (future: unknown) => void) => callbacks.push(fn),
    remove: (_: unknown, fn: (future: unknown) => void) => callbacks.splice(callbacks.indexOf(fn), callbacks.includes(fn) ? 1 : 0),
  }
  const future = {
    callbacks,
    settle() {
      isDone = true
      for (const fn of callbacks.splice(0)) fn(future)
    },
    [brand]: protocol,
  }
  return future
}

test('the constants are those of CPython', (t) => {
  t.deepEqual([FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED], ['FIRST_COMPLETED', 'FIRST_EXCEPTION', 'ALL_COMPLETED'])
})

test('wait returns when all futures are done, by default', async (t) => {
  const futures = [new Future<number>(), new Future<number>(), new Future<number>()] as const
  let isOver = false
  const waiting = wait(futures).then((result) => {
    isOver = true
    return result
  })
  futures[2].setResult(1)
  futures[0].setException(new Error('x'))
  await new Promise(setImmediate)
  t.false(isOver)
  futures[1].cancel()
  const { done, notDone } = await waiting
  t.deepEqual(
    [...done].map((future) => futures.indexOf(future)),
    [0, 1, 2],
  )
  t.is(notDone.size, 0)
})

test('FIRST_COMPLETED returns with the first that is done', async (t) => {
  const first = new Future()
  const second = new Future()
  const waiting = wait([first, second], { returnWhen: FIRST_COMPLETED })
  second.cancel()
  const { done, notDone } = await waiting
  t.true(done.has(second) && done.size === 1)
  t.true(notDone.has(first) && notDone.size === 1)
  const again = await wait([first, second], { returnWhen: FIRST_COMPLETED })
  t.is(again.done.size, 1)
})

test('FIRST_EXCEPTION returns with the first failure, which a cancelled future is not', async (t) => {
  const [a, b, c, d] = [new Future(), new Future(), new Future(), new Future()]
  a.cancel()
  const waiting = wait([a, b, c, d], { returnWhen: FIRST_EXCEPTION })
  b.cancel()
  c.setResult(1)
  let isOver = false
  void waiting.then(() => (isOver = true))
  await new Promise(setImmediate)
  t.false(isOver)
  d.setException(new Error('x'))
  t.is((await waiting).done.size, 4)
  const pending = new Future()
  t.is((await wait([pending, d], { returnWhen: FIRST_EXCEPTION })).notDone.size, 1)
  const rest = wait([pending, a], { returnWhen: FIRST_EXCEPTION })
  pending.setResult(1)
  t.is((await rest).done.size, 2)
})

test('a time-out returns what is done by then, and rejects nothing', async (t) => {
  const [a, b] = [new Future(), new Future()]
  a.setResult(1)
  const { done, notDone } = await wait([a, b], { timeout: 5 })
  t.deepEqual([done.has(a), notDone.has(b)], [true, true])
  const atOnce = await wait([a, b], { timeout: 0 })
  t.deepEqual([atOnce.done.size, atOnce.notDone.size], [1, 1])
})

test('the live state counts, at the call and when time runs out', async (t) => {
  let isSettled = false
  const link: TaskLink = {
    state: () => (isSettled ? 3 : 1),
    collect(_slot, future) {
      if (isSettled) storeOutcome(future, 1, new Error('x'))
      return isSettled
    },
    cancel: () => false,
    park() {},
    expire() {},
    release() {},
  }
  const settled = createLinkedFuture(link, 1)
  let calls = 0
  settled.addDoneCallback(() => calls++)
  const waiting = wait([settled, new Future()], { timeout: 5 })
  isSettled = true
  t.true((await waiting).done.has(settled))
  t.is(calls, 0)
  const next = createLinkedFuture(link, 2)
  t.true((await wait([next, new Future()], { returnWhen: FIRST_EXCEPTION })).done.has(next))
  deliver(settled)
  t.is(calls, 1)
})

test('duplicates count once, and nothing to wait for is done', async (t) => {
  const future = new Future()
  const waiting = wait([future, future, future])
  future.setResult(1)
  t.is((await waiting).done.size, 1)
  for (const returnWhen of [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED] as const) {
    const { done, notDone } = await wait([], { returnWhen })
    t.is(done.size + notDone.size, 0)
  }
})

test('any iterable will do, and it is read once, at the call', async (t) => {
  const future = new Future()
  let reads = 0
  function* futures() {
    reads++
    yield future
  }
  const waiting = wait(futures())
  t.is(reads, 1)
  future.setResult(1)
  t.is((await waiting).done.size, 1)
  t.is((await wait(new Set([future]))).done.size, 1)
})

test('wrong arguments are thrown synchronously', (t) => {
  const future = new Future()
  const call = wait as (...args: unknown[]) => unknown
  for (const value of [undefined, null, 5, {}, future, 'ab', [future, 5], [Promise.resolve()], [null]]) {
    t.throws(() => call(value), { instanceOf: TypeError })
  }
  t.throws(() => call([future], { timeout: -1 }), { instanceOf: RangeError })
  t.throws(() => call([future], { timeout: '1' }), { instanceOf: TypeError })
  t.throws(() => call([future], { returnWhen: 'SOMETIMES' }), { instanceOf: TypeError })
  t.throws(() => call([future], { returnWhen: null }), { instanceOf: TypeError })
  t.throws(() => call([future], { signal: 5 }), { instanceOf: TypeError })
  t.throws(() => call([future], { timeuot: 1 }), { instanceOf: TypeError, message: /timeuot/ })
  t.throws(() => call([future], 5), { instanceOf: TypeError })
})

test('an aborted signal ends the wait with its reason', async (t) => {
  const controller = new AbortController()
  const foreign = foreignFuture()
  const waiting = wait([foreign as unknown as Future<number>], {
    signal: controller.signal,
    timeout: 100_000,
  })
  controller.abort('enough')
  t.is(await waiting.catch((reason: unknown) => reason), 'enough')
  t.is(await wait([], { signal: controller.signal }).catch((reason: unknown) => reason), 'enough')
  t.is(foreign.callbacks.length, 0)
})

test('a wait that is over leaves no callback, no timer and no listener', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { signal } = new AbortController()
  const foreign = foreignFuture()
  const future = new Future()
  const waiting = wait([foreign as unknown as Future<unknown>, future], {
    signal,
    timeout: 100_000,
    returnWhen: FIRST_COMPLETED,
  })
  t.is(foreign.callbacks.length, 1)
  future.setResult(1)
  await waiting
  t.is(foreign.callbacks.length, 0)
  t.is(getEventListeners(signal, 'abort').length, 0)
  t.is(timers(), before)
})

test('futures of another copy of the package mix with ours', async (t) => {
  const copy = (await import('../lib/future/future.ts?copy' as string)) as { Future: typeof Future }
  t.not(copy.Future, Future)
  const theirs = new copy.Future<number>()
  const ours = new Future<number>()
  const waiting = wait([theirs, ours])
  theirs.setException(new Error('x'))
  ours.setResult(1)
  t.is((await waiting).done.size, 2)
})

test('a callback that ends the wait of a later callback does no harm', async (t) => {
  const [a, b] = [new Future(), new Future()]
  a.addDoneCallback(() => b.setResult(1))
  const waiting = wait([a, b], { returnWhen: FIRST_COMPLETED })
  a.setResult(1)
  t.is((await waiting).done.size, 2)
})

test('the wait hook hears of one wait and of its end', async (t) => {
  let waiting = 0
  setWaitHook(() => {
    waiting++
    return () => void waiting--
  })
  t.teardown(() => setWaitHook(undefined))
  const future = new Future()
  const over = wait([future, new Future()], { returnWhen: FIRST_COMPLETED })
  t.is(waiting, 1)
  future.setResult(1)
  t.is(waiting, 0)
  await over
})
