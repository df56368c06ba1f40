/**
 * What becomes of jobs when hosts, Redis or producers die, stand still or have a wrong clock. Hosts are in
 * processes of their own. Larger and slower: stress/bullmq-faults.mjs.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { CancelledError, Future, InvalidStateError, TimeoutError, wait, WorkerLostError } from 'concurrent-futures'
import { holds, modules, Place, poolOf, work } from './bullmq-place.ts'
import { cleanEnd, ended, inChild } from './child.ts'
import { jobs } from './fixtures/jobs.mjs'
import { Folder, until } from './gate.ts'
import { PROMPT, SHORT, SOON } from './limits.ts'
import { RedisServer, redisOf } from './redis.ts'
import type { RedisOptions } from './redis.ts'
import { Wire } from './wire.ts'

const redis = redisOf(ava)

/**
 * So many at once: most of their time they wait. Not more, for hosts slow each other down, and have short
 * locks.
 */
const AT_ONCE = 3
let free = AT_ONCE
const queue: (() => void)[] = []

function test(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  ava(title, async (t) => {
    t.timeout(10 * SOON)
    if (free > 0) free--
    else await new Promise<void>((resolve) => queue.push(resolve))
    // The last to be torn down: what it has started goes first.
    t.teardown(() => {
      const next = queue.shift()
      if (next === undefined) free++
      else next()
    })
    await body(t)
  })
}

/** Locks that run out within the time of a test, and not on a busy machine. */
const QUICK = { workerOptions: { lockDuration: 1_500, stalledInterval: 500 } }
/** Longer than the lock. */
const LONG = 3_000

/** On a Redis of the test's own, which it may kill. */
async function placeOnRedis(t: ExecutionContext, options?: RedisOptions): Promise<Place & { server: RedisServer }> {
  const server = await RedisServer.start(options)
  t.teardown(() => server.end())
  return Object.assign(new Place(t, server), { server })
}

/** How often each future has told that it is done. */
class Ends {
  readonly #counts: Map<Future<any>, number> = new Map()

