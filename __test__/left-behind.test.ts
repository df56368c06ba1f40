// What comes when the task has ended that has left it behind, and whom it fails.
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import ava from 'ava'
import { WorkerLostError } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import type { ChildPackage } from './executors.ts'
import * as left from './fixtures/left-behind.mjs'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

const behaviour = behaviours(ava)

const leftUrl = new URL('./fixtures/left-behind.mjs', import.meta.url).href
const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href
const ways = Object.keys(left).filter((name) => !name.endsWith('Gate'))

/** What was seen of a stray error beside a task that waits, and of one in an idle worker. */
interface Left {
  beside: string
  warned: string[]
  idle: string
  warnedIdle: string[]
  stats: { lost: number; failed: number; died: number }
}

for (const way of ways) {
  behaviour(
    `what an ended task leaves behind (${way}) fails no other task: the owner is warned, and the worker replaced`,
    async (t, { inChild }) => {
      const end = await inChild(
        async ({ create, moduleTasks }, leftUrl: string, workUrl: string, way: string) => {
          const warned: string[] = []
          process.on('warning', ({ message, cause }) => {
            const what = (cause as Error | undefined)?.message ?? JSON.stringify(cause)
            warned.push(`${/'[^']+'/.exec(message)?.[0]} ${/stray|ENOENT|ECONNREFUSED/.exec(what)?.[0]}`)
          })
          const until = async (condition: () => boolean): Promise<void> => {
            while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
          }
          const left = moduleTasks<Record<string, () => unknown>>(leftUrl)[way]!
          const work = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl)
          const executor = create({ maxWorkers: 1, tasksPerWorker: 2 })
          await executor.submit(left).result(15_000)
          const beside = executor.submit(work.addLater, 1, 1, 200)
          const besideEnd = await beside.result(15_000).then(String, (error: Error) => error.name)
          await until(() => warned.length > 0)
          const first = [...new Set(warned.splice(0))]
          await executor.with({ name: 'the given name' }).submit(left).result(15_000)
          await until(() => warned.some((text) => text.includes('given')))
          const idle = await executor
            .submit(work.add, 1, 1)
            .result(15_000)
            .then(String, (error: Error) => error.name)
          const { lost, failed, workers } = executor.stats()
          await executor.shutdown()
          const warnedIdle = [...new Set(warned.filter((text) => text.includes('given')))]
          return { beside: besideEnd, warned: first, idle, warnedIdle, stats: { lost, failed, died: workers.died } }
        },
        [leftUrl, workUrl, way],
      )
      const error = { stream: 'ENOENT', socket: 'ECONNREFUSED', child: 'ENOENT', nothing: 'undefined' }[way] ?? 'stray'
      const expected: Left = {
        beside: '2',
        warned: [`'${way}' ${error}`],
        idle: '2',
        warnedIdle: [`'the given name' ${error}`],
        stats: { lost: 0, failed: 0, died: 2 },
      }
      t.deepEqual({ value: end.value, code: end.code, isHung: end.isHung }, { value: expected, code: 0, isHung: false }, end.errors)
    },
  )
}

for (const way of ['reaction', 'tick', 'microtask']) {
  behaviour(
    `an error of an ended task that comes while another runs (${way}) is blamed on neither that one nor its neighbour`,
    async (t, { inChild }) => {
      const end = await inChild(
        async ({ create, moduleTasks }, leftUrl: string, workUrl: string, way: string) => {
          const left = moduleTasks<Record<string, (text: string) => unknown>>(leftUrl)
          const work = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl)
          const seen: unknown[] = []
          let warned = 0
          process.on('warning', ({ message }) => (warned += Number(message.includes("'onGate'"))))
          for (const moment of ['at once', 'after an await', 'after a timer', 'and goes on']) {
            const executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
            await executor.submit(left['onGate']!, way).result(15_000)
            const beside = executor.submit(work.addLater, 1, 1, 150)
            const opener = executor.submit(left['openGate']!, moment)
            seen.push(await opener.result(15_000), await beside.result(15_000))
            while (warned === 0) await new Promise((resolve) => setTimeout(resolve, 5))
            seen.push(warned, executor.stats().workers.died)
            warned = 0
            await executor.shutdown()
          }
          return seen
        },
        [leftUrl, workUrl, way],
      )
      const expected = Array(4).fill(['opened', 2, 1, 1]).flat()
      t.deepEqual({ value: end.value, code: end.code, isHung: end.isHung }, { value: expected, code: 0, isHung: false }, end.errors)
    },
  )
}

behaviour('a stray error of a task that still runs is its end, with the error as the cause', async (t, { create }) => {
  const executor = create(1)
  const task = (): Promise<never> =>
    new Promise(() =>
      setTimeout(() => {
        throw new RangeError('its own')
      }, 20),
    )
  const error = (await executor.submit(task).exception(SOON)) as WorkerLostError
  t.true(error instanceof WorkerLostError)
  t.is((error.cause as Error).message, 'its own')
  t.is(executor.stats().workers.died, 1)
  await executor.shutdown()
})

