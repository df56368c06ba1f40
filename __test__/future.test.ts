import ava from 'ava'
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners, once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { CancelledError, InvalidStateError, TimeoutError } from '../lib/errors/errors.ts'
import {
  Future,
  createLinkedFuture,
  deliver,
  deliverProgress,
  isDelivered,
  removeDoneCallback,
  storeOutcome,
} from '../lib/future/future.ts'
import { STATE_CANCELLED, STATE_FINISHED, STATE_PENDING, STATE_RUNNING } from '../lib/addon/seam.ts'
import type { TaskLink } from '../lib/future/task-link.ts'
import { setWaitHook } from '../lib/future/wait-hook.ts'

// One at a time: some watch the process's warnings and timers.
const test = ava.serial

/**
 * A native task that lives in JavaScript: it settles when told, and reaches the future when the future or the
 * test collects it.
 */
class FakeTask implements TaskLink {
  native: number = STATE_PENDING
  outcome: [kind: 0 | 1 | 2, value: unknown] | undefined
  progress: unknown[] = []
  parks = 0
  onPark: (() => void) | undefined
  readonly future: Future<any> = createLinkedFuture(this, 7)

  settle(kind: 0 | 1 | 2, value: unknown): void {
    this.outcome = [kind, value]
    this.native = kind === 2 ? STATE_CANCELLED : STATE_FINISHED
  }

  state(slot: number): number {
    if (slot !== 7) throw new Error('wrong slot')
    return this.native
  }

  collect(_slot: number, future: Future<any>): boolean {
    for (const value of this.progress.splice(0)) deliverProgress(future, value)
    if (this.outcome === undefined) return false
    storeOutcome(future, ...this.outcome)
    return true
  }

  cancel(_slot: number, future: Future<any>, interrupt: boolean, reason: unknown): boolean {
    if (this.native === STATE_CANCELLED) return true
    if (this.native === STATE_FINISHED || (this.native === STATE_RUNNING && !interrupt)) return false
    this.settle(2, reason)
    storeOutcome(future, 2, reason)
    return true
  }

  release(): void {}

  expire(): void {}
  park(): void {
    this.parks++
    this.onPark?.()
  }

  /** What the pool does in a turn of its own. */
  ring(): void {
    if (this.collect(7, this.future)) deliver(this.future)
  }
}

test('a new future is pending', (t) => {
  const future = new Future()
  t.is(future.state, 'pending')
  t.false(future.done())
  t.false(future.running())
  t.false(future.cancelled())
})

test('setRunningOrNotifyCancel makes a pending future running, and says false for a cancelled one', (t) => {
  const future = new Future()
  t.true(future.setRunningOrNotifyCancel())
  t.true(future.running())
  t.throws(() => future.setRunningOrNotifyCancel(), { instanceOf: InvalidStateError })
  const cancelled = new Future()
  cancelled.cancel()
  t.false(cancelled.setRunningOrNotifyCancel())
  t.false(cancelled.setRunningOrNotifyCancel())
  future.setResult(1)
  t.throws(() => future.setRunningOrNotifyCancel(), { instanceOf: InvalidStateError })
})

test('setResult finishes a pending or running future, once', async (t) => {
  const future = new Future<number>()
  future.setResult(1)
  t.is(future.state, 'finished')
  t.is(await future.result(), 1)
  t.is(future.resultSync(), 1)
  t.is(await future.exception(), null)
  t.is(future.exceptionSync(), null)
  t.throws(() => future.setResult(2), { instanceOf: InvalidStateError })
  t.throws(() => future.setException(2), { instanceOf: InvalidStateError })
  t.is(await future, 1)
})

test('setException takes any value', async (t) => {
  for (const thrown of [new TypeError('x'), 'text', null, undefined, 0]) {
    const future = new Future()
    future.setException(thrown)
    t.is(await future.exception(), thrown)
    t.is(future.exceptionSync(), thrown)
    t.is(
      await future.result().then(
        () => 'resolved',
        (error: unknown) => error,
      ),
      thrown,
    )
    t.deepEqual(
      await future.result(50).then(
        () => 'resolved',
        (error: unknown) => [error],
      ),
      [thrown],
    )
    let caught: unknown = 'nothing'
    try {
      future.resultSync()
    } catch (error) {
      caught = error
    }
    t.is(caught, thrown)
  }
})

test('a failed future that nobody asks raises no unhandledRejection', async (t) => {
  const rejections: unknown[] = []
  const listener = (error: unknown): void => void rejections.push(error)
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  new Future().setException(new Error('nobody asks'))
  const task = new FakeTask()
  task.future.addDoneCallback(() => {})
  task.settle(1, new Error('nobody asks'))
  task.ring()
  await nextTurn()
  await nextTurn()
  t.deepEqual(rejections, [])
})

