/**
 * The life of executors on BullMQ, of their jobs and of hosts, and what BullMQ's own tools see of them. Tasks
 * and values: bullmq.test.ts.
 */
import { channel } from 'node:diagnostics_channel'
import { pathToFileURL } from 'node:url'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { QueueEvents } from 'bullmq'
import { CancelledError, InvalidStateError, moduleTasks, ThreadPoolExecutor, TimeoutError, wait, WorkerLostError } from 'concurrent-futures'
import type { Future, TaskMessage } from 'concurrent-futures'
import { BullMQExecutor } from 'concurrent-futures/bullmq'
import type { BullMQExecutorOptions } from 'concurrent-futures/bullmq'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { cleanEnd, ended, inChild } from './child.ts'
import { errorOf, holds, modules, pairOn, Place, poolOf, work } from './bullmq-place.ts'
import type { Pair } from './bullmq-place.ts'
import { jobs } from './fixtures/jobs.mjs'
import { Folder, until } from './gate.ts'
import { SHORT, SOON, WHILE } from './limits.ts'
import { redisOf } from './redis.ts'

// One at a time: the hosts share two pools.
const test = ava.serial
const redis = redisOf(ava)

const pair = (t: ExecutionContext, options?: Partial<BullMQExecutorOptions>): Pair => pairOn(t, redis(), options)

// The life of an executor.

test('stats() tells of the jobs of this executor, and has no workers', async (t) => {
  const { own } = pair(t, { name: 'mine' })
  const folder = new Folder(t)
  const gate = folder.gate()
  const futures = [own.submit(work.add, 1, 2), own.submit(work.fail, 'no'), own.submit(work.waitForLater, gate), own.submit(work.add, 1, 2)]
  await until(() => futures[2]!.running(), 'the third runs')
  const stats = own.stats()
  t.like(stats, {
    name: 'mine',
    kind: 'bullmq',
    queued: 1,
    running: 1,
    broken: false,
    completed: 1,
    failed: 1,
    cancelled: 0,
    timedOut: 0,
    lost: 0,
  })
  t.deepEqual(stats.workers, { idle: 0, busy: 0, starting: 0, abandoned: 0, died: 0 })
  folder.open(gate)
  await wait(futures)
  const after = own.stats()
  t.like(after, { queued: 0, running: 0, completed: 3, failed: 1 })
  t.is(after.waitTime.count, 4)
  t.is(after.runTime.count, 4)
  t.true(after.runTime.max >= 0 && after.waitTime.max >= 0)
  t.deepEqual(await own.dump(), [])
  t.is(await own.ready(), undefined)
  t.regex(new BullMQExecutor({ queue: 'q', connection: redis().url, modules }).stats().name, /^bullmq-\d+$/)
})

test('shutdown() waits for what was accepted, and nothing is accepted after it', async (t) => {
  const { own } = pair(t)
  const futures = Array.from({ length: 5 }, () => own.submit(work.addLater, 1, 2))
  const over = own.shutdown()
  t.throws(() => own.submit(work.add, 1, 2), { instanceOf: InvalidStateError, message: /after shutdown/ })
  t.throws(() => own.map(work.add, [1], [2]), { instanceOf: InvalidStateError })
  await over
  t.true(futures.every((future) => future.state === 'finished'))
  await own.shutdown()
  await t.throwsAsync(own.ready(), { instanceOf: InvalidStateError })
})

test('shutdown({ wait: false }) resolves at once, and what was accepted still runs', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const gate = folder.gate()
  const future = own.submit(work.waitForLater, gate)
  await own.shutdown({ wait: false })
  t.false(future.done())
  folder.open(gate)
  await future.result(SOON)
  t.pass()
})

test('shutdown({ cancelFutures: true }) cancels what has not begun', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const gate = folder.gate()
  const running = own.submit(work.waitForLater, gate)
  await until(() => running.running(), 'one runs')
  const pending = own.submit(work.add, 1, 2)
  const over = own.shutdown({ cancelFutures: true })
  t.is(pending.state, 'cancelled')
  folder.open(gate)
  await over
  t.is(running.state, 'finished')
})

