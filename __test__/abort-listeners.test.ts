/** Other listeners of a signal: what they do keeps nothing from being cancelled. */
import ava from 'ava'
import { getEventListeners } from 'node:events'
import { asCompleted, CancelledError, moduleTasks, wait } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { until } from './gate.ts'
import { SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

/** What a signal may end; `begun` is to be called when it can. */
const ends: Record<string, (executor: PoolExecutor, signal: AbortSignal, begun: () => void) => PromiseLike<unknown>> = {
  'a task that runs': (executor, signal, begun) => runs(executor.with({ signal }).submit(work.spin), begun),
  'a task that awaits': (executor, signal, begun) => runs(executor.with({ signal }).submit(work.never), begun),
  'a task in the queue': (executor, signal, begun) => {
    for (let n = 0; n < 3; n++) executor.submit(work.never)
    const future = executor.with({ signal }).submit(work.add, 1, 1)
    begun()
    return future
  },
  'result()': (executor, signal, begun) => later(executor.submit(work.never).result({ signal }), begun),
  'exception()': (executor, signal, begun) => later(executor.submit(work.never).exception({ signal }), begun),
  'wait()': (executor, signal, begun) => later(wait([executor.submit(work.never)], { signal }), begun),
  'asCompleted()': (executor, signal, begun) => later(asCompleted([executor.submit(work.never)], { signal }).next(), begun),
  'map()': (executor, signal, begun) =>
    later(
      executor
        .with({ signal })
        .map(work.never as (_: number) => unknown, [1, 2])
        .next(),
      begun,
    ),
}

async function runs(future: Future<unknown>, begun: () => void): Promise<unknown> {
  await until(() => future.running(), 'it runs')
  begun()
  return await future
}

function later(wait: Promise<unknown>, begun: () => void): Promise<unknown> {
  begun()
  return wait
}

for (const [what, end] of Object.entries(ends)) {
  for (const when of ['before', 'after']) {
    behaviour(
      `a listener added ${when} ours that stops the propagation does not keep a signal from ending ${what}`,
      async (t, { create }) => {
        const executor = create(2)
        const controller = new AbortController()
        const { signal } = controller
        const stop = (): void => signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
        const reason = new Error('enough')
        if (when === 'before') stop()
        const error = await t.throwsAsync(async () => {
          await end(executor, signal, () => {
            // Something that is no abort ends nothing, and uses no listener up.
            setImmediate(() => {
              signal.dispatchEvent(new Event('abort'))
              if (when === 'after') stop()
              controller.abort(reason)
            })
          })
        })
        t.is(error instanceof CancelledError ? error.cause : error, reason)
        t.is(getEventListeners(signal, 'abort').length, 1)
        await executor.terminateWorkers()
      },
    )
  }
}

behaviour('a signal that aborts while its task is being submitted cancels it', async (t, { create }) => {
  await using executor = create(1)
  const controller = new AbortController()
  const argument = {
    get value(): number {
      controller.abort('meanwhile')
      return 1
    },
  }
  const future = executor.with({ signal: controller.signal }).submit((_: object) => new Promise(() => {}), argument)
  t.is(((await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })) as Error).cause, 'meanwhile')
})
