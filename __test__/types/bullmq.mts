/**
 * What the compiler infers for users of concurrent-futures/bullmq, and what it refuses; as public.mts, where
 * bullmq is installed.
 */
import { Executor, Future, moduleTasks, native, ThreadPoolExecutor } from 'concurrent-futures'
import { BullMQExecutor, BullMQWorker } from 'concurrent-futures/bullmq'
import type { BullMQExecutorOptions, BullMQWorkerOptions, CloseOptions, JobFuture, Modules } from 'concurrent-futures/bullmq'
import type * as work from './tasks.mjs'

/** Whether two types are the same: neither `any` nor a wider one passes. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

declare function is<Expected>(): <Actual>(value: Actual, ...same: Same<Expected, Actual> extends true ? [] : [never]) => void

const url = new URL('./tasks.mjs', import.meta.url)
const modules: Modules = { work: url, more: 'file:///more.mjs' }
const { add, later } = moduleTasks<typeof work>(url)
const executor = new BullMQExecutor({ queue: 'cpu', connection: 'redis://localhost', modules })
const asExecutor: Executor = executor
void asExecutor

is<JobFuture<number>>()(executor.submit(add, 1, 2))
is<JobFuture<string[]>>()(executor.submit(later, 'a'))
is<JobFuture<number>>()(executor.submit(native.countPrimes, 10))
is<string>()(executor.submit(add, 1, 2).id)
is<number>()(await executor.submit(add, 1, 2))
is<JobFuture<unknown>>()(executor.future('id'))
is<JobFuture<number>>()(executor.future<number>('id'))
is<BullMQExecutor>()(executor.with({ timeout: 5, priority: 3, jobOptions: { attempts: 2, backoff: 100 } }))
for await (const sum of executor.map(add, [1, 2], [3, 4])) is<number>()(sum)
const future: Future<number> = executor.submit(add, 1, 2)
void future

// @ts-expect-error -- an argument of the wrong type
executor.submit(add, 1, '2')
// @ts-expect-error -- there is no such option
executor.with({ jobOption: {} })
// @ts-expect-error -- modules are missing
new BullMQExecutor({ queue: 'cpu', connection: {} } satisfies BullMQExecutorOptions)

const pool = new ThreadPoolExecutor(2)
const options: BullMQWorkerOptions = { queue: 'cpu', connection: { host: 'localhost', port: 6379 }, modules, executor: pool }
const worker = new BullMQWorker({ ...options, workerOptions: { lockDuration: 1_000 } })
const grace: CloseOptions = { grace: 100 }
is<Promise<void>>()(worker.close(grace))
// @ts-expect-error -- it is what the executor has
new BullMQWorker({ ...options, workerOptions: { concurrency: 4 } })
// @ts-expect-error -- it runs on a pool of this machine
new BullMQWorker({ ...options, executor })
await using closed = worker
void closed