test('shutdown({ timeout }) ends what is not done by then as terminateWorkers() does', async (t) => {
  const { own } = pair(t)
  const running = own.submit(work.spin)
  await until(() => running.running(), 'one runs')
  const pending = own.submit(work.add, 1, 2)
  await own.shutdown({ timeout: SHORT })
  t.true((await errorOf(running)) instanceof WorkerLostError)
  t.is(pending.state, 'cancelled')
})

test("terminateWorkers() ends this executor's own jobs, and leaves hosts and the jobs of others alone", async (t) => {
  const place = new Place(t, redis())
  const [own, other] = [place.executor(), place.executor()]
  place.host()
  const folder = new Folder(t)
  const gate = folder.gate()
  const running = own.submit(jobs.startsAndSpins, folder.file('log'), 'x')
  await until(() => running.running(), 'one runs')
  const pending = own.submit(work.add, 1, 2)
  const others = other.submit(work.waitForLater, gate)
  const found = own.future(others.id)
  await own.terminateWorkers()
  t.is(found.state, 'cancelled')
  t.true((await errorOf(running)) instanceof WorkerLostError)
  t.is(pending.state, 'cancelled')
  t.is(own.stats().lost, 1)
  t.throws(() => own.submit(work.add, 1, 2), { instanceOf: InvalidStateError })
  await until(() => others.running(), 'the host goes on')
  folder.open(gate)
  await others.result(SOON)
  t.is(await other.submit(work.add, 1, 2).result(SOON), 3)
})

test('await using shuts down', async (t) => {
  const place = new Place(t, redis())
  place.host()
  let future
  {
    await using executor = place.executor()
    future = executor.submit(work.addLater, 1, 2)
  }
  t.is(future.resultSync(), 3)
})

test('an executor that has nothing to do lets the process end, and one with an unfinished future does not', async (t) => {
  const place = new Place(t, redis())
  place.host()
  const end = await inChild(
    async (_, url: string, queue: string, work: string) => {
      const { BullMQExecutor } = await import('concurrent-futures/bullmq')
      const { moduleTasks } = await import('concurrent-futures')
      const executor = new BullMQExecutor({ queue, connection: url, modules: { work } })
      const tasks = moduleTasks<{ pause(ms: number): number; add(a: number, b: number): number }>(work)
      await executor.submit(tasks.add, 1, 2)
      // Nobody waits for it.
      executor.submit(tasks.pause, 500).addDoneCallback((future) => console.log(future.state))
    },
    [redis().url, place.name, modules.work],
  )
  t.deepEqual(cleanEnd(end), ended(undefined))
  t.is(end.output, 'finished')
})

test('an executor that was never used lets the process end, also where nobody listens', async (t) => {
  const end = await inChild(
    async (_, work: string) => {
      const { BullMQExecutor } = await import('concurrent-futures/bullmq')
      const executor = new BullMQExecutor({ queue: 'q', connection: 'redis://127.0.0.1:1', modules: { work } })
      await executor.ready()
      return executor.stats().queued
    },
    [modules.work],
  )
  t.deepEqual(cleanEnd(end), ended(0))
})

// Ids.

test('a future of an id is that of the job, in the same executor and in another', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const future = own.submit(work.add, 1, 2)
  const again = own.future<number>(future.id)
  await holds(place.queue(), 1)
  const other = place.executor()
  const pending = other.future<number>(future.id)
  t.is(pending.id, future.id)
  place.host()
  t.deepEqual(await Promise.all([future.result(SOON), again.result(SOON), pending.result(SOON)]), [3, 3, 3])
  const later = place.executor().future(future.id)
  t.is(await later.result(SOON), 3, 'of a finished job')
  const failed = own.submit(jobs.throws, 'coded')
  await errorOf(failed)
  t.like(await errorOf(place.executor().future(failed.id)), { message: 'with a code', code: 'ERR_OWN' })
})

test('a future of the id of a running job gets its progress, and can stop it', async (t) => {
  const place = pair(t)
  const folder = new Folder(t)
  const gate = folder.gate()
  const first = place.own.submit(jobs.tells, [1], gate)
  await until(() => first.running(), 'it runs')
  const other = place.executor().future(first.id)
  await until(() => other.running(), 'it is known to run')
  t.false(other.cancel())
  t.true(other.cancel({ interrupt: true }))
  const error = await errorOf(first).catch((error: unknown) => error)
  t.true(error instanceof CancelledError, String(error))
  t.is(await place.own.submit(work.add, 1, 2).result(SOON), 3)
})

