import test from 'ava'
import { cleanEnd, ended, inChild } from './child.ts'
import type { Package } from './child.ts'

const url = new URL('./fixtures/held.mjs', import.meta.url).href

type Tasks = { holdThenSpin(): void; spin(): void }
type Then = 'resume' | 'terminate' | 'no debugger'

/**
 * Runs `holdThenSpin` with a short time-out, under a debugger that holds its worker ten times as long, and
 * then lets it go on or ends it. Beside it a task on another worker, with the same time-out, is submitted
 * while the first is held.
 */
async function hold({ moduleTasks, ThreadPoolExecutor }: Package, url: string, then: Then): Promise<unknown> {
  const [TIMEOUT, HELD] = [150, 1_500]
  const inspector = await import('node:inspector')
  inspector.open(0)
  const { holdThenSpin, spin } = moduleTasks<Tasks>(url)
  const workers: { threadId: number; terminate(): Promise<number> }[] = []
  process.on('worker', (worker) => workers.push(worker))

  const session = new inspector.Session()
  const isHeld = new Promise<string>((resolve) => {
    session.connect()
    const send = (sessionId: string, method: string): void =>
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: 1, method }) })
    session.on('NodeWorker.attachedToWorker', ({ params }) => send(params.sessionId, 'Debugger.enable'))
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if ((JSON.parse(params.message) as { method?: string }).method === 'Debugger.paused') resolve(params.sessionId)
    })
    if (then !== 'no debugger') session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  })
  const executor = new ThreadPoolExecutor({ maxWorkers: 2, minWorkers: 2 })
  const warm = [executor.submit(() => 1), executor.submit(() => 1)]
  for (const future of warm) await future.result(15_000)
  const limited = executor.with({ timeout: TIMEOUT })
  const first = limited.submit(holdThenSpin)
  if (then === 'no debugger') {
    const { name } = (await first.exception(15_000)) as Error
    await executor.shutdown()
    return name
  }
  const sessionId = await isHeld
  const second = limited.submit(spin)
  await new Promise((resolve) => setTimeout(resolve, HELD))
  const whileHeld = [first.state, second.state]
  // Node ends no thread that is held: it ends as soon as it is let go.
  if (then === 'terminate') for (const worker of workers) void worker.terminate()
  session.post('NodeWorker.sendMessageToWorker', { sessionId, message: '{"id":2,"method":"Debugger.resume"}' })
  const names = [first, second].map((future) => future.exception(15_000).then((error) => (error as Error).name))
  const ends = await Promise.all(names)
  const after = executor.with({ timeout: TIMEOUT }).submit(spin)
  const last = ((await after.exception(15_000)) as Error).name
  await executor.shutdown()
  return { whileHeld, ends, last }
}

test('while a debugger holds a worker at a breakpoint no deadline passes; afterwards they go on', async (t) => {
  const end = await inChild(hold, [url, 'resume'])
  t.deepEqual(
    { ...cleanEnd(end), errors: '' },
    ended({
      whileHeld: ['running', 'running'],
      ends: ['TimeoutError', 'TimeoutError'],
      last: 'TimeoutError',
    }),
    end.errors,
  )
})

test('a worker that is ended while it is held lets the clocks go on when it ends', async (t) => {
  const end = await inChild(hold, [url, 'terminate'])
  t.deepEqual(
    { ...cleanEnd(end), errors: '' },
    ended({
      whileHeld: ['running', 'running'],
      ends: ['WorkerLostError', 'WorkerLostError'],
      last: 'TimeoutError',
    }),
    end.errors,
  )
})

test('an inspector without a debugger changes nothing', async (t) => {
  const end = await inChild(hold, [url, 'no debugger'])
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended('TimeoutError'), end.errors)
})