test('all who wait get the outcome, whenever and however they asked', async (t) => {
  const task = new FakeTask()
  const { future } = task
  const waits = [future.result(), future.result(), future.result(60_000), future.then((value: number) => value), future.finally(() => {})]
  const errors = [future.exception(), future.exception({ timeout: 60_000 })]
  task.settle(0, 5)
  task.ring()
  t.deepEqual(await Promise.all(waits), [5, 5, 5, 5, 5])
  t.deepEqual(await Promise.all(errors), [null, null])
  t.is(await future, 5)
  t.is(await future.catch(() => 0), 5)
})

test('result(0) of an unfinished future rejects on the next microtask', async (t) => {
  const order: string[] = []
  const future = new Future()
  setImmediate(() => order.push('turn'))
  const wait = future.result(0).catch((error: unknown) => {
    order.push('rejected')
    return error
  })
  order.push('sync')
  t.true((await wait) instanceof TimeoutError)
  await nextTurn()
  t.deepEqual(order, ['sync', 'rejected', 'turn'])
})

test('result(0) takes a result that is there natively but was not delivered, and runs no callbacks', async (t) => {
  const task = new FakeTask()
  let calls = 0
  task.future.addDoneCallback(() => calls++)
  task.settle(0, 'there')
  const wait = task.future.result(0)
  t.is(calls, 0)
  t.is(await wait, 'there')
  t.false(isDelivered(task.future))
  task.ring()
  t.is(calls, 1)
})

test('a wait that runs out of time rejects with TimeoutError, and a later one can still succeed', async (t) => {
  const future = new Future<number>()
  const error = await t.throwsAsync(future.result(5), { instanceOf: TimeoutError })
  t.is((error as TimeoutError).code, 'ERR_FUTURE_TIMEOUT')
  await t.throwsAsync(future.exception({ timeout: 5 }), { instanceOf: TimeoutError })
  t.is(future.state, 'pending')
  future.setResult(3)
  t.is(await future.result(5), 3)
})

test('a result that is there when time runs out wins, also when the event loop was blocked, and earlier callbacks run first', async (t) => {
  const task = new FakeTask()
  const order: string[] = []
  task.future.addDoneCallback(() => order.push('callback'))
  const wait = task.future.result(5).then(() => order.push('result'))
  task.settle(0, 1)
  const end = performance.now() + 30
  while (performance.now() < end);
  await wait
  t.deepEqual(order, ['callback', 'result'])
})

test('time-outs above 2^31-1 do not fire early', async (t) => {
  const warnings: unknown[] = []
  const listener = (warning: unknown): void => void warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const future = new Future<string>()
  const wait = future.result(2 ** 31 + 5)
  const other = future.result(1e300)
  await new Promise((resolve) => setTimeout(resolve, 20))
  future.setResult('late')
  t.is(await wait, 'late')
  t.is(await other, 'late')
  t.deepEqual(warnings, [])
})

test('no timer and no listener is left behind by a wait that is over', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { signal } = new AbortController()
  const future = new Future<number>()
  const wait = future.result({ timeout: 100_000, signal })
  const shorter = future.result({ timeout: 1, signal })
  t.is(getEventListeners(signal, 'abort').length, 1)
  await t.throwsAsync(shorter, { instanceOf: TimeoutError })
  t.is(getEventListeners(signal, 'abort').length, 1)
  future.setResult(1)
  await wait
  t.is(getEventListeners(signal, 'abort').length, 0)
  t.is(timers(), before)
})

test('an aborted signal ends the wait with its reason; the future goes on', async (t) => {
  const controller = new AbortController()
  const future = new Future<number>()
  const wait = future.result({ signal: controller.signal, timeout: 100_000 })
  const other = future.exception({ signal: controller.signal })
  controller.abort('enough')
  t.is(await wait.catch((reason: unknown) => reason), 'enough')
  t.is(await other.catch((reason: unknown) => reason), 'enough')
  t.is(getEventListeners(controller.signal, 'abort').length, 0)
  future.setResult(1)
  t.is(await future, 1)
})

test('a signal that has already aborted wins over a result that is there', async (t) => {
  const future = new Future<number>()
  future.setResult(1)
  t.is(await future.result({ signal: AbortSignal.abort('no') }).catch((reason: unknown) => reason), 'no')
})