test('a future of an id that the queue does not have fails with InvalidStateError', async (t) => {
  const { own } = pair(t)
  const future = own.future('nobody-has-this')
  t.is(future.id, 'nobody-has-this')
  const error = await errorOf(future)
  t.true(error instanceof InvalidStateError)
  t.regex(error.message, /nobody-has-this/)
  t.throws(() => own.future(5 as never), { instanceOf: TypeError })
})

test('the jobId of a job that exists gives a future of that job, which is not run again', async (t) => {
  const place = pair(t)
  const folder = new Folder(t)
  const file = folder.file('log')
  const jobOptions = { jobId: 'report-of-may' }
  const future = place.own.with({ jobOptions }).submit(jobs.starts, file, 'may')
  t.is(future.id, 'report-of-may')
  t.is(await future.result(SOON), 1)
  const again = place.own.with({ jobOptions }).submit(jobs.starts, file, 'may')
  t.is(await again.result(SOON), 1)
  const other = place.executor().with({ jobOptions }).submit(jobs.starts, file, 'other')
  t.is(await other.result(SOON), 1)
  t.deepEqual(folder.notes(file), ['may'])
})

test('finished jobs are kept for a day, or as removeOnComplete and removeOnFail say', async (t) => {
  const place = pair(t)
  const queue = place.queue()
  const kept = place.own.submit(work.add, 1, 2)
  await kept.result(SOON)
  const job = await queue.getJob(kept.id)
  t.deepEqual([job?.opts.removeOnComplete, job?.opts.removeOnFail], [{ age: 86_400 }, { age: 86_400 }])
  const view = place.own.with({ jobOptions: { removeOnComplete: true, removeOnFail: true } })
  const [gone, failed] = [view.submit(work.add, 1, 2), view.submit(work.fail, 'no')]
  t.is(await gone.result(SOON), 3)
  t.is((await errorOf(failed)).message, 'no')
  t.true((await errorOf(place.executor().future(gone.id))) instanceof InvalidStateError)
  t.true((await errorOf(place.executor().future(failed.id))) instanceof InvalidStateError)
})

// Attempts.

test('a job is started once, and with attempts one that throws is started again', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const file = folder.file('log')
  t.is((await errorOf(own.submit(jobs.starts, file, 'once', 1))).message, 'start 1')
  t.is(
    await own
      .with({ jobOptions: { attempts: 3 } })
      .submit(jobs.starts, file, 'thrice', 2)
      .result(SOON),
    3,
  )
  t.is((await errorOf(own.with({ jobOptions: { attempts: 2 } }).submit(jobs.starts, file, 'twice', 9))).message, 'start 2')
  t.deepEqual(folder.notes(file), ['once', 'thrice', 'thrice', 'thrice', 'twice', 'twice'])
})

test('a job that was cancelled or has timed out is not started again', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const file = folder.file('log')
  const view = own.with({ jobOptions: { attempts: 3 } })
  t.true((await errorOf(view.with({ timeout: WHILE }).submit(jobs.startsAndSpins, file, 'late'))) instanceof TimeoutError)
  const future = view.submit(jobs.startsAndSpins, file, 'cancelled')
  await until(() => future.running() && folder.notes(file).length === 2, 'it runs')
  future.cancel({ interrupt: true })
  await own.submit(work.add, 1, 2).result(SOON)
  await new Promise((resolve) => setTimeout(resolve, WHILE))
  t.deepEqual(folder.notes(file), ['late', 'cancelled'])
})

test('options of jobs that BullMQ could not use are an error at the call', (t) => {
  const own = new Place(t, redis()).executor()
  for (const jobId of ['5', 'a:b', '', 7]) {
    t.throws(() => own.with({ jobOptions: { jobId } as never }).submit(work.add, 1, 2), { instanceOf: TypeError, message: /jobId/ })
  }
  for (const attempts of [0, -1, 1.5, NaN]) {
    t.throws(() => own.with({ jobOptions: { attempts } }).submit(work.add, 1, 2), { instanceOf: RangeError, message: /attempts/ })
  }
  t.throws(() => own.with({ jobOptions: { attempts: 'two' } as never }), { instanceOf: TypeError, message: /attempts/ })
  t.is(own.stats().queued, 0)
})