  of<F extends Future<any>>(future: F): F {
    this.#counts.set(future, 0)
    future.addDoneCallback(() => this.#counts.set(future, this.#counts.get(future)! + 1))
    return future
  }

  futures(): Future<any>[] {
    return [...this.#counts.keys()]
  }

  /** Waits for all, which must have ended once. */
  async once(t: ExecutionContext): Promise<void> {
    const { notDone } = await wait(this.futures(), { timeout: 2 * SOON })
    t.is(notDone.size, 0, 'all have ended')
    t.true([...this.#counts.values()].every((count) => count === 1))
  }
}

const countOf = (notes: readonly string[], text: string): number => notes.filter((note) => note === text).length

test('a host that is killed among a thousand jobs: what it ran is started again if attempts allow, else lost, and nothing else is', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const own = place.executor()
  const twice = own.with({ jobOptions: { attempts: 2 } })
  const ends = new Ends()
  const first = await place.hostProcess({ ...QUICK, pool: { maxWorkers: 4 } })
  const once = ends.of(own.submit(jobs.startsAndWaits, log, 'once', gate))
  const again = ends.of(twice.submit(jobs.startsAndWaits, log, 'again', gate))
  await until(() => folder.notes(log).length === 2, 'both run')
  await place.hostProcess({ ...QUICK, pool: { maxWorkers: 2 } })
  const futures = Array.from({ length: 1_000 }, (_, n) => ends.of((n % 2 === 0 ? own : twice).submit(jobs.spinsFor, log, `job ${n}`, 1)))
  await until(() => own.stats().completed > 200, 'some have ended')
  await first.kill()
  folder.open(gate)
  await ends.once(t)
  t.true((await once.exception()) instanceof WorkerLostError)
  t.is(await again.result(), 'again')
  const notes = folder.notes(log)
  t.deepEqual([countOf(notes, 'once'), countOf(notes, 'again')], [1, 2])
  const lost: number[] = []
  for (const [n, future] of futures.entries()) {
    const starts = countOf(notes, `job ${n}`)
    const error = await future.exception()
    if (error !== null) {
      t.true(error instanceof WorkerLostError, String(error))
      lost.push(n)
    } else t.is(await future.result(), `job ${n}`)
    t.true(starts >= (error === null ? 1 : 0) && starts <= 1 + (n % 2), `job ${n}: ${starts} starts`)
  }
  t.true(lost.length <= 2, 'as many as it ran')
  t.true(lost.every((n) => n % 2 === 0))
})

test('Redis killed for some seconds: what ran goes on, what was submitted meanwhile waits, and nothing runs twice', async (t) => {
  const place = await placeOnRedis(t, { appendonly: true })
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const own = place.executor()
  const ends = new Ends()
  await place.hostProcess({ pool: { maxWorkers: 2 } })
  const running = ends.of(own.submit(jobs.startsAndWaits, log, 'running', gate))
  const ending = ends.of(own.submit(jobs.spinsFor, log, 'ending', 2_000))
  await until(() => running.running() && ending.running() && folder.notes(log).length === 2, 'both run')
  const queued = Array.from({ length: 50 }, (_, n) => ends.of(own.submit(jobs.spinsFor, log, `queued ${n}`, 1)))
  await sleep(SHORT)
  await place.server.kill()
  const start = performance.now()
  const meanwhile = Array.from({ length: 50 }, (_, n) => ends.of(own.submit(jobs.spinsFor, log, `meanwhile ${n}`, 1)))
  const cancelled = ends.of(own.submit(jobs.spinsFor, log, 'cancelled', 1))
  t.true(performance.now() - start < 1_000, 'submit does not wait')
  t.true(cancelled.cancel())
  const late = ends.of(own.with({ totalTimeout: SHORT }).submit(jobs.spinsFor, log, 'late', 1))
  t.is(((await late.exception(SOON)) as TimeoutError).phase, 'total')
  await sleep(LONG)
  await place.server.start()
  folder.open(gate)
  t.is(await running.result(SOON), 'running')
  t.is(await ending.result(SOON), 'ending', 'it ended while Redis was away')
  await ends.once(t)
  for (const future of [...queued, ...meanwhile]) t.is(await future.exception(), null)
  const started = folder.notes(log).filter((note) => !note.endsWith(' ended'))
  t.is(new Set(started).size, started.length, 'none twice')
  t.is(started.length, 102)
})

test('Redis away for longer than the lock counts as the death of the host: attempts say what is started again', async (t) => {
  const place = await placeOnRedis(t, { appendonly: true })
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const own = place.executor()
  const twice = own.with({ jobOptions: { attempts: 2 } })
  const ends = new Ends()
  await place.hostProcess({ ...QUICK, pool: { maxWorkers: 2 } })
  const once = ends.of(own.submit(jobs.startsAndWaits, log, 'once', gate))
  const again = ends.of(twice.submit(jobs.startsAndWaits, log, 'again', gate))
  await until(() => folder.notes(log).length === 2, 'both run')
  const queued = ends.of(own.submit(work.add, 1, 2))
  await sleep(SHORT)
  await place.server.kill()
  await sleep(LONG)
  await place.server.start()
  await until(() => countOf(folder.notes(log), 'again') === 2, 'it is started again')
  folder.open(gate)
  await ends.once(t)
  t.true((await once.exception()) instanceof WorkerLostError)
  t.is(await again.result(), 'again')
  t.is(await queued.result(), 3)
  t.is(countOf(folder.notes(log), 'once'), 1)
})

test('Redis that comes back empty: every future ends, and what is submitted then runs', async (t) => {
  const place = await placeOnRedis(t)
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const own = place.executor()
  const ends = new Ends()
  await place.hostProcess(QUICK)
  const running = ends.of(own.submit(jobs.startsAndWaits, log, 'running', gate))
  await until(() => folder.notes(log).length === 1 && running.running(), 'it runs')
  for (let n = 0; n < 5; n++) ends.of(own.submit(jobs.spinsFor, log, `queued ${n}`, 1))
  await sleep(SHORT)
  await place.server.restartEmpty()
  folder.open(gate)
  const after = ends.of(own.submit(work.add, 1, 2))
  t.is(await after.result(2 * SOON), 3)
  await ends.once(t)
  for (const future of ends.futures()) {
    const error = await future.exception()
    t.true(error === null || error instanceof WorkerLostError, String(error))
  }
  const started = folder.notes(log).filter((note) => !note.endsWith(' ended'))
  t.is(new Set(started).size, started.length, 'none twice')
})

test('Redis that stands still for a while loses nothing', async (t) => {
  const place = await placeOnRedis(t)
  const own = place.executor()
  const folder = new Folder(t)
  const log = folder.file('log')
  const ends = new Ends()
  await place.hostProcess()
  await own.submit(work.add, 1, 2).result(SOON)
  const futures = Array.from({ length: 100 }, (_, n) => ends.of(own.submit(jobs.starts, log, `job ${n}`)))
  await until(() => own.stats().completed > 10, 'some have ended')
  place.server.pause()
  await sleep(1_000)
  place.server.resume()
  await ends.once(t)
  for (const future of futures) t.is(await future.result(), 1)
})

test("a host that stands still for longer than its lock: another takes its job, and what the first then says doesn't count", async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const own = place.executor()
  const ends = new Ends()
  const first = await place.hostProcess(QUICK)
  const again = ends.of(own.with({ jobOptions: { attempts: 2 } }).submit(jobs.startsAndWaits, log, 'again', gate))
  await until(() => folder.notes(log).length === 1, 'it runs on the first')
  await place.hostProcess(QUICK)
  first.pause()
  await until(() => folder.notes(log).length === 2, 'it runs on the second')
  first.resume()
  folder.open(gate)
  t.is(await again.result(SOON), 'again')
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  await ends.once(t)
  t.is(folder.notes(log).length, 2)
  t.is(
    await first
      .close()
      .then(() => first.ended())
      .then(({ code }) => code),
    0,
    'the first goes on, and ends well',
  )
})

for (const [moment, isToArrive] of [['before', false] as const, ['after', true] as const]) {
  test(`a host that loses its network right ${moment} it hears of a job does not start that when the network is back`, async (t) => {
    const place = new Place(t, redis())
    const folder = new Folder(t)
    const log = folder.file('log')
    const own = place.executor()
    const wire = await Wire.to(redis().port)
    t.teardown(() => wire.end())
    const pool = poolOf(1)
    place.host({ executor: pool, connection: wire.url, ...QUICK })
    await own.submit(work.add, 1, 2).result(SOON)
    wire.holdAt('jobs#starts', isToArrive)
    const once = own.submit(jobs.starts, log, 'once')
    await until(() => wire.isHeld, 'the host is given it')
    const second = place.host({ executor: poolOf(2), ...QUICK })
    t.is(await once.result(SOON), 1)
    wire.release()
    await second.close()
    t.is(await own.submit(work.add, 1, 2).result(SOON), 3, 'the host goes on')
    t.deepEqual(folder.notes(log), ['once'])
  })
}

test('a job that kills its host is started as often as attempts say, then it is lost, and the other jobs run', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const log = folder.file('log')
  const own = place.executor()
  const ends = new Ends()
  const hosts = await Promise.all([place.hostProcess(QUICK), place.hostProcess(QUICK), place.hostProcess(QUICK)])
  const poisoned = ends.of(own.with({ jobOptions: { attempts: 2 } }).submit(jobs.poison, log, 'poisoned'))
  const others = Array.from({ length: 20 }, (_, n) => ends.of(own.with({ jobOptions: { attempts: 3 } }).submit(work.add, n, 1)))
  t.true((await poisoned.exception(2 * SOON)) instanceof WorkerLostError)
  await ends.once(t)
  for (const [n, future] of others.entries()) t.is(await future.result(), n + 1)
  t.deepEqual(folder.notes(log), ['poisoned', 'poisoned'])
  t.is(hosts.length, 3)
})

test('on a host with child processes a job that kills its process harms no host', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const log = folder.file('log')
  const own = place.executor()
  const host = await place.hostProcess({ ...QUICK, kind: 'process' })
  const pid = await own.submit(jobs.pid).result(SOON)
  t.not(pid, host.pid)
  t.true((await own.submit(jobs.poison, log, 'once').exception(SOON)) instanceof WorkerLostError)
  const twice = own.with({ jobOptions: { attempts: 2 } })
  t.true((await twice.submit(jobs.poison, log, 'twice').exception(SOON)) instanceof WorkerLostError)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  t.deepEqual(folder.notes(log), ['once', 'twice', 'twice'])
  await host.close({ grace: 0 })
  t.is((await host.ended()).code, 0)
})

