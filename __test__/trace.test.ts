/** Traces: what `executor.trace()` records, and the files that it writes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { currentExecutor, Executor, native } from 'concurrent-futures'
import type { TraceEvent, TraceFile } from 'concurrent-futures'
import { drawTrace } from '../scripts/draw-trace.mjs'
import { checkTrace as check } from '../scripts/trace-format.mjs'
import { behaviours } from './executors.ts'
import { observed } from './fixtures/observed.mjs'
import { until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

const test = ava.serial
const behaviour = behaviours(test)

const of = (file: TraceFile, ph: TraceEvent['ph'], name?: string): TraceEvent[] =>
  file.traceEvents.filter((event) => event.ph === ph && (name === undefined || event.name === name))

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'trace-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

behaviour('a task is in the queue, and then on the track of its worker', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1, name: 'traced' })
  await executor.submit(observed.add, 0, 0)
  const trace = executor.trace()
  const before = Date.now()
  t.is(await executor.with({ name: 'mine' }).submit(observed.add, 1, 2), 3)
  await executor.submit(observed.fails).exception()
  const { threadId } = (await executor.dump())[0] as { threadId: number }
  const file = trace.stop()
  t.notThrows(() => check(file))
  t.is(of(file, 'X').length, 2, 'what was before is not in it')
  const [run] = of(file, 'X', 'mine')
  t.like(run, { cat: 'run', tid: threadId, pid: process.pid })
  t.true(Math.abs((run?.ts as number) / 1e3 - before) < SOON, 'the time is that of the day')
  const [from, to] = [of(file, 'b', 'mine')[0], of(file, 'e', 'mine')[0]]
  t.like(from, { cat: 'queue', id: to?.id })
  t.true((from?.ts as number) <= (to?.ts as number))
  t.is(to?.ts, run?.ts)
  t.is(of(file, 'X', 'fails').length, 1)
  const names = of(file, 'M').map(({ name, tid, args }) => [name, tid, args?.['name']])
  t.deepEqual(names[0], ['process_name', 0, 'traced'])
  t.deepEqual(
    names.map(([name, tid]) => [name, tid]),
    [
      ['process_name', 0],
      ['thread_name', 0],
      ['thread_name', threadId],
    ],
  )
  t.is(trace.stop(), file, 'stopping twice gives the same')
  t.is(trace.dropped, 0)
})

behaviour('what runs, was stopped, or never began is in it', async (t, { create }) => {
  await using executor = create(1)
  const trace = executor.trace()
  await executor.submit(observed.add, 0, 0)
  const spinning = executor.with({ timeout: SHORT, name: 'spins' }).submit(observed.spin)
  const waiting = executor.with({ name: 'waits' }).submit(observed.add, 1, 1)
  waiting.cancel()
  await spinning.exception()
  const last = executor.with({ name: 'last' }).submit(observed.spin)
  await until(() => last.running(), 'it runs')
  const file = trace.stop()
  t.notThrows(() => check(file))
  t.like(of(file, 'i')[0], { name: 'interrupt spins', s: 't', tid: of(file, 'X', 'spins')[0]?.tid })
  t.true((of(file, 'X', 'spins')[0]?.dur as number) >= SHORT * 1e3)
  t.like(of(file, 'b', 'waits')[0], { args: { state: 'cancelled' } })
  t.deepEqual(of(file, 'X', 'waits'), [])
  t.like(of(file, 'X', 'last')[0], { args: { state: 'running' } })
  last.cancel({ interrupt: true })
})

behaviour('tasks that lie side by side on a worker are pairs', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1, tasksPerWorker: 3 })
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
  await executor.submit(sleep, 0)
  const trace = executor.trace()
  await Promise.all([executor.submit(sleep, 60), executor.submit(sleep, 120), executor.submit(sleep, 180)])
  await executor.submit(sleep, 0)
  const file = trace.stop()
  t.notThrows(() => check(file))
  t.is(of(file, 'b', 'sleep').filter(({ cat }) => cat === 'run').length, 3)
  t.is(of(file, 'X', 'sleep').length, 1)
})

behaviour('it has streams, chunks, broadcasts, native tasks, and tasks of tasks', async (t, { create }) => {
  await using executor = create(2)
  const trace = executor.trace()
  for await (const _ of executor.stream(observed.count, 40));
  for await (const _ of executor.with({ chunkSize: 2 }).map(observed.double, [1, 2]));
  await executor.submit(native.crc32, 'x')
  await executor.submit(observed.nested)
  const file = trace.stop()
  t.notThrows(() => check(file))
  for (const name of ['count', 'double', 'crc32', 'nested', 'idAndCarrier']) {
    t.is(of(file, 'X', name).length + of(file, 'b', name).filter(({ cat }) => cat === 'run').length, 1, name)
  }
})

behaviour('a task traces its own executor', async (t, { create }) => {
  await using executor = create(2)
  await executor.submit(observed.add, 0, 0)
  const file = (await executor.submit(observed.trace)) as TraceFile
  t.notThrows(() => check(file))
  t.is(of(file, 'X', 'add').length, 1)
  t.is(of(file, 'M')[0]?.args?.['name'], executor.stats().name)
})

behaviour('traces are independent, and are written', async (t, { create }) => {
  await using executor = create(1)
  const path = join(folder(t), 'trace.json')
  const one = executor.trace()
  await executor.with({ name: 'first' }).submit(observed.add, 1, 1)
  const other = executor.trace()
  await executor.with({ name: 'second "quoted" \0' }).submit(observed.add, 1, 1)
  await one.write(path)
  await executor.with({ name: 'third' }).submit(observed.add, 1, 1)
  const written = JSON.parse(readFileSync(path, 'utf8')) as TraceFile
  t.deepEqual(written, { ...one.stop() })
  t.notThrows(() => check(written))
  t.deepEqual(
    of(written, 'X').map(({ name }) => name),
    ['first', 'second "quoted" \0'],
  )
  t.deepEqual(
    of(other.stop(), 'X').map(({ name }) => name),
    ['second "quoted" \0', 'third'],
  )
  await t.throwsAsync(other.write(join(path, 'not', 'there.json')), { code: 'ENOTDIR' })
  {
    using scoped = executor.trace()
    t.is(scoped.dropped, 0)
  }
  const late = executor.trace()
  await executor.shutdown()
  t.deepEqual(of(late.stop(), 'X'), [])
})

test('a trace is drawn: its tracks, the tasks that there is room for, and interrupts', async (t) => {
  const { ThreadPoolExecutor } = await import('concurrent-futures')
  await using executor = new ThreadPoolExecutor(1)
  await executor.submit(observed.add, 0, 0)
  const trace = executor.trace()
  await executor.with({ timeout: SHORT, name: 'a < b & c' }).submit(observed.spin).exception()
  await executor.submit(observed.add, 1, 2)
  const picture = drawTrace(trace.stop())
  for (const text of ['>queue<', '>worker ', '>a &lt; b &amp; c', '>interrupt<']) t.true(picture.includes(text), text)
  t.notRegex(picture, /NaN|undefined|a < b/)
  const open = [...picture.matchAll(/<(\w+)[^>]*?(\/?)>/g)].filter(([, , closed]) => closed === '').length
  t.is(open, [...picture.matchAll(/<\/\w+>/g)].length)
})

test('at most a million events are kept, the oldest go', async (t) => {
  const { ThreadPoolExecutor } = await import('concurrent-futures')
  await using executor = new ThreadPoolExecutor(1)
  const TASKS = 340_000
  const trace = executor.trace()
  for (let left = TASKS; left > 0; left -= 20_000) {
    let last
    for (let at = 0; at < 20_000; at++) last = executor.submit(observed.add, at, 1)
    await last
  }
  const { traceEvents } = trace.stop()
  const events = traceEvents.filter(({ ph }) => ph !== 'M')
  t.true(events.length <= 1_000_000 && events.length > 990_000, String(events.length))
  t.is(events.length + trace.dropped, 3 * TASKS)
})

test('an executor of another kind says that it keeps none', (t) => {
  t.throws(() => Executor.prototype.trace.call({}), { instanceOf: TypeError })
  t.is(currentExecutor(), null)
})
