/**
 * Workers that are there before the first task is. What the core decides without JavaScript:
 * crates/pool/tests/warm_up.rs.
 */
import ava from 'ava'
import { InvalidStateError, moduleTasks, native } from 'concurrent-futures'
import type { PoolExecutor } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { sizes } from './fixtures/sizes.mjs'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

const living = ({ workers }: ReturnType<PoolExecutor['stats']>): number => workers.idle + workers.busy

behaviour('warmUp resolves when so many workers live and have run their initializer', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  await using executor = create({ maxWorkers: 3, initializer: work.note, initargs: [log, 'ready'] })
  await executor.warmUp(0)
  t.is(living(executor.stats()), 0)
  await executor.warmUp(2)
  t.is(folder.notes(log).length, 2)
  t.is(living(executor.stats()), 2)
  t.is(await executor.warmUp(), undefined)
  t.is(living(executor.stats()), 3)
  await executor.with({ priority: 1 }).warmUp(3)
  const { completed, queued, running } = executor.stats()
  t.deepEqual([folder.notes(log).length, completed, queued, running], [3, 0, 0, 0])
})

behaviour('a number that is no number of workers is refused at the call', async (t, { create }) => {
  await using executor = create(2)
  for (const wrong of [3, -1, 1.5, NaN, Infinity]) {
    t.throws(() => void executor.warmUp(wrong), { instanceOf: RangeError, message: /workers/ }, String(wrong))
  }
  for (const wrong of ['2', null, 2n]) t.throws(() => void executor.warmUp(wrong as never), { instanceOf: TypeError })
  executor.resize(3)
  await executor.warmUp(3)
  t.is(living(executor.stats()), 3)
})

behaviour('warmed workers leave by idleTimeout, but not before all are there', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  await using executor = create({ maxWorkers: 3, idleTimeout: 1, initializer: work.note, initargs: [log, 'starts'] })
  await executor.warmUp(3)
  t.is(folder.notes(log).length, 3, 'none was replaced')
  await until(() => living(executor.stats()) === 0, 'they have left')
})

behaviour('workers that only come for a warm-up take no place from tasks', async (t, { create }) => {
  await using executor = create({ maxWorkers: 2, initializer: work.pause, initargs: [300] })
  const warm = executor.warmUp()
  t.is(await executor.submit(native.countPrimes, 100).result(SOON), 25)
  await warm
  t.is(living(executor.stats()) >= 2, true)
})

behaviour('a task warms its own executor up, and its worker counts', async (t, { create }) => {
  await using executor = create(3)
  t.is(await executor.submit(sizes.warmUp, 1).result(SOON), 1)
  t.is(await executor.submit(sizes.warmUp, 3).result(SOON), 3)
  t.deepEqual(await executor.submit(sizes.refusedWarmUp, 4).result(SOON), ['at once', 'RangeError'])
})

behaviour('after a shutdown it rejects with InvalidStateError, also if that comes meanwhile', async (t, { create }) => {
  const executor = create(2)
  const meanwhile = executor.warmUp()
  const over = executor.shutdown()
  await t.throwsAsync(meanwhile, { instanceOf: InvalidStateError, message: /after shutdown/ })
  await t.throwsAsync(executor.warmUp(0), { instanceOf: InvalidStateError, message: /after shutdown/ })
  t.throws(() => void executor.warmUp(9), { instanceOf: RangeError })
  await over
  await t.throwsAsync(executor.warmUp(1), { instanceOf: InvalidStateError })
})

behaviour('terminateWorkers ends a warm-up', async (t, { create }) => {
  const executor = create({ maxWorkers: 2, initializer: work.pause, initargs: [500] })
  const warm = executor.warmUp()
  const over = executor.terminateWorkers()
  await t.throwsAsync(warm, { instanceOf: InvalidStateError })
  await over
})

behaviour('an initializer that fails breaks the executor and the warm-up, with the cause', async (t, { create, broken }) => {
  await using executor = create({ maxWorkers: 2, initializer: work.fail, initargs: ['no database'] })
  const error = await t.throwsAsync(executor.warmUp(), { instanceOf: broken as any, message: /no database/ })
  t.is((error!.cause as Error).message, 'no database')
  const again = await t.throwsAsync(executor.warmUp(1), { instanceOf: broken as any })
  t.is((again!.cause as Error).message, 'no database')
})

behaviour('an executor that is made smaller meanwhile needs no more workers than there may be', async (t, { create }) => {
  await using executor = create({ maxWorkers: 4, initializer: work.pause, initargs: [100] })
  const warm = executor.warmUp()
  executor.resize(1)
  await warm
  t.true(living(executor.stats()) >= 1)
  await until(() => living(executor.stats()) === 1 && executor.stats().workers.starting === 0, 'the others have left')
})

behaviour('a worker that dies meanwhile is replaced', async (t, { create }) => {
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  await using executor = create({ maxWorkers: 2, initializer: work.noteAndWait, initargs: [log, 'starts', gate] })
  const lost = executor.submit(() => process.exit(7))
  await until(() => folder.notes(log).length === 1, 'the first starts')
  const warm = executor.warmUp(2)
  folder.open(gate)
  await warm
  await t.throwsAsync(lost.result(SOON), { name: 'WorkerLostError' })
  await executor.warmUp(2)
  t.is(living(executor.stats()), 2)
})

behaviour('a process stays alive for a warm-up, and only for that', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create({ maxWorkers: 2, idleTimeout: Infinity })
    await executor.warmUp()
    return executor.stats().workers.idle + executor.stats().workers.busy
  }, [])
  t.deepEqual(cleanEnd(end), ended(2))
})