test('a job that was cancelled, or whose time is over, is not started by another host when its own has died', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const log = folder.file('log')
  const own = place.executor()
  const often = own.with({ jobOptions: { attempts: 3 } })
  const ends = new Ends()
  const first = await place.hostProcess({ ...QUICK, pool: { maxWorkers: 2, minWorkers: 2 } })
  await own.submit(work.add, 1, 2).result(SOON)
  const cancelled = ends.of(often.submit(jobs.startsAndSpins, log, 'cancelled'))
  const late = ends.of(often.with({ totalTimeout: LONG }).submit(jobs.startsAndSpins, log, 'late'))
  await until(() => folder.notes(log).length === 2, 'both run')
  await first.kill()
  t.true(cancelled.cancel({ interrupt: true }))
  t.is(((await late.exception(SOON)) as TimeoutError).phase, 'total')
  place.host({ executor: poolOf(2), ...QUICK })
  const witness = ends.of(own.submit(work.add, 1, 2))
  t.is(await witness.result(SOON), 3)
  await sleep(LONG)
  await ends.once(t)
  t.deepEqual(folder.notes(log).sort(), ['cancelled', 'late'])
})

test('who is there before Redis works when that comes, and who closes when it has gone comes to an end', async (t) => {
  const place = await placeOnRedis(t)
  await place.server.kill()
  const own = place.executor()
  const host = place.host({ executor: poolOf(2) })
  const future = own.submit(work.add, 1, 2)
  await sleep(SHORT)
  await place.server.start()
  t.is(await future.result(SOON), 3)
  await place.server.kill()
  await Promise.all([host.close(), own.shutdown()])
  await place.executor().shutdown()
})