test('wrong limits are thrown synchronously', (t) => {
  const future = new Future() as any
  for (const method of ['result', 'exception', 'resultSync', 'exceptionSync']) {
    for (const value of [-1, NaN]) t.throws(() => future[method](value), { instanceOf: RangeError }, method)
    for (const value of ['1', 1n, null]) t.throws(() => future[method](value), { instanceOf: TypeError }, method)
  }
  for (const method of ['result', 'exception']) {
    t.throws(() => future[method]({ timeuot: 1 }), { instanceOf: TypeError, message: /timeuot/ })
    t.throws(() => future[method]({ timeout: -1 }), { instanceOf: RangeError })
    t.throws(() => future[method]({ timeout: '1' }), { instanceOf: TypeError })
    t.throws(() => future[method]({ signal: {} }), { instanceOf: TypeError })
  }
  for (const method of ['addDoneCallback', 'onProgress']) t.throws(() => future[method](5), { instanceOf: TypeError })
})

test('the live state of a task is read, so that a busy loop ends', (t) => {
  const task = new FakeTask()
  let reads = 0
  task.state = () => {
    if (++reads === 5) task.settle(0, 1)
    return task.native
  }
  while (!task.future.done());
  t.is(reads, 5)
  t.is(task.future.state, 'finished')
  t.false(isDelivered(task.future))
  const cancelled = new FakeTask()
  cancelled.settle(2, undefined)
  t.true(cancelled.future.cancelled())
  const running = new FakeTask()
  running.native = STATE_RUNNING
  t.true(running.future.running())
})

test('callbacks run once each, in order, with the future; also those added to a done one', (t) => {
  const future = new Future()
  const calls: unknown[] = []
  const note = (name: string) => (argument: unknown) => void calls.push(name, argument === future)
  future.addDoneCallback(note('a'))
  future.addDoneCallback(note('b'))
  future.setResult(1)
  future.addDoneCallback(note('c'))
  t.deepEqual(calls, ['a', true, 'b', true, 'c', true])
})

test('a callback added to a future that has settled but was not delivered runs after the earlier ones, at once', (t) => {
  const task = new FakeTask()
  const calls: string[] = []
  task.future.onProgress((value) => calls.push(`progress ${value}`))
  task.future.addDoneCallback(() => calls.push('first'))
  task.progress.push(1, 2)
  task.settle(0, 1)
  task.future.addDoneCallback(() => calls.push('second'))
  t.deepEqual(calls, ['progress 1', 'progress 2', 'first', 'second'])
  task.ring()
  deliver(task.future)
  t.is(calls.length, 4)
})

test('a callback that throws is reported as a warning, and does not stop the others', async (t) => {
  const future = new Future()
  const calls: string[] = []
  const boom = new Error('boom in a callback')
  future.addDoneCallback(() => {
    throw boom
  })
  future.addDoneCallback(() => calls.push('second'))
  const warned = once(process, 'warning')
  future.setResult(1)
  t.deepEqual(calls, ['second'])
  t.deepEqual(await warned, [boom])
  const warnedAgain = once(process, 'warning')
  future.addDoneCallback(() => {
    throw 'no error'
  })
  const [warning] = (await warnedAgain) as [Error]
  t.regex(warning.message, /no error/)
})

test('a callback runs in the async context of whoever added it', (t) => {
  const storage = new AsyncLocalStorage<string>()
  const future = new Future()
  const seen: unknown[] = []
  storage.run('adder', () => future.addDoneCallback(() => seen.push(storage.getStore())))
  storage.run('setter', () => future.setResult(1))
  storage.run('late', () => future.addDoneCallback(() => seen.push(storage.getStore())))
  t.deepEqual(seen, ['adder', 'late'])
})

test('a callback that was removed does not run', (t) => {
  const future = new Future()
  const fn = (): void => t.fail()
  future.addDoneCallback(fn)
  removeDoneCallback(future, fn)
  removeDoneCallback(future, fn)
  future.setResult(1)
  t.pass()
})

test('cancel of a pending future succeeds, runs callbacks at once, and can be repeated', async (t) => {
  for (const future of [new Future(), new FakeTask().future]) {
    let calls = 0
    future.addDoneCallback(() => calls++)
    const wait = future.result()
    t.true(future.cancel())
    t.is(calls, 1)
    t.true(future.cancel())
    t.is(future.state, 'cancelled')
    t.true(future.done())
    const error = await t.throwsAsync(wait, { instanceOf: CancelledError })
    t.false('cause' in error)
    await t.throwsAsync(future.exception(), { instanceOf: CancelledError })
    await t.throwsAsync(future.exception(50), { instanceOf: CancelledError })
    t.throws(() => future.resultSync(), { instanceOf: CancelledError })
    t.throws(() => future.exceptionSync(), { instanceOf: CancelledError })
    t.is(calls, 1)
  }
})

