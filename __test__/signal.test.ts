import ava from 'ava'
import { getEventListeners } from 'node:events'
import { CancelledError, moduleTasks, native } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { longProduct } from './native-work.ts'
import { PROMPT, SOON } from './limits.ts'
import * as named from './fixtures/tasks.mjs'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)
const everywhere = behaviours(ava.serial, [])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

everywhere('a signal that has already aborted gives a cancelled future, and the task never runs', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const log = folder.file('log')
  const future = executor.with({ signal: AbortSignal.abort('too late') }).submit(work.note, log, 'ran')
  t.true(future.cancelled())
  const error = await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
  t.is(error?.cause, 'too late')
  await executor.shutdown()
  t.deepEqual(folder.notes(log), [])
})

everywhere('aborting cancels a task that waits: it never runs', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first runs')
  const controller = new AbortController()
  const future = executor.with({ signal: controller.signal }).submit(work.note, log, 'never')
  const reason = new Error('enough')
  controller.abort(reason)
  t.true(future.cancelled())
  t.is((await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError }))?.cause, reason)
  await t.throwsAsync(future.exception(SOON), { instanceOf: CancelledError })
  folder.open(gate)
  await executor.shutdown()
  t.deepEqual(folder.notes(log), ['first'])
  t.like(executor.stats(), { cancelled: 1, completed: 1 })
})

const running: [what: string, fn: () => unknown][] = [
  ['a loop', work.spin],
  ['a task that awaits', work.never],
  ['a loop that polls cancelled', named.heed],
  ['a loop that polls its signal', named.heedSignal],
  ['a loop that has looked and does not heed', named.ignoreAfterLook],
]

for (const [what, fn] of running) {
  for (const way of ['signal', 'cancel']) {
    everywhere(
      `${way === 'signal' ? 'aborting the signal' : 'cancel({ interrupt: true })'} cancels ${what} that runs, at once, and the worker is free again`,
      async (t, { create }) => {
        const executor = create(1)
        await executor.submit(work.add, 1, 1)
        const controller = new AbortController()
        const future = executor.with({ signal: controller.signal }).submit(fn)
        await until(() => future.running(), 'it runs')
        await new Promise((resolve) => setTimeout(resolve, 60))
        if (way === 'signal') controller.abort('stop')
        else t.true(future.cancel({ interrupt: true, reason: 'stop' }))
        t.is(future.state, 'cancelled')
        t.is((await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError }))?.cause, 'stop')
        t.is(await executor.submit(work.add, 1, 2).result(PROMPT), 3)
        t.is(future.state, 'cancelled')
        t.like(executor.stats(), { cancelled: 1, completed: 2, timedOut: 0, lost: 0 })
        await executor.shutdown()
      },
    )
  }
}

everywhere(
  'cancel() of a running task is false and changes nothing; of a cancelled one true, of a finished one false',
  async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create(1)
    const gate = folder.gate()
    const future = executor.submit(work.waitFor, gate)
    await until(() => future.running(), 'it runs')
    t.false(future.cancel())
    t.true(future.running())
    const pending = executor.submit(work.add, 1, 2)
    t.true(pending.cancel())
    t.true(pending.cancel())
    t.true(pending.cancel({ interrupt: true }))
    folder.open(gate)
    await future.result(SOON)
    t.false(future.cancel())
    t.false(future.cancel({ interrupt: true }))
    t.is(future.state, 'finished')
    await executor.shutdown()
  },
)

everywhere('interrupting a native task that runs frees its thread', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(native.matmul, ...longProduct())
  await until(() => future.running(), 'it runs')
  t.true(future.cancel({ interrupt: true }))
  t.is(await executor.submit(native.countPrimes, 10).result(PROMPT), 4)
  await executor.shutdown()
})