test('delay and backoff hold back a start', async (t) => {
  const { own } = pair(t)
  await own.submit(work.add, 1, 2).result(SOON)
  const file = new Folder(t).file('log')
  const start = performance.now()
  const delayed = own.with({ jobOptions: { delay: WHILE } }).submit(jobs.starts, file, 'delayed')
  const again = own.with({ jobOptions: { attempts: 2, backoff: { type: 'fixed', delay: WHILE } } }).submit(jobs.starts, file, 'again', 1)
  t.is(await delayed.result(SOON), 1)
  t.true(performance.now() - start >= WHILE - 5)
  t.is(await again.result(SOON), 2)
  t.true(performance.now() - start >= WHILE - 5)
})

// Producers and readers of BullMQ's own.

test("a producer that knows nothing of this package adds jobs, and reads their results by BullMQ's own means", async (t) => {
  const place = new Place(t, redis())
  place.host()
  const queue = place.queue()
  const events = new QueueEvents(place.name, { connection: { host: '127.0.0.1', port: redis().port } })
  t.teardown(() => events.close())
  await events.waitUntilReady()
  const job = await queue.add('work#add', { args: [1, 2] })
  t.is(await job.waitUntilFinished(events, SOON), 3)
  const failing = await queue.add('work#fail', { args: ['no more'] })
  await t.throwsAsync(failing.waitUntilFinished(events, SOON), { message: /^RangeError: no more/ })
  t.is(await place.executor().future(job.id!).result(SOON), 3)
})

test("our jobs can be read with BullMQ's own tools: text first", async (t) => {
  const place = pair(t)
  const queue = place.queue()
  const future = place.own.with({ name: 'sum of May' }).submit(work.all, 'May', { a: [1] })
  await future.result(SOON)
  const failing = place.own.submit(jobs.throws, 'range')
  await errorOf(failing)
  const [done, failed] = [await queue.getJob(future.id), await queue.getJob(failing.id)]
  t.is(done?.name, 'work#all')
  t.regex(JSON.stringify(done?.data), /"May",\{"a":\[1\]\}/)
  t.regex(JSON.stringify(done?.data), /sum of May/)
  t.deepEqual(done?.returnvalue, ['May', { a: [1] }])
  t.regex(failed!.failedReason, /^RangeError: too far/)
  t.is((await queue.getJobCounts('completed'))['completed'], 1)
})

test('a job that a host cannot run fails with an error that names what is missing', async (t) => {
  const place = new Place(t, redis())
  place.host({ modules: { work: modules.work } })
  const own = place.executor()
  t.regex((await errorOf(own.submit(jobs.pid))).message, /jobs/)
  const lacking = moduleTasks<{ absent(): void }>(modules.work)
  t.regex((await errorOf(own.submit(lacking.absent))).message, /absent/)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
})

test('a host runs nothing but what it was started with, and lives through nonsense', async (t) => {
  const place = new Place(t, redis())
  place.host()
  const queue = place.queue()
  const own = place.executor()
  const names = [
    'nonsense',
    'work#',
    '#add',
    `${pathToFileURL('/etc/passwd')}#x`,
    'work#constructor',
    'work#__proto__',
    'work#notAFunction',
  ]
  names.push('native#constructor', 'native#toString', 'native#none', '__proto__#toString', 'constructor#name')
  const strange = await Promise.all(names.map((name, n) => queue.add(name, { args: [] }, { jobId: `strange-${n}` })))
  const datas = [
    { 'concurrent-futures': 99, args: [] },
    { 'concurrent-futures': 1, args: 'no list' },
    { 'concurrent-futures': 1, args: { text: '', $bytes: 'no base64!' } },
    { 'concurrent-futures': 1, args: { text: '', $bytes: 'AAAA' } },
    { 'concurrent-futures': 1, args: { text: '', $bytes: '/w/////8AAAAA' } },
    { 'concurrent-futures': 1, args: [1, 2], timeout: -5 },
    { 'concurrent-futures': 1, args: [1, 2], name: { a: 1 } },
    { 'concurrent-futures': 1, args: [1, 2], chunk: true },
  ]
  const wrong = await Promise.all(datas.map((data, n) => queue.add('work#add', data, { jobId: `wrong-${n}` })))
  for (const job of [...strange, ...wrong]) {
    const error = await errorOf(own.future(job.id!))
    t.true(error instanceof Error, `${job.name} ${JSON.stringify(job.data)}`)
  }
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
})