test('the reason of a cancel is the cause of the error', async (t) => {
  for (const reason of ['why', null, 0, new Error('x')]) {
    const future = new Future()
    t.true(future.cancel({ reason }))
    const error = await t.throwsAsync(future.result(), { instanceOf: CancelledError })
    t.true('cause' in error)
    t.is(error.cause, reason)
  }
})

test('cancel of a running or finished future is false and changes nothing, unless a running one is interrupted', async (t) => {
  const hand = new Future<number>()
  hand.setRunningOrNotifyCancel()
  const task = new FakeTask()
  task.native = STATE_RUNNING
  for (const future of [hand, task.future]) {
    t.false(future.cancel())
    t.false(future.cancel({ interrupt: false, reason: 'x' }))
    t.true(future.running())
    t.true(future.cancel({ interrupt: true }))
    t.is(future.state, 'cancelled')
    t.throws(() => future.setResult(1), { instanceOf: InvalidStateError })
  }
  const finished = new Future<number>()
  finished.setResult(1)
  t.false(finished.cancel({ interrupt: true }))
  t.is(await finished, 1)
  const settled = new FakeTask()
  settled.settle(0, 2)
  t.false(settled.future.cancel({ interrupt: true }))
  t.is(settled.future.resultSync(), 2)
})

test('cancel checks its options', (t) => {
  const future = new Future() as any
  t.throws(() => future.cancel({ interupt: true }), { instanceOf: TypeError, message: /interupt/ })
  t.throws(() => future.cancel({ interrupt: 1 }), { instanceOf: TypeError })
  t.throws(() => future.cancel(true), { instanceOf: TypeError })
  t.is(future.state, 'pending')
})

test("an executor's future cannot be set by hand", (t) => {
  const task = new FakeTask()
  const set = (): void => {
    t.throws(() => task.future.setResult(1), { instanceOf: InvalidStateError })
    t.throws(() => task.future.setException(1), { instanceOf: InvalidStateError })
    t.throws(() => task.future.setRunningOrNotifyCancel(), { instanceOf: InvalidStateError })
  }
  set()
  task.future.cancel()
  set()
})

test('an outcome is stored once', async (t) => {
  const task = new FakeTask()
  storeOutcome(task.future, 0, 'first')
  storeOutcome(task.future, 1, 'second')
  t.is(task.future.state, 'finished')
  t.false(isDelivered(task.future))
  t.is(await task.future.result(), 'first')
  deliver(task.future)
  t.true(isDelivered(task.future))
})

test('deliver does nothing before an outcome is stored', (t) => {
  const task = new FakeTask()
  task.future.addDoneCallback(() => t.fail())
  deliver(task.future)
  t.false(isDelivered(task.future))
})

test('resultSync parks until the task has settled, and leaves callbacks and progress to the next turn', async (t) => {
  const task = new FakeTask()
  const calls: string[] = []
  task.future.onProgress((value) => calls.push(`progress ${value}`))
  task.future.addDoneCallback(() => calls.push('callback'))
  const wait = task.future.result().then(() => calls.push('promise'))
  task.onPark = () => {
    if (task.parks < 3) return
    task.progress.push(1)
    task.settle(0, 'value')
  }
  t.is(task.future.resultSync(), 'value')
  t.is(task.parks, 3)
  t.deepEqual(calls, [])
  task.ring()
  await wait
  t.deepEqual(calls, ['progress 1', 'callback', 'promise'])
})

test('resultSync throws what the task threw, and exceptionSync returns it', (t) => {
  const error = new RangeError('x')
  const task = new FakeTask()
  task.onPark = () => task.settle(1, error)
  t.is(task.future.exceptionSync(), error)
  t.is(
    t.throws(() => task.future.resultSync()),
    error,
  )
})

test('resultSync throws TimeoutError when time runs out', (t) => {
  const task = new FakeTask()
  t.throws(() => task.future.resultSync(300), { instanceOf: TimeoutError })
  t.true(task.parks > 0)
  t.throws(() => task.future.resultSync(0), { instanceOf: TimeoutError })
  t.throws(() => task.future.exceptionSync(0), { instanceOf: TimeoutError })
})

test('resultSync hands on the InvalidStateError of a wait that can never end', (t) => {
  const task = new FakeTask()
  task.onPark = () => {
    throw new InvalidStateError('buried')
  }
  t.throws(() => task.future.resultSync(), { instanceOf: InvalidStateError })
})