behaviour(
  "the task's signal aborts: an asynchronous task that listens can leave by itself, and its worker stays",
  async (t, { create }) => {
    const executor = create({ maxWorkers: 1, interruptGrace: SOON })
    const thread = await executor.submit(work.thread).result(SOON)
    const listen = async (): Promise<void> => {
      const { currentTask } = await import('concurrent-futures')
      const { progress, signal } = currentTask()!
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      progress('listens')
      await aborted
    }
    const future = executor.submit(listen)
    await new Promise((resolve) => future.onProgress(resolve))
    future.cancel({ interrupt: true })
    t.is(await executor.submit(work.thread).result(PROMPT), thread)
    await executor.shutdown()
  },
)

behaviour('what a cancelled task does from then on changes nothing: its progress and result are dropped', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, interruptGrace: 2_000 })
  const seen: unknown[] = []
  const future = executor.submit(named.heed)
  future.onProgress((value) => seen.push(value))
  await until(() => seen.length === 1, 'it has begun')
  t.true(future.cancel({ interrupt: true }))
  await executor.submit(work.add, 1, 2).result(SOON)
  t.is(future.state, 'cancelled')
  t.deepEqual(seen, ['started'])
  await executor.shutdown()
})

behaviour('no listener is left on the signal once the task is over', async (t, { create }) => {
  const executor = create(1)
  const { signal } = new AbortController()
  const view = executor.with({ signal })
  await view.submit(work.add, 1, 2)
  await view.submit(work.fail, 'x').exception()
  view.submit(work.add, 1, 2).cancel()
  await view.submit(work.add, 1, 2)
  t.is(getEventListeners(signal, 'abort').length, 0)
  view.map(work.add, [1, 2], [3, 4])
  await executor.submit(work.add, 1, 2)
  t.is(getEventListeners(signal, 'abort').length, 0)
  await executor.shutdown()
})

everywhere('many tasks may share one signal without a warning, and all are cancelled by it', async (t, { create }) => {
  const warnings: unknown[] = []
  const listener = (warning: unknown): void => void warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const executor = create(1)
  const controller = new AbortController()
  const view = executor.with({ signal: controller.signal })
  const futures = [view.submit(work.spin), ...Array.from({ length: 3000 }, () => view.submit(work.add, 1, 2))]
  await until(() => futures[0]!.running(), 'the first runs')
  controller.abort()
  t.true(futures.every((future) => future.cancelled()))
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  t.deepEqual(warnings, [])
  await executor.shutdown()
})

everywhere('one listener on a signal serves all tasks and all waits', async (t, { create }) => {
  const executor = create(1)
  const { signal } = new AbortController()
  const futures = Array.from({ length: 20 }, () => executor.with({ signal }).submit(work.add, 1, 2))
  const waits = futures.map((future) => future.result({ signal }))
  t.is(getEventListeners(signal, 'abort').length, 1)
  await Promise.all(waits)
  t.is(getEventListeners(signal, 'abort').length, 0)
  await executor.shutdown()
})

everywhere('AbortSignal.timeout() works as a limit of the whole', async (t, { create }) => {
  const executor = create(1)
  const error = await t.throwsAsync(
    executor
      .with({ signal: AbortSignal.timeout(80) })
      .submit(work.spin)
      .result(SOON),
    { instanceOf: CancelledError },
  )
  t.is((error?.cause as Error | undefined)?.name, 'TimeoutError')
  await executor.shutdown()
})

behaviour('progress arrives whole also where the task has a signal and ends before submit() returns', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(named.send, [1])
  const { signal } = new AbortController()
  const add = signal.addEventListener
  signal.addEventListener = function (this: AbortSignal, ...args: Parameters<typeof add>): void {
    // As if the thread had to wait for a core here.
    for (const until = Date.now() + 50; Date.now() < until;);
    add.apply(this, args)
  } as typeof add
  const future = executor.with({ signal }).submit(named.send, [1, 2, 3, 4, 5])
  const seen: unknown[] = []
  future.onProgress((value) => seen.push(value))
  await future.result(SOON)
  t.deepEqual(seen, [1, 2, 3, 4, 5])
  await executor.shutdown()
})

