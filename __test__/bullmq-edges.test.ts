/** A Redis that refuses us, clients of the user's own, and ids that are used again. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { BrokenExecutor, ThreadPoolExecutor } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { BullMQExecutor, BullMQWorker } from 'concurrent-futures/bullmq'
import { errorOf, holds, modules, Place, poolOf, work } from './bullmq-place.ts'
import { until } from './gate.ts'
import { SOON } from './limits.ts'
import { redisOf } from './redis.ts'

const redis = redisOf(test)

test.serial('a Redis that wants a password fails what waits for it, and a host says so; with the password all works', async (t) => {
  const client = new Redis(redis().url, { maxRetriesPerRequest: null })
  t.teardown(() => client.disconnect())
  await client.config('SET', 'requirepass', 'secret')
  const at = `localhost:${redis().port}`
  const warnings: string[] = []
  const onWarning = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  for (const connection of [`redis://${at}`, `redis://:wrong@${at}`]) {
    const executor = new BullMQExecutor({ queue: 'refused', connection, modules })
    const error = await errorOf(executor.submit(work.add, 1, 2))
    t.true(error instanceof BrokenExecutor)
    t.regex(error.message, /NOAUTH|WRONGPASS/)
    t.true(error.cause instanceof Error)
    t.true((await errorOf(executor.future('some-id'))) instanceof BrokenExecutor)
    await executor.shutdown()
    const host = new BullMQWorker({ queue: 'refused', connection, modules, executor: poolOf(1) })
    const before = warnings.length
    await until(() => warnings.length > before, 'it says so')
    t.regex(warnings.at(-1)!, /a BullMQWorker of the queue refused cannot reach Redis: (NOAUTH|WRONGPASS)/)
    await host.close()
  }
  const options = { queue: 'refused', connection: `redis://:secret@${at}`, modules }
  const executor = new BullMQExecutor(options)
  const host = new BullMQWorker({ ...options, executor: poolOf(1) })
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
  await host.close()
  t.is(warnings.length, 2)
  await client.config('SET', 'requirepass', '')
})

test.serial('a user of Redis needs no keys but those of the queue and of its cancels, as the page on it says', async (t) => {
  const page = readFileSync(new URL('../docs/distributed.md', import.meta.url), 'utf8')
  const [, rule] = /^ACL SETUSER images (.+)$/m.exec(page) as unknown as [string, string]
  const client = new Redis(redis().url, { maxRetriesPerRequest: null })
  t.teardown(() => client.disconnect())
  await client.call('ACL', 'SETUSER', 'images', ...rule.split(' '))
  t.teardown(() => client.call('ACL', 'DELUSER', 'images'))
  const connection = `redis://images:PASSWORD@127.0.0.1:${redis().port}`
  const executor = new BullMQExecutor({ queue: 'cpu', connection, modules })
  const host = new BullMQWorker({ queue: 'cpu', connection, modules, executor: poolOf(1) })
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  t.deepEqual(await executor.submit(work.all, new Uint8Array(100_000)).result(SOON), [new Uint8Array(100_000)])
  const running = executor.submit(work.spin)
  await until(() => running.running(), 'it runs')
  t.true(running.cancel({ interrupt: true }))
  t.is(await executor.submit(work.add, 3, 4).result(SOON), 7)
  await executor.shutdown()
  await host.close()
  const other = new BullMQExecutor({ queue: 'other', connection, modules })
  t.regex((await errorOf(other.submit(work.add, 1, 2))).message, /NOPERM/)
  await other.shutdown()
})

test.serial('a host that Node lets trust nobody at the place of Redis says so', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).end('this is no TLS\r\n'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const warnings: string[] = []
  const onWarning = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const connection = `rediss://127.0.0.1:${port}`
  const host = new BullMQWorker({ queue: 'no-tls', connection, modules, executor: poolOf(1) })
  await until(() => warnings.length > 0, 'it says so')
  t.regex(warnings[0]!, /^a BullMQWorker of the queue no-tls cannot reach Redis: /)
  await host.close()
})

test.serial('many jobs leave nothing behind in the process that has submitted them', async (t) => {
  const place = new Place(t, redis())
  place.host({ executor: poolOf(2) })
  const own = place.executor({ jobOptions: { removeOnComplete: { count: 10 } } })
  const view = own.with({ timeout: SOON, queueTimeout: SOON, totalTimeout: SOON })
  for (let round = 0; round < 2; round++) {
    const sums = await Promise.all(Array.from({ length: 1_000 }, (_, i) => view.submit(work.add, i, 1).result(SOON)))
    t.is(sums.at(-1), 1_000)
  }
  await until(() => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length < 50, 'no timer of a job is left')
  const { queued, running, completed } = own.stats()
  t.deepEqual([queued, running, completed], [0, 0, 2_000])
})

test.serial('a job that is submitted in the callback of a refusal is refused, too', async (t) => {
  const executor = new BullMQExecutor({ queue: 'refused', connection: `redis://nobody:wrong@127.0.0.1:${redis().port}`, modules })
  let second: Future<number> | undefined
  const first = executor.submit(work.add, 1, 2)
  first.addDoneCallback(() => (second = executor.submit(work.add, 3, 4)))
  t.true((await errorOf(first)) instanceof BrokenExecutor)
  t.true((await errorOf(second!)) instanceof BrokenExecutor)
  await executor.shutdown()
})

test.serial('a cancel is of one job, and the next of its id runs', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor({ jobOptions: { removeOnComplete: true, removeOnFail: true } })
  const named = own.with({ jobOptions: { jobId: 'again' } })
  const queue = place.queue()
  // Nobody has it yet.
  const waits = named.submit(work.add, 1, 2)
  await holds(queue, 1)
  t.true(waits.cancel())
  const next = named.submit(work.add, 3, 4)
  t.is(next.id, waits.id)
  place.host()
  t.is(await next.result(SOON), 7)
  // A host runs it.
  const runs = named.submit(work.spin)
  await until(() => runs.running(), 'it runs')
  t.true(runs.cancel({ interrupt: true }))
  await holds(queue, 0)
  t.is(await named.submit(work.add, 5, 6).result(SOON), 11)
})

test.serial('what BullMQ takes for a duplicate has the outcome of the job, though that is gone at once', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor({ jobOptions: { removeOnComplete: true, deduplication: { id: 'one' } } })
  const [first, second] = [own.submit(work.add, 1, 2), own.submit(work.add, 3, 4)]
  await holds(place.queue(), 1)
  place.host()
  t.deepEqual(await Promise.all([first.result(SOON), second.result(SOON)]), [3, 3])
  t.is(first.id, second.id)
})

test.serial("an id that is one of BullMQ's own words, or that Redis could not keep, is refused at the call", (t) => {
  const executor = new Place(t, redis()).executor()
  for (const id of ['meta', 'wait', 'events', 'id', '\ud800']) {
    t.throws(() => executor.with({ jobOptions: { jobId: id } }), { instanceOf: TypeError }, id)
  }
  t.throws(() => executor.future('meta'), { instanceOf: TypeError })
})

test.serial("a job that has ended is run anew by BullMQ's retry()", async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  place.host()
  const failed = own.submit(work.fail, 'no')
  t.is((await errorOf(failed)).message, 'no')
  await (await place.queue().getJob(failed.id))!.retry('failed')
  t.is((await errorOf(own.future(failed.id))).message, 'no')
})

test.serial('a host whose executor was shut down gives its jobs to others, and ends', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const pool = new ThreadPoolExecutor(1)
  const host = place.host({ executor: pool })
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  await pool.shutdown()
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  const sums = Array.from({ length: 10 }, (_, i) => own.submit(work.add, i, 1))
  t.regex((await warned).message, /has ended: its executor takes no tasks/)
  await host.close()
  place.host()
  t.deepEqual(
    await Promise.all(sums.map((sum) => sum.result(SOON))),
    sums.map((_, i) => i + 1),
  )
})

test.serial('connections of node-redis break, and no job fails by that', async (t) => {
  const place = new Place(t, redis())
  const clients = [createClient({ url: redis().url }), createClient({ url: redis().url })]
  for (const client of clients) {
    client.on('error', () => {})
    await client.connect()
  }
  const own = place.executor({ connection: clients[0] as never })
  const host = place.host({ connection: clients[1] as never, executor: poolOf(2) })
  const sums = Array.from({ length: 200 }, (_, i) => own.submit(work.add, i, 1))
  await until(() => sums.some((sum) => sum.done()), 'they run')
  await redis().cutConnections()
  t.deepEqual(
    await Promise.all(sums.map((sum) => sum.result(SOON))),
    sums.map((_, i) => i + 1),
  )
  await own.shutdown()
  await host.close()
  t.true(clients.every(({ isOpen }) => isOpen))
  for (const client of clients) client.destroy()
})

test.serial("a client of the user's stays open, and keeps no listeners of executors and hosts", async (t) => {
  const client = new Redis(redis().url, { maxRetriesPerRequest: null })
  t.teardown(() => client.disconnect())
  const place = new Place(t, redis())
  const listeners = (): number => client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0)
  await client.ping()
  const before = listeners()
  for (let i = 0; i < 3; i++) {
    const [own, host] = [place.executor({ connection: client }), place.host({ connection: client })]
    t.is(await own.submit(work.add, i, 1).result(SOON), i + 1)
    await Promise.all([own.shutdown(), host.close()])
  }
  t.is(listeners(), before)
  t.is(await client.ping(), 'PONG')
})