behaviour('errors that a task finds handled in its worker are handled: nobody is warned, nothing is replaced', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const warned: string[] = []
    process.on('warning', ({ message }) => warned.push(message))
    const seen: unknown[] = []
    for (const event of ['uncaughtException', 'unhandledRejection', 'capture']) {
      const executor = create({ maxWorkers: 1, tasksPerWorker: 2 })
      const listen = (event: string): void => {
        const own = globalThis as { seen?: string }
        const note = (error: unknown): void => void (own.seen = (error as Error).message)
        if (event === 'capture') process.setUncaughtExceptionCaptureCallback(note)
        else process.on(event, note)
      }
      await executor.submit(listen, event).result(15_000)
      // It ends after the error, however late that is.
      const beside = executor.submit(async () => {
        while (!('seen' in globalThis)) await new Promise((resolve) => setTimeout(resolve, 10))
        return 'beside'
      })
      const leave = (event: string): void =>
        void setTimeout(() => {
          if (event === 'unhandledRejection') void Promise.reject(new Error('handled'))
          else throw new Error('handled')
        }, 20)
      await executor.submit(leave, event).result(15_000)
      seen.push(await beside.result(15_000))
      seen.push(await executor.submit(() => (globalThis as { seen?: string }).seen).result(15_000))
      seen.push(executor.stats().workers.died)
      await executor.shutdown()
    }
    return [...seen, ...warned]
  }, [])
  t.deepEqual(cleanEnd(end), ended(Array(3).fill(['beside', 'handled', 0]).flat()))
})

behaviour('a stray error of a task that was stopped fails none beside it', async (t, { inChild }) => {
  const folder = new Folder(t)
  const inTheChild = async ({ create }: ChildPackage, begun: string, gate: string): Promise<unknown[]> => {
    const { existsSync, writeFileSync } = await import('node:fs')
    const warned: string[] = []
    process.on('warning', ({ message }) => warned.push(/'[^']+'/.exec(message)?.[0] ?? message))
    const executor = create({ maxWorkers: 1, tasksPerWorker: 2 })
    // It ends after the error, however late that is.
    const beside = executor.submit(async () => {
      const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))
      while (!('hasThrown' in globalThis)) await pause()
      await pause()
      return 'beside'
    })
    const stop = async function stopped(begun: string, gate: string): Promise<void> {
      const { existsSync, writeFileSync } = process.getBuiltinModule('node:fs')
      const timer = setInterval(() => {
        if (!existsSync(gate)) return
        clearInterval(timer)
        Object.assign(globalThis, { hasThrown: true })
        throw new Error('late')
      }, 5)
      writeFileSync(begun, '')
      await new Promise(() => {})
    }
    const stopped = executor.submit(stop, begun, gate)
    while (!existsSync(begun)) await new Promise((resolve) => setTimeout(resolve, 2))
    stopped.cancel({ interrupt: true })
    writeFileSync(gate, '')
    const seen = [await beside.result(15_000), executor.stats().lost]
    await executor.shutdown()
    return [...seen, ...warned]
  }
  const end = await inChild(inTheChild, [folder.file('begun'), folder.gate()])
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['beside', 0, "'stopped'"]), end.errors)
})

behaviour(
  'a stray error that no task is known for is a warning where the worker is idle, and lets it be replaced',
  async (t, { inChild }) => {
    const folder = new Folder(t)
    const module = folder.file('module.mjs')
    writeFileSync(module, `setTimeout(() => { throw new Error("of the module") }, 150)\nexport const work = (n) => n + 1\n`)
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        const warned: string[] = []
        process.on('warning', ({ message, cause }) => warned.push(`${message.includes('no task')} ${(cause as Error).message}`))
        const executor = create(1)
        const { work } = moduleTasks<{ work(n: number): number }>(url)
        const seen: unknown[] = [await executor.submit(work, 1).result(15_000)]
        while (warned.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        seen.push(await executor.submit(work, 2).result(15_000), executor.stats().workers.died)
        await executor.shutdown()
        return [...seen, ...warned.slice(0, 1)]
      },
      [pathToFileURL(module).href],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended([2, 3, 1, 'true of the module']), end.errors)
  },
)

behaviour('a task that leaves one error behind after the other warns of some of them, and keeps nobody busy', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    let warned = 0
    process.on('warning', () => warned++)
    const executor = create({ maxWorkers: 1, tasksPerWorker: 2 })
    const beside = executor.submit(() => new Promise((resolve) => setTimeout(resolve, 600, 'beside')))
    const leave = (): void =>
      void setInterval(() => {
        throw new Error('again')
      }, 2)
    await executor.submit(leave).result(15_000)
    const seen = [await beside.result(15_000), executor.stats().workers.died]
    await executor.shutdown()
    return [...seen, warned > 0 && warned <= 20]
  }, [])
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['beside', 1, true]), end.errors)
})
