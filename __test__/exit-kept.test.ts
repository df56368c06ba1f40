// A worker that has emitted `exit` and whose thread lives on, because a listener has thrown or a test has put
// something in the place of Node's functions.
import ava from 'ava'
import { BrokenThreadPool, WorkerLostError } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { SOON } from './limits.ts'

const behaviour = behaviours(ava)

const WAYS: Record<string, () => unknown> = {
  thrown() {
    process.on('exit', () => {
      throw new Error('in exit')
    })
    process.exit(4)
  },
  caught() {
    process.on('exit', () => {
      throw new Error('in exit')
    })
    try {
      process.exit(4)
    } catch {
      return 'caught'
    }
  },
  thrownByTimer() {
    process.on('exit', () => {
      throw new Error('in exit')
    })
    return new Promise(() => setTimeout(() => process.exit(4), 1))
  },
  thrownLater() {
    process.on('exit', () => {
      throw new Error('in exit')
    })
    setTimeout(() => process.exit(4), 1)
  },
  emitted() {
    process.emit('exit', 0)
  },
  stubbed() {
    Object.assign(process, { reallyExit: () => {} })
    process.exit(3)
  },
}

for (const [way, task] of Object.entries(WAYS)) {
  behaviour(`a worker whose exit does not end its thread (${way}) is replaced, and shutdown() comes to its end`, async (t, { create }) => {
    const executor = create(1)
    const outcome = await executor.submit(task).exception(SOON)
    if (way === 'thrownByTimer') t.true(outcome instanceof WorkerLostError)
    // The worker may still hold this one when it ends: then that is lost, and the next is not.
    await executor.submit(() => 'next').exception(SOON)
    while (executor.stats().workers.idle === 0 || executor.stats().workers.abandoned > 0) {
      t.is(await executor.submit(() => 'after').exception(SOON), null)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    t.is(await executor.submit(() => 'last').result(SOON), 'last')
    await executor.shutdown()
    t.pass()
  })
}

behaviours(ava, ['pool', 'threads'])(
  'what is thrown while a thread is made is final, unless the system refuses something',
  async (t, { create }) => {
    const argv = [{ toString: () => { throw new Error('no text') } }] // prettier-ignore
    const executor = create({ maxWorkers: 1, argv } as never)
    const error = await executor.submit(() => 1).exception(SOON)
    t.true(error instanceof BrokenThreadPool)
    t.true(executor.stats().broken)
    await executor.shutdown()
  },
)