// Hosts.

test('close() of a host lets what runs end, and takes no new job', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const host = place.host()
  const folder = new Folder(t)
  const gate = folder.gate()
  const running = own.submit(work.waitForLater, gate)
  await until(() => running.running(), 'it runs')
  const next = own.submit(work.add, 1, 2)
  const over = host.close()
  folder.open(gate)
  await over
  t.is((await errorOf(running)) as unknown, null)
  await new Promise((resolve) => setTimeout(resolve, WHILE))
  t.is(next.state, 'pending')
  await host.close()
  t.is(await poolOf(1).submit(work.add, 1, 2).result(SOON), 3, 'the executor goes on')
  place.host()
  t.is(await next.result(SOON), 3)
})

test('after its grace close() stops what runs: it is started again if attempts allow, else it is lost', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const folder = new Folder(t)
  const file = folder.file('log')
  const host = place.host({ executor: poolOf(2) })
  const gate = folder.gate()
  const again = own.with({ jobOptions: { attempts: 2 } }).submit(jobs.startsAndWaits, file, 'again', gate)
  const once = own.submit(jobs.startsAndWaits, file, 'once', gate)
  await until(() => folder.notes(file).length === 2, 'both run')
  await host.close({ grace: SHORT })
  t.true((await errorOf(once)) instanceof WorkerLostError)
  t.false(again.done())
  folder.open(gate)
  place.host()
  t.is(await again.result(SOON), 'again')
  t.deepEqual(folder.notes(file).sort(), ['again', 'again', 'once'])
  const idle = place.host()
  t.throws(() => idle.close({ grace: -1 }), { instanceOf: RangeError })
  t.throws(() => idle.close({ wait: true } as never), { instanceOf: TypeError, message: /wait/ })
})

test('a host keeps its process alive until it is closed', async (t) => {
  const place = new Place(t, redis())
  const end = await inChild(
    async (_, url: string, queue: string, work: string) => {
      const { BullMQWorker } = await import('concurrent-futures/bullmq')
      const { ThreadPoolExecutor } = await import('concurrent-futures')
      const worker = new BullMQWorker({ queue, connection: url, modules: { work }, executor: new ThreadPoolExecutor(1) })
      setTimeout(() => void worker.close().then(() => console.log('closed')), 500).unref()
    },
    [redis().url, place.name, modules.work],
  )
  t.deepEqual(cleanEnd(end), ended(undefined))
  t.is(end.output, 'closed')
})

test('shutdown() of an executor and close() of a host close their connections', async (t) => {
  const place = new Place(t, redis())
  // Those of other tests may be on their way out.
  await new Promise((resolve) => setTimeout(resolve, WHILE))
  const before = await redis().connections()
  const [own, host] = [place.executor(), place.host()]
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  t.true((await redis().connections()) > before)
  await Promise.all([own.shutdown(), host.close()])
  const end = performance.now() + SOON
  while ((await redis().connections()) > before && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
  t.is(await redis().connections(), before)
})

test('a host follows the size of its executor', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const pool = new ThreadPoolExecutor(1)
  t.teardown(() => pool.terminateWorkers())
  place.host({ executor: pool })
  const folder = new Folder(t)
  const gate = folder.gate()
  const futures = [1, 2, 3].map(() => own.submit(work.waitForLater, gate))
  await until(() => own.stats().running === 1, 'one runs')
  await new Promise((resolve) => setTimeout(resolve, WHILE))
  t.is(own.stats().running, 1)
  pool.resize(3)
  await until(() => own.stats().running === 3, 'all run')
  folder.open(gate)
  await Promise.all(futures)
  pool.resize(1)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
})