test('a host that is closed while Redis is away ends with its process, also one that never reached it', async (t) => {
  const place = await placeOnRedis(t)
  const own = place.executor()
  const hosts = [await place.hostProcess()]
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  await place.server.kill()
  hosts.push(await place.hostProcess())
  await Promise.all(hosts.map((host) => host.close({ grace: 0 })))
  for (const host of hosts) {
    const end = await Promise.race([host.ended(), sleep(SOON, undefined, { ref: false })])
    t.is(end?.code, 0, host.output)
  }
})

test('a Redis that is full refuses what is submitted, and that fails with its words', async (t) => {
  const place = await placeOnRedis(t)
  const own = place.executor()
  place.host({ executor: poolOf(2) })
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  await place.server.setFull(true)
  t.regex(((await own.submit(work.add, 1, 2).exception(SOON)) as Error).message, /OOM/)
  await place.server.setFull(false)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
})

test('a job that computes for several times its lock is run once', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const log = folder.file('log')
  const own = place.executor()
  await Promise.all([place.hostProcess(QUICK), place.hostProcess(QUICK)])
  t.is(
    await own
      .with({ jobOptions: { attempts: 3 } })
      .submit(jobs.spinsFor, log, 'long', 2 * LONG)
      .result(SOON),
    'long',
  )
  t.deepEqual(folder.notes(log), ['long', 'long ended'])
})

// By itself, and so before all others: it needs the thread.
ava.serial('a result of 50 MB arrives', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  await place.hostProcess()
  const bytes = await own.submit(jobs.bytes, 50_000_000).result(2 * SOON)
  t.is(bytes.length, 50_000_000)
  t.is(bytes[4_096 * 12_000], 12_000 % 256)
})

test('a producer that was killed finds its jobs again by their ids, also those that have ended meanwhile', async (t) => {
  const place = new Place(t, redis())
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const texts = ['one', 'two', 'three']
  const producer = place.producer({ log, texts, gate })
  const ids = (await producer.says()) as string[]
  await producer.kill()
  await place.hostProcess()
  const own = place.executor()
  const futures = ids.map((id) => own.future<string>(id))
  await until(() => futures[0]!.running(), 'the first runs')
  folder.open(gate)
  t.deepEqual(await Promise.all(futures.map((future) => future.result(SOON))), texts)
  t.deepEqual(await Promise.all(ids.map((id) => place.executor().future(id).result(SOON))), texts)
  t.deepEqual(folder.notes(log), texts)
})

