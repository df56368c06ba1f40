/**
 * What the compiler infers for users, and what it refuses. scripts/test-tarballs.mjs compiles this beside the
 * packed package, by TypeScript 5.9 and by the newest; nothing of it runs.
 */
import {
  asCompleted,
  BrokenExecutor,
  CancelledError,
  currentTask,
  Executor,
  Future,
  FutureError,
  moduleTasks,
  native,
  ProcessPoolExecutor,
  QueueFullError,
  repeat,
  share,
  Shared,
  tasks,
  ThreadPoolExecutor,
  TimeoutError,
  transfer,
  wait,
} from 'concurrent-futures'
import type { DoneFuture, ExecutorStats, FutureState, TaskStream, TimeoutPhase } from 'concurrent-futures'
import type * as work from './tasks.mjs'

/** Whether two types are the same: neither `any` nor a wider one passes. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

declare function is<Expected>(): <Actual>(value: Actual, ...same: Same<Expected, Actual> extends true ? [] : [never]) => void

// @ts-expect-error -- it would see a type that says nothing
is<number>()(JSON.parse('1'))
// @ts-expect-error -- and a wider one
is<number | string>()(Number('1'))

const executor = new ThreadPoolExecutor(2)
const processes = new ProcessPoolExecutor({ maxWorkers: 2, maxTasksPerWorker: 10 })
const add = (a: number, b: number): number => a + b
const later = async (text: string): Promise<string[]> => [text]
function* count(to: number): Generator<number, string> {
  for (let i = 0; i < to; i++) yield i
  return 'done'
}
async function* lines(text: string): AsyncGenerator<string> {
  yield text
}

// submit
is<Future<number>>()(executor.submit(add, 1, 2))
is<Future<string[]>>()(executor.submit(later, 'a'))
is<Future<number>>()(processes.submit(add, 1, 2))
is<Future<number>>()(executor.submit((n: number) => n + 1, 1))
is<Future<void>>()(executor.submit(() => {}))
is<Future<number>>()(executor.submit(native.countPrimes, 100))
is<number>()(await executor.submit(add, 1, 2))
is<number>()(await executor.submit(add, 1, 2).result(1_000))
is<number>()(executor.submit(add, 1, 2).resultSync(1_000))
// A task of a task's future: it is what that gives.
is<Future<number>>()(executor.submit(async () => executor.submit(add, 1, 2)))
// @ts-expect-error -- an argument too few
executor.submit(add, 1)
// @ts-expect-error -- one too many
executor.submit(add, 1, 2, 3)
// @ts-expect-error -- of another type
executor.submit(add, 1, '2')
// @ts-expect-error -- no function
executor.submit(1)
// @ts-expect-error -- the result is no text
is<Future<string>>()(executor.submit(add, 1, 2))

// map
const mapped = executor.map(add, [1, 2], [3, 4])
for await (const value of mapped) is<number>()(value)
for await (const value of executor.map(later, ['a'])) is<string[]>()(value)
for await (const value of executor.map(later, lines('a'))) is<string[]>()(value)
for await (const value of executor.map(add, [1, 2], repeat(3))) is<number>()(value)
// @ts-expect-error -- an iterable for each argument
executor.map(add, [1, 2])
// @ts-expect-error -- of values of its type
executor.map(add, [1, 2], ['a'])
// @ts-expect-error -- and not a value
executor.map(later, 5)

// stream
const stream = executor.stream(count, 3)
is<TaskStream<number, string>>()(stream)
for await (const value of stream) is<number>()(value)
for await (const value of executor.stream(lines, 'a')) is<string>()(value)
// @ts-expect-error -- no generator
executor.stream(add, 1, 2)
// @ts-expect-error -- an argument of another type
executor.stream(count, 'a')

// share
const table = share(new Map([['a', 1]]))
is<Shared<Map<string, number>>>()(table)
const look = (map: Map<string, number>, key: string): number | undefined => map.get(key)
is<Future<number | undefined>>()(executor.submit(look, table, 'a'))
for await (const value of executor.map(look, repeat(table), ['a'])) is<number | undefined>()(value)
is<void>()(table.release())
// @ts-expect-error -- shared, but something else
executor.submit(look, share([1]), 'a')

// tasks and moduleTasks
const own = tasks(import.meta, { add, count })
is<Future<number>>()(executor.submit(own.add, 1, 2))
is<TaskStream<number, string>>()(executor.stream(own.count, 2))
// @ts-expect-error -- not among them
executor.submit(own.sub, 1, 2)
// @ts-expect-error -- functions alone
tasks(import.meta, { version: 1 })
const there = moduleTasks<typeof work>(new URL('./tasks.mjs', import.meta.url))
is<Future<number>>()(executor.submit(there.add, 1, 2))
is<Future<string[]>>()(executor.submit(there.later, 'a'))
is<TaskStream<number, string>>()(executor.stream(there.count, 2))
// @ts-expect-error -- the module has no such function
executor.submit(there.sub, 1, 2)
// @ts-expect-error -- what it has there is no function
executor.submit(there.version)
// @ts-expect-error -- an argument of another type
executor.submit(there.add, 1, 'a')

// broadcast
is<Future<number>[]>()(executor.broadcast(add, 1, 2))
is<Future<string[]>[]>()(processes.broadcast(later, 'a'))
// @ts-expect-error -- of another type
executor.broadcast(later, 1)

// with
is<ThreadPoolExecutor>()(executor.with({ timeout: 1_000 }))
is<ProcessPoolExecutor>()(processes.with({ priority: 1 }))
is<Future<number>>()(executor.with({ timeout: 1_000, priority: 1, signal: AbortSignal.timeout(1) }).submit(add, 1, 2))
executor.with({ chunkSize: 'auto', bufferSize: 4 }).map(later, ['a'])
// @ts-expect-error -- no such option
executor.with({ timeOut: 1 })
// @ts-expect-error -- no such word
executor.with({ chunkSize: 'all' })
// @ts-expect-error -- no such option of a pool
new ThreadPoolExecutor({ maxWorker: 1 })
// @ts-expect-error -- threads have no permissions of their own
new ThreadPoolExecutor({ permission: {} })
// @ts-expect-error -- abstract
new Executor()

// futures
const future = executor.submit(add, 1, 2)
is<FutureState>()(future.state)
is<boolean>()(future.cancel())
is<Promise<number>>()(future.then((n) => n))
for await (const done of asCompleted([future])) is<DoneFuture<number>>()(done)
const { done, notDone } = await wait([future, executor.submit(later, 'a')])
for (const one of done) await one
for (const one of notDone) is<boolean>()(one.running())
const mixed: readonly Future<number | string[]>[] = [future, executor.submit(later, 'a')]
is<number | string[]>()(await Promise.race(mixed))
// @ts-expect-error -- no state
future.state satisfies 'late'

// errors
const error: unknown = await future.exception(1_000)
if (error instanceof TimeoutError) is<TimeoutPhase>()(error.phase)
if (error instanceof QueueFullError || error instanceof CancelledError || error instanceof BrokenExecutor) is<string>()(error.code)
const isOurs: boolean = error instanceof FutureError
is<boolean>()(isOurs)

// the rest
is<ExecutorStats>()(executor.stats())
const bytes = new Uint8Array(8)
is<Uint8Array<ArrayBuffer>>()(transfer(bytes, [bytes.buffer]))
if (currentTask() !== undefined) is<boolean>()(currentTask()!.cancelled)
await executor.shutdown({ wait: true, cancelFutures: true })
// @ts-expect-error -- no such option
await executor.shutdown({ force: true })
{
  await using scoped = new ThreadPoolExecutor(1)
  const base: Executor = scoped
  is<Future<number>>()(base.submit(add, 1, 2))
}