test('a job waits on its host for room in an executor that others use as well', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, maxQueue: 1 })
  t.teardown(() => pool.terminateWorkers())
  const folder = new Folder(t)
  const gate = folder.gate()
  const local: Future<number>[] = [pool.submit(work.waitFor, gate)]
  await until(() => pool.stats().running === 1, 'it is busy')
  local.push(pool.submit(work.add, 1, 2))
  place.host({ executor: pool })
  const future = own.submit(work.add, 1, 2)
  await new Promise((resolve) => setTimeout(resolve, WHILE))
  t.false(future.done())
  folder.open(gate)
  t.is(await future.result(SOON), 3)
  await Promise.all(local)
})

test('two hosts share the jobs of a queue', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  place.host()
  place.host({ executor: poolOf(2) })
  const folder = new Folder(t)
  const gate = folder.gate()
  const futures = [1, 2, 3].map(() => own.submit(work.waitForLater, gate))
  await until(() => own.stats().running === 3, 'all run')
  folder.open(gate)
  await Promise.all(futures)
  t.is(own.stats().completed, 3)
})

test('connection may be a URL, options, or a client, which stays open', async (t) => {
  const client = new Redis({ host: '127.0.0.1', port: redis().port, maxRetriesPerRequest: null })
  t.teardown(() => client.disconnect())
  const other = createClient({ url: redis().url })
  await other.connect()
  t.teardown(() => other.destroy())
  for (const connection of [new URL(redis().url), { host: '127.0.0.1', port: redis().port }, client, other]) {
    const place = new Place(t, redis())
    const host = place.host({ connection: connection as never })
    {
      await using executor = place.executor({ connection: connection as never })
      t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
    }
    await host.close()
  }
  t.deepEqual([await client.ping(), await other.ping()], ['PONG', 'PONG'])
  const impatient = new Redis({ host: '127.0.0.1', port: redis().port, lazyConnect: true })
  t.teardown(() => impatient.disconnect())
  t.throws(() => new BullMQExecutor({ queue: 'q', connection: impatient as never, modules }), { message: /maxRetriesPerRequest/ })
})

test('queues of one name and different prefixes are different', async (t) => {
  const place = new Place(t, redis())
  place.host({ prefix: 'a' })
  const [a, b] = [place.executor({ prefix: 'a' }), place.executor({ prefix: 'b' })]
  const elsewhere = b.submit(work.add, 1, 2)
  t.is(await a.submit(work.add, 1, 2).result(SOON), 3)
  await holds(place.queue({ prefix: 'b' }), 1)
  t.is(elsewhere.state, 'pending')
  place.host({ prefix: 'b' })
  t.is(await elsewhere.result(SOON), 3)
})

// Observing.

test('the channel tells of these tasks, and its carrier arrives on the host', async (t) => {
  const { own } = pair(t, { name: 'watched' })
  const told: TaskMessage[] = []
  const onStart = (message: unknown): void => void ((message as TaskMessage).carrier!['traceparent'] = '00-1')
  const onEnd = (message: unknown): void => void told.push(message as TaskMessage)
  const [start, end] = [channel('tracing:concurrent-futures:task:start'), channel('tracing:concurrent-futures:task:asyncEnd')]
  start.subscribe(onStart)
  end.subscribe(onEnd)
  t.teardown(() => {
    start.unsubscribe(onStart)
    end.unsubscribe(onEnd)
  })
  const future = own.with({ name: 'mine', priority: 2 }).submit(jobs.about)
  t.deepEqual((await future.result(SOON)).carrier, { traceparent: '00-1' })
  await until(() => told.some(({ executor }) => executor === 'watched'), 'it is told')
  const message = told.find(({ executor }) => executor === 'watched')
  t.like(message, { kind: 'bullmq', id: future.id, name: 'mine', priority: 2 })
})

test('a trace has a track for each host, and the tasks on it', async (t) => {
  const { own } = pair(t)
  using trace = own.trace()
  await own.with({ name: 'mine' }).submit(work.add, 1, 2).result(SOON)
  const { traceEvents } = trace.stop()
  t.is(traceEvents.filter(({ ph, name }) => ph === 'X' && name === 'mine').length, 1)
  t.is(traceEvents.filter(({ ph, name }) => ph === 'b' && name === 'mine').length, 1)
})
