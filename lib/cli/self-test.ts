/** A task for each kind of worker, and what happens to each that never ends. */
import type { PoolExecutor } from '../pool/pool-executor.ts'
import type { Api } from './load.ts'
import type * as Task from './task.ts'
import { inOneLine } from './usage.ts'

export interface Tried {
  readonly ok: boolean
  /** From the making of the executor to the result. */
  readonly ms: number
  readonly error?: string
}

export interface SelfTest {
  readonly workers: Readonly<Record<'native' | 'isolate' | 'process', Tried>>
  /** What became of the worker of a task that does not end. */
  readonly interrupts: Readonly<Record<string, string>>
}

/** Whoever takes longer has failed, or nothing here could be told at all. */
const LIMIT = 20_000
/** How long a task may run that does not end. */
const ENDLESS = 50

const PRIMES = 1e12

export async function trySelf(api: Api): Promise<SelfTest> {
  const task = api.moduleTasks<typeof Task>(new URL('./task.js', import.meta.url))
  const threads = (): PoolExecutor => new api.ThreadPoolExecutor(1)
  const children = (): PoolExecutor => new api.ProcessPoolExecutor(1)
  const native = await tried(threads, async (pool) => {
    const sum = await pool.submit(api.native.crc32, 'concurrent-futures').result(LIMIT)
    if (sum !== 0xadfcfa2f) throw new Error(`crc32 is ${sum}`)
  })
  const isolate = await tried(threads, async (pool) => {
    const [pid, thread] = await pool.submit(task.where).result(LIMIT)
    if (pid !== process.pid || thread === 0) throw new Error('the task ran in no thread of its own')
  })
  const process_ = await tried(children, async (pool) => {
    const [pid] = await pool.submit(task.where).result(LIMIT)
    if (pid === process.pid) throw new Error('the task ran in no process of its own')
  })
  const workers = { native, isolate, process: process_ }
  const interrupts: Record<string, string> = {}
  const stop = async (
    kind: keyof typeof workers,
    what: string,
    make: () => PoolExecutor,
    fn: EndlessTask,
  ): Promise<void> => {
    const where = kind === 'native' ? undefined : task.where
    if (workers[kind].ok) interrupts[what] = await stopped(make, where, fn)
  }
  await stop('isolate', 'a loop', threads, (pool) => pool.submit(task.spin))
  await stop('isolate', 'Atomics.wait', threads, (pool) => pool.submit(task.block))
  await stop('native', 'a native task', threads, (pool) => pool.submit(api.native.countPrimes, PRIMES))
  await stop('process', 'a child', children, (pool) => pool.submit(task.spin))
  return { workers, interrupts }
}

type EndlessTask = (pool: PoolExecutor) => { result(limit: number): Promise<unknown> }

async function tried(make: () => PoolExecutor, use: (pool: PoolExecutor) => Promise<void>): Promise<Tried> {
  const since = performance.now()
  const ms = (): number => Math.round(performance.now() - since)
  let pool: PoolExecutor | undefined
  try {
    pool = make()
    await use(pool)
    return { ok: true, ms: ms() }
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${inOneLine(error.cause)}` : ''
    return { ok: false, ms: ms(), error: `${inOneLine(error)}${cause}` }
  } finally {
    await pool?.shutdown({ timeout: LIMIT })
  }
}

/**
 * Whether a task that does not end is stopped by its time-out, and whether its worker lives on, which `where`
 * tells: native tasks have no worker of their own.
 */
async function stopped(
  make: () => PoolExecutor,
  where: typeof Task.where | undefined,
  fn: EndlessTask,
): Promise<string> {
  const pool = make()
  const place = async (): Promise<string> =>
    where === undefined ? '' : String(await pool.submit(where).result(LIMIT))
  try {
    const before = await place()
    const since = performance.now()
    const isStopped = await fn(pool.with({ timeout: ENDLESS }))
      .result(LIMIT)
      .catch(isOfRun)
    if (isStopped !== true) return 'does not work'
    const late = Math.max(0, Math.round(performance.now() - since - ENDLESS))
    const fate = (await place()) === before ? 'lives on' : 'is replaced'
    return `works${where === undefined ? '' : `, and the worker ${fate}`} (${late} ms late)`
  } catch (error) {
    return `does not work: ${inOneLine(error)}`
  } finally {
    await pool.shutdown({ timeout: LIMIT })
  }
}

/** Whether a task's own time has run out, and not only the wait for it. */
function isOfRun(error: unknown): boolean {
  return (error as { phase?: unknown }).phase === 'run'
}
