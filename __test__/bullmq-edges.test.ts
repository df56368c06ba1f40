/** A Redis that refuses us, and clients of the user's own. */
import test from 'ava'
import { Redis } from 'ioredis'
import { BrokenExecutor } from 'concurrent-futures'
import { BullMQExecutor, BullMQWorker } from 'concurrent-futures/bullmq'
import { errorOf, modules, Place, poolOf, work } from './bullmq-place.ts'
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
