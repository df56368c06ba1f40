// Tasks whose arguments only a MessagePort can carry, and whose worker dies before it has begun them.
import type { MessagePort } from 'node:worker_threads'
import ava from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'

const behaviour = behaviours(ava, ['pool', 'ports'])

const deaths: Record<string, () => void> = {
  'by an exit'() {
    setImmediate(() => process.exit(3))
  },
  'by a later exit'() {
    setTimeout(() => process.exit(3), 1)
  },
  'by a stray error'() {
    setImmediate(() => {
      throw new Error('stray')
    })
  },
  'by an exit in a listener of a stray error'() {
    process.on('uncaughtException', () => process.exit(4))
    setImmediate(() => {
      throw new Error('stray')
    })
  },
}

for (const [how, leave] of Object.entries(deaths)) {
  behaviour(`a task that a port carries is not lost with a worker that dies (${how}) before it has begun it`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create }, source: string) => {
        const { MessageChannel } = await import('node:worker_threads')
        process.on('warning', () => {})
        const leave = eval(`({${source}})`) as Record<string, () => void>
        const seen: Record<string, number> = {}
        for (let round = 0; round < 24; round++) {
          const executor = create(1)
          await executor.submit(() => 1).result(15_000)
          await executor.submit(Object.values(leave)[0]!).result(15_000)
          for (let turn = 0; turn < round % 3; turn++) await new Promise((resolve) => setImmediate(resolve))
          const { port1, port2 } = new MessageChannel()
          const answer = new Promise((resolve) => port1.on('message', resolve))
          const greet = (port: MessagePort): string => {
            port.postMessage('hello')
            return 'done'
          }
          const future = executor.with({ transfer: [port2] }).submit(greet, port2)
          const end = await future.result(15_000).then(
            async (result) => `${result} ${await answer}`,
            (error: Error) => error.name,
          )
          seen[end] = (seen[end] ?? 0) + 1
          port1.close()
          await executor.shutdown()
        }
        return seen
      },
      [leave.toString()],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended({ 'done hello': 24 }), end.errors)
  })
}

behaviour(
  'a module that always ends its worker takes the task along for which it is loaded, carried by a port too',
  async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, bad: string) => {
        const { MessageChannel } = await import('node:worker_threads')
        let starts = 0
        process.on('worker', () => starts++)
        const executor = create(1)
        const { any } = moduleTasks<{ any(port: MessagePort): unknown }>(bad)
        const names: string[] = []
        for (let round = 0; round < 2; round++) {
          const { port1, port2 } = new MessageChannel()
          const future = executor.with({ transfer: [port2] }).submit(any, port2)
          names.push(((await future.exception(15_000)) as Error).name)
          port1.close()
        }
        const well = await executor.submit(() => 'well').result(15_000)
        await executor.shutdown()
        return [...names, well, starts <= 4]
      },
      [new URL('./fixtures/loads-with-exit.mjs', import.meta.url).href],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['WorkerLostError', 'WorkerLostError', 'well', true]), end.errors)
  },
)

behaviour('a task that a port carries and that a task has submitted outlives the worker of that one', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const { MessageChannel } = await import('node:worker_threads')
    const executor = create(1)
    const { port1, port2 } = new MessageChannel()
    const answer = new Promise((resolve) => port1.on('message', resolve))
    const submitAndDie = async (port: MessagePort): Promise<never> => {
      const { currentExecutor } = await import('concurrent-futures')
      const greet = (port: MessagePort): void => port.postMessage('hello')
      currentExecutor()!
        .with({ transfer: [port] })
        .submit(greet, port)
      process.exit(5)
    }
    const first = executor.with({ transfer: [port2] }).submit(submitAndDie, port2)
    const name = ((await first.exception(15_000)) as Error).name
    const heard = await answer
    port1.close()
    await executor.shutdown()
    return [name, heard]
  }, [])
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['WorkerLostError', 'hello']), end.errors)
})
