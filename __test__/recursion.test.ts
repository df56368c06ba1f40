/**
 * Modules that are loaded in every worker and use an executor themselves: they would start workers without
 * end.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'

const behaviour = behaviours(test)

const preloaded = new URL('./fixtures/preloaded.mjs', import.meta.url)
const required = fileURLToPath(new URL('./fixtures/preloaded.cjs', import.meta.url))

/** The ways to preload a module: what Node is given for it. */
const ways: Record<string, { nodeArguments?: string[]; env?: Record<string, string> }> = {
  '--import': { nodeArguments: ['--import', preloaded.href] },
  '--require': { nodeArguments: ['--require', required] },
  NODE_OPTIONS: { env: { NODE_OPTIONS: `--import ${preloaded.href}` } },
}

/** A start is tried a few times before an executor gives up. */
const MOST_TRIES = 6

interface Seen {
  name: string
  cause: string
  message: string
}

for (const [way, { nodeArguments, env }] of Object.entries(ways)) {
  for (const use of ['submit', 'map', 'minWorkers', 'warmUp', 'later', 'minWorkersLater', 'warmUpLater', 'caught']) {
    behaviour(
      `a module preloaded by ${way} that uses an executor starts no workers without end (${use})`,
      async (t, { name, kind, broken, inChild }) => {
        const log = new Folder(t).file('log')
        const end = await inChild(
          async (_, isLate: boolean): Promise<Seen | null> => {
            const { preloaded } = globalThis as unknown as { preloaded: PromiseLike<unknown> }
            const given = Promise.resolve(preloaded).then(
              () => null,
              (error: Error) => ({
                name: error.name,
                cause: (error.cause as Error).name,
                message: error.message,
              }),
            )
            if (!isLate) return await given
            // By then there would be a dozen of them.
            await new Promise((resolve) => setTimeout(resolve, 4_000))
            const { existsSync, readFileSync } = await import('node:fs')
            const log = process.env['PRELOADED_LOG']!
            const end = Date.now() + 20_000
            while (!(existsSync(log) && readFileSync(log, 'utf8').includes('loaded 2')) && Date.now() < end)
              await new Promise((resolve) => setTimeout(resolve, 20))
            process.exit()
          },
          [use.endsWith('ater')],
          {
            ...(nodeArguments === undefined ? {} : { nodeArguments }),
            env: { ...env, PRELOADED_USE: use, PRELOADED_CLASS: name, PRELOADED_LOG: log },
          },
        )
        const lines = readFileSync(log, 'utf8').trim().split('\n')
        if (use === 'caught') {
          t.deepEqual(cleanEnd(end), ended(null))
          t.deepEqual(lines, ['loaded 0', 'loaded 1', 'InvalidStateError'])
        } else if (use.endsWith('ater')) {
          t.false(end.isHung)
          t.deepEqual([...new Set(lines)], ['loaded 0', 'loaded 1', 'loaded 2'])
        } else if (use === 'warmUp') {
          // It rejects: by the time that this has ended a worker, it may have been there for a moment.
          t.is(end.value?.cause, 'InvalidStateError')
          t.deepEqual([...new Set(lines)], ['loaded 0', 'loaded 1'])
          t.true(lines.length <= 1 + MOST_TRIES, `${lines.length} threads have loaded it`)
        } else {
          t.is(end.value?.name, broken.name)
          t.is(end.value?.cause, 'InvalidStateError')
          t.regex(end.value?.message ?? '', /preloaded module.*a file of their own/)
          // In a child that is true.
          t.is(end.value?.message.includes('isMainThread'), kind === 'thread')
          t.deepEqual([...new Set(lines)], ['loaded 0', 'loaded 1'])
          t.true(lines.length <= 1 + MOST_TRIES, `${lines.length} threads have loaded it`)
        }
      },
    )
  }
}

for (const use of ['submit', 'minWorkers']) {
  behaviour(
    `the module of an initializer that uses an executor itself fails the executor (${use})`,
    async (t, { name, broken, inChild }) => {
      const url = new URL('./fixtures/initializes.mjs', import.meta.url).href
      const end = await inChild(
        async ({ create, moduleTasks }, url: string) => {
          const { initialize } = moduleTasks(url)
          const executor = create({ maxWorkers: 1, initializer: initialize as () => void })
          const error = (await executor.submit(() => 1).exception()) as Error
          return { name: error.name, cause: (error.cause as Error).name }
        },
        [url],
        { env: { INITIALIZES_USE: use, INITIALIZES_CLASS: name } },
      )
      t.deepEqual(cleanEnd(end), ended({ name: broken.name, cause: 'InvalidStateError' }))
    },
  )
}

behaviour('an initializer cannot submit: its worker has not started yet', async (t, { create }) => {
  const executor = create({
    maxWorkers: 1,
    initializer: async () => {
      const { ThreadPoolExecutor } = await import('concurrent-futures')
      await new ThreadPoolExecutor(1).submit(() => 1)
    },
  })
  const error = (await executor.submit(() => 1).exception()) as Error
  t.is((error.cause as Error).name, 'InvalidStateError')
})

behaviour('code outside of tasks may submit in a worker, also with workers kept warm', async (t, { create }) => {
  await using executor = create(1)
  const nested = executor.submit(async () => {
    const { ThreadPoolExecutor } = await import('concurrent-futures')
    const kept = globalThis as { nested?: Promise<number> }
    // In a context that is no task's, as that of an event of a socket.
    const { port1, port2 } = new MessageChannel()
    kept.nested = new Promise((resolve, reject) => {
      ;(port2 as unknown as { onmessage: () => void }).onmessage = () => {
        const inner = new ThreadPoolExecutor({ maxWorkers: 1, minWorkers: 1 })
        inner
          .submit(() => 42)
          .result()
          .then(resolve, reject)
        port2.close()
      }
    })
    port1.postMessage(0)
    return await kept.nested
  })
  t.is(await nested, 42)
})