test('resultSync of an unfinished hand-made future throws InvalidStateError, or TimeoutError when it has a time-out', (t) => {
  const future = new Future()
  t.throws(() => future.resultSync(), { instanceOf: InvalidStateError })
  t.throws(() => future.resultSync(Infinity), { instanceOf: InvalidStateError })
  const start = performance.now()
  t.throws(() => future.resultSync(20), { instanceOf: TimeoutError })
  t.true(performance.now() - start >= 19)
  t.throws(() => future.resultSync(0), { instanceOf: TimeoutError })
})

test('progress reaches every listener, in order and before the outcome, until the listener is taken off', async (t) => {
  const task = new FakeTask()
  const calls: unknown[] = []
  const boom = new Error('boom in a listener')
  task.future.onProgress(() => {
    throw boom
  })
  const stop = task.future.onProgress((value) => calls.push(value))
  task.future.addDoneCallback(() => calls.push('done'))
  const warned = once(process, 'warning')
  deliverProgress(task.future, 1)
  deliverProgress(task.future, 2)
  t.deepEqual(await warned, [boom])
  stop()
  stop()
  deliverProgress(task.future, 3)
  task.future.onProgress((value) => calls.push(`again ${value}`))
  task.progress.push(4)
  task.settle(0, 0)
  task.ring()
  deliverProgress(task.future, 5)
  t.deepEqual(calls, [1, 2, 'again 4', 'done'])
})

test('a callback that a progress listener adds comes after the progress that is left', (t) => {
  const task = new FakeTask()
  const calls: unknown[] = []
  task.future.onProgress((value) => {
    calls.push(value)
    if (value === 1) task.future.addDoneCallback(() => calls.push('done'))
  })
  task.progress.push(1, 2)
  task.settle(0, 0)
  t.is(task.future.resultSync(), 0)
  t.deepEqual(calls, [])
  task.ring()
  t.deepEqual(calls, [1, 2, 'done'])
})

test('inspect shows the class, the live state, and the class of the outcome', (t) => {
  class MyFuture extends Future<unknown> {}
  class MyError extends Error {}
  t.is(inspect(new Future()), 'Future <pending>')
  t.is(inspect(new MyFuture()), 'MyFuture <pending>')
  const task = new FakeTask()
  let calls = 0
  task.future.addDoneCallback(() => calls++)
  task.native = STATE_RUNNING
  t.is(inspect(task.future), 'Future <running>')
  task.settle(0, 5)
  t.is(inspect([task.future]), '[ Future <finished, returned Number> ]')
  t.is(calls, 0)
  const show = (set: (future: Future<unknown>) => void): string => {
    const future = new Future()
    set(future)
    return inspect(future)
  }
  t.is(
    show((future) => future.setException(new TypeError('x'))),
    'Future <finished, raised TypeError>',
  )
  t.is(
    show((future) => future.setException(new MyError('x'))),
    'Future <finished, raised MyError>',
  )
  t.is(
    show((future) => future.setException(Object.assign(new Error('x'), { name: 'Named' }))),
    'Future <finished, raised Named>',
  )
  t.is(
    show((future) => future.setResult(null)),
    'Future <finished, returned null>',
  )
  t.is(
    show((future) => future.setResult(undefined)),
    'Future <finished, returned undefined>',
  )
  t.is(
    show((future) => future.setResult(Object.create(null))),
    'Future <finished, returned Object>',
  )
  t.is(
    show((future) => future.setResult(new Map())),
    'Future <finished, returned Map>',
  )
  t.is(
    show((future) => future.cancel()),
    'Future <cancelled>',
  )
  t.notThrows(() => inspect(Future.prototype))
  t.notThrows(() => inspect(MyFuture.prototype))
})

test('the wait hook hears of waits for unfinished futures, and of their ends', async (t) => {
  let waiting = 0
  setWaitHook(() => {
    waiting++
    return () => void waiting--
  })
  t.teardown(() => setWaitHook(undefined))
  const future = new Future<number>()
  const waits = [future.result(), future.result(), future.exception(), future.result(60_000)]
  t.is(waiting, 4)
  await t.throwsAsync(future.result(1), { instanceOf: TimeoutError })
  t.is(waiting, 4)
  future.setResult(1)
  t.is(waiting, 0)
  await Promise.all(waits)
  await future
  t.is(waiting, 0)
})

test('a future cannot be its own result', async (t) => {
  const future = new Future<unknown>()
  t.throws(() => future.setResult(future), { instanceOf: TypeError, message: /own result/ })
  t.is(future.state, 'pending')
  future.setResult(1)
  t.is(await future, 1)
})
