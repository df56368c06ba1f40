/**
 * Children whose code is not only wrong but hostile: it speaks on the channel between its child and the
 * pool's process. That costs the child, and what it held, and nothing else.
 */
import ava from 'ava'
import { cleanEnd, ended, inChild } from './child.ts'
import type { ChildEnd } from './child.ts'
import { kinds, lieNames } from './fixtures/hostile.mjs'
import { HARD } from './limits.ts'

const test = process.platform === 'linux' ? ava : ava.skip
const url = new URL('./fixtures/hostile.mjs', import.meta.url).href

type Tasks = Record<string, (...args: unknown[]) => unknown>
interface Seen {
  victim: string
  others: number[]
  stats: Record<string, number | boolean>
}

/** A hostile task, with one beside it, and healthy ones after it, in a process that has to live on. */
function meet(task: string, args: unknown[], timeout?: number): Promise<ChildEnd<Seen>> {
  return inChild(
    async ({ moduleTasks, ProcessPoolExecutor }, url: string, task: string, args: unknown[], timeout: number | null) => {
      const tasks = moduleTasks<Tasks>(url)
      const executor = new ProcessPoolExecutor(2)
      const beside = executor.submit(() => new Promise<number>((resolve) => setTimeout(resolve, 300, 1)))
      const victim = executor.with(timeout === null ? {} : { timeout }).submit(tasks[task]!, ...args)
      const outcome = await victim.result().catch((error: Error) => error.name)
      const after = [1, 2, 3].map((n) => executor.submit(tasks['healthy']!, n) as ReturnType<typeof executor.submit<[], number>>)
      const others = [await beside]
      for (const future of after) others.push((await future.result(20_000)) as number)
      const { queued, running, broken } = executor.stats()
      await executor.shutdown()
      return { victim: String(outcome), others, stats: { queued, running, broken } }
    },
    [url, task, args, timeout ?? null] as [string, string, unknown[], number | null],
  )
}

const seen = (victim: string): ReturnType<typeof ended<Seen>> =>
  ended({ victim, others: [1, 2, 3, 4], stats: { queued: 0, running: 0, broken: false } })

for (const kind of kinds) {
  test(`a child that writes what cannot be read is ended, and costs its task only: ${kind}`, async (t) => {
    t.deepEqual(cleanEnd(await meet('breach', [kind])), seen('WorkerLostError'))
  })
}

for (const name of lieNames) {
  test(`a child that says what is not true harms nobody else: ${name}`, async (t) => {
    const end = await meet('lie', [name])
    t.true(['told', 'WorkerLostError'].includes(end.value?.victim ?? ''), JSON.stringify(end))
    t.deepEqual(cleanEnd(end), seen(end.value!.victim))
  })
}

for (const how of ['recovers', 'blocks', 'waits']) {
  test(`a child that says it ${how}, for ever, is not waited for by others, nor by shutdown`, async (t) => {
    const end = await meet('stall', [how])
    t.true(['told', 'WorkerLostError'].includes(end.value?.victim ?? ''), JSON.stringify(end))
    t.deepEqual(cleanEnd(end), seen(end.value!.victim))
  })
}

test('a frame whose end never comes costs its task only, which its time limit ends', async (t) => {
  t.deepEqual(cleanEnd(await meet('beginFrame', [], 500)), seen('TimeoutError'))
})

test('a child that closes its channel is ended, and costs its task only', async (t) => {
  t.deepEqual(cleanEnd(await meet('closeChannel', [])), seen('WorkerLostError'))
})

test('a child that closes the lowest descriptors goes on: the channel is not among them', async (t) => {
  t.deepEqual(cleanEnd(await meet('closeLow', [])), seen('closed'))
})

test('a child that reads the messages to it costs its task only, which its time limit ends', async (t) => {
  t.deepEqual(cleanEnd(await meet('stealMessages', [], 500)), seen('TimeoutError'))
})

test('messages of chance never end the process of the pool, nor the tasks of other children', async (t) => {
  t.timeout(3 * HARD)
  const end = await inChild(
    async ({ moduleTasks, ProcessPoolExecutor }, url: string) => {
      const tasks = moduleTasks<Tasks>(url)
      const executor = new ProcessPoolExecutor({ maxWorkers: 2 })
      const quiet = new ProcessPoolExecutor(1)
      let ends = 0
      for (let seed = 1; seed <= 60; seed++) {
        await executor.with({ timeout: 2_000, queueTimeout: 10_000 }).submit(tasks['chance']!, seed, 40).exception()
        ends++
      }
      const after = await quiet.submit(tasks['healthy']!, 1).result(15_000)
      await executor.terminateWorkers()
      await quiet.shutdown()
      return { ends, after }
    },
    [url],
    { limit: 3 * HARD },
  )
  // A child may say that errors were left behind, of which the process of the pool warns.
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended({ ends: 60, after: 2 }), end.errors)
})