for (const [title, clock] of [['ahead', 60_000] as const, ['behind', -60_000] as const]) {
  test(`a host whose clock is a minute ${title}: limits of time hold, and jobs run once`, async (t) => {
    const place = new Place(t, redis())
    const folder = new Folder(t)
    const log = folder.file('log')
    const own = place.executor()
    await place.hostProcess({ ...QUICK, clock, pool: { maxWorkers: 2 } })
    await own.submit(work.add, 1, 2).result(SOON)
    const limited = own.with({ queueTimeout: SOON, totalTimeout: SOON, timeout: SOON, jobOptions: { attempts: 2 } })
    const long = limited.submit(jobs.spinsFor, log, 'long', LONG)
    const start = performance.now()
    const error = (await own.with({ totalTimeout: 500 }).submit(work.spin).exception(SOON)) as TimeoutError
    t.is(error.phase, 'total')
    t.true(performance.now() - start < PROMPT)
    const run = (await own.with({ timeout: 100 }).submit(work.spin).exception(SOON)) as TimeoutError
    t.is(run.phase, 'run')
    t.is(await long.result(SOON), 'long')
    t.deepEqual(folder.notes(log), ['long', 'long ended'])
  })
}

test('where no Redis listens limits of time hold, shutdown({ timeout }) comes to its end, and the process ends', async (t) => {
  const end = await inChild(
    async (_, work: string) => {
      const { BullMQExecutor } = await import('concurrent-futures/bullmq')
      const { moduleTasks } = await import('concurrent-futures')
      const executor = new BullMQExecutor({ queue: 'q', connection: 'redis://127.0.0.1:1', modules: { work } })
      const { add } = moduleTasks<{ add(a: number, b: number): number }>(work)
      const late: any = await executor.with({ totalTimeout: 50 }).submit(add, 1, 2).exception()
      const unsettled = executor.submit(add, 1, 2)
      const unknown = executor.future('some-id')
      await executor.shutdown({ timeout: 50 })
      return [late.phase, unsettled.done(), unknown.done()]
    },
    [modules.work],
  )
  t.deepEqual(cleanEnd(end), ended<[string, boolean, boolean]>(['total', true, true]))
})

test('a cancel reaches a task whose host was away when it was sent', async (t) => {
  const place = await placeOnRedis(t, { appendonly: true })
  const folder = new Folder(t)
  const log = folder.file('log')
  const own = place.executor()
  await place.hostProcess()
  const future = own.submit(jobs.startsAndSpins, log, 'x')
  await until(() => future.running() && folder.notes(log).length === 1, 'it runs')
  await place.server.kill()
  t.true(future.cancel({ interrupt: true }))
  await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
  await place.server.start()
  t.is(await own.submit(work.add, 1, 2).result(2 * SOON), 3, 'the one worker is free')
  t.true((await own.future('none').exception(SOON)) instanceof InvalidStateError)
})

test('what Redis forgets of its events, and connections that it cuts, keep no result back', async (t) => {
  const place = await placeOnRedis(t)
  const own = place.executor()
  const ends = new Ends()
  place.host({ executor: poolOf(2), ...QUICK })
  await own.submit(work.add, 1, 2).result(SOON)
  // Whoever makes one last says how many events are kept.
  const queue = place.queue({ streams: { events: { maxLen: 1 } } })
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 100; n++) ends.of(own.submit(work.add, n, round))
    await until(() => own.stats().completed > 100 * round + 20, 'some have ended')
    await queue.trimEvents(0)
    await place.server.cutConnections()
  }
  await ends.once(t)
  for (const [index, future] of ends.futures().entries()) t.is(await future.result(), (index % 100) + Math.floor(index / 100))
})

test('jobs that others drop from the queue end the futures that wait for them', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const ends = new Ends()
  const queue = place.queue()
  const futures = Array.from({ length: 10 }, () => ends.of(own.submit(work.add, 1, 2)))
  await holds(queue, 10)
  await queue.remove(futures[0]!.id)
  await t.throwsAsync(futures[0]!.result(SOON), { instanceOf: CancelledError })
  await queue.obliterate({ force: true })
  await ends.once(t)
  for (const future of futures) t.not(await future.exception().catch((error: unknown) => error), null)
  place.host()
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
})