/** Says what its signal's reason is once it is asked to stop; with `loop` the event loop stands still. */
async function tellReason(begun: string, file: string, loop: boolean): Promise<void> {
  const { renameSync, writeFileSync } = await import('node:fs')
  const { inspect } = await import('node:util')
  const { currentTask } = await import('concurrent-futures')
  const task = currentTask()!
  const { signal } = task
  writeFileSync(begun, '')
  if (loop) while (!signal.aborted);
  else await new Promise((resolve) => signal.addEventListener('abort', resolve))
  let thrown: unknown
  try {
    task.throwIfCancelled()
  } catch (error) {
    thrown = error
  }
  const told = [signal.reason, thrown].map((error) => {
    const { name, cause } = error as Error
    return `${name} ${'cause' in (error as Error) ? (cause instanceof Error ? `${cause.name} ${cause.message} ${inspect({ ...cause })}` : inspect(cause)) : 'none'}`
  })
  writeFileSync(`${file}.part`, told.join('\n'))
  renameSync(`${file}.part`, file)
}

class Gone extends Error {
  override name = 'Gone'
  readonly client = 7
  readonly socket = (): void => {}
}

const reasons: [what: string, reason: unknown, told: string][] = [
  ['an error', new RangeError('too late'), 'RangeError too late {}'],
  ['an error with a property that cannot be cloned', new Gone('the client'), "Gone the client { name: 'Gone', client: 7 }"],
  ['a text', 'stop it', "'stop it'"],
  ['null', null, 'null'],
  ['an object', { code: 3, list: [1, 2] }, '{ code: 3, list: [ 1, 2 ] }'],
  ['what cannot be cloned', () => {}, 'none'],
  ['an object that cannot be cloned', { run: () => {} }, 'none'],
  ['nothing', undefined, 'none'],
]

for (const [what, reason, told] of reasons) {
  for (const loop of [false, true]) {
    behaviour(`a task that is stopped ${loop ? 'in a loop ' : ''}is told the reason given to cancel(): ${what}`, async (t, { shared }) => {
      const folder = new Folder(t)
      const [begun, file] = [folder.file('begun'), folder.file('told')]
      const future = shared(1).submit(tellReason, begun, file, loop)
      await until(() => folder.exists(begun), 'it has begun')
      t.true(future.cancel({ interrupt: true, reason }))
      const error = await t.throwsAsync(future.result(), { instanceOf: CancelledError })
      t.is(error.cause, reason)
      await until(() => folder.exists(file), 'it has told')
      t.deepEqual(folder.notes(file), Array(2).fill(`CancelledError ${told}`))
    })
  }
}

behaviour('a task that is stopped by the signal of with() is told its reason', async (t, { shared }) => {
  const folder = new Folder(t)
  const [begun, file] = [folder.file('begun'), folder.file('told')]
  const controller = new AbortController()
  const future = shared(1).with({ signal: controller.signal }).submit(tellReason, begun, file, false)
  await until(() => folder.exists(begun), 'it has begun')
  controller.abort({ why: 'closed' })
  await t.throwsAsync(future.result(), { instanceOf: CancelledError })
  await until(() => folder.exists(file), 'it has told')
  t.deepEqual(folder.notes(file), Array(2).fill("CancelledError { why: 'closed' }"))
})

behaviour('a reason whose reading cancels the future, or throws, does no harm', async (t, { create }) => {
  const executor = create(1)
  const cancels = (future: Future<unknown>): unknown => future.cancel({ interrupt: true })
  const throws = (): never => {
    throw new Error('unreadable')
  }
  for (const body of [cancels, throws]) {
    const future = executor.submit(work.never)
    await until(() => future.running(), 'it runs')
    const reason = {
      get trap(): unknown {
        return body(future)
      },
    }
    t.true(future.cancel({ interrupt: true, reason }))
    await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
  }
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  t.is(executor.stats().cancelled, 2)
  await executor.shutdown()
})
