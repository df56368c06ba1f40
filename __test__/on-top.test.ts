/** A task that awaits another goes on when that has ended: what takes long does not lie on top of it. */
import ava from 'ava'
import { behaviours } from './executors.ts'
import { awaits } from './fixtures/awaits.mjs'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)

for (const minWorkers of [0, 3]) {
  const kind = minWorkers === 0 ? 'that can still be started' : 'that are idle'
  behaviour(`while a task awaits another, long ones go to workers ${kind}, and it goes on in time`, async (t, { create }) => {
    const folder = new Folder(t)
    const [log, inner, long] = [folder.file('log'), folder.gate('inner'), folder.gate('long')]
    await using executor = create({ maxWorkers: 3, minWorkers, execArgv: [] })
    const outer = executor.submit(awaits.gate, inner, log)
    await until(() => folder.notes(log).length === 2, 'the outer one awaits the inner one')
    const later = executor.submit(awaits.waitFor, long, log, 'long')
    await until(() => folder.notes(log).includes('long'), 'the long one runs')
    folder.open(inner)
    t.is(await outer.result(SOON), 'inner')
    t.true(later.running())
    folder.open(long)
    t.is(await later.result(SOON), 'long')
  })
}

for (const tasksPerWorker of [1, 2]) {
  behaviour(
    `what a task awaits is delivered before its worker takes the next task on top of it: tasksPerWorker ${tasksPerWorker}`,
    async (t, { create }) => {
      const folder = new Folder(t)
      await using executor = create({ maxWorkers: 1, tasksPerWorker, execArgv: [] })
      await executor.submit(awaits.quick).result(SOON)
      const ends = await executor.submit(awaits.inOrder, folder.gate()).result(SOON)
      t.deepEqual(
        ends,
        Array.from({ length: 20 }, () => 'pending'),
      )
    },
  )
}
