import { ThreadPoolExecutor, moduleTasks, native } from '../../dist/index.js'
import { forkJoin } from '../tasks/fork-join.mjs'

export const modes = { default: {} }

export function start({ workers, minWorkers = workers, mode }) {
  const executor = new ThreadPoolExecutor({ maxWorkers: workers, minWorkers, ...modes[mode] })
  const from = (file) => moduleTasks(new URL(`../tasks/${file}`, import.meta.url))
  const plain = from('functions.mjs')
  // Looked up once: a program holds its task functions in constants too.
  const { addOne, echo, work, loop, gate, hold, thread } = plain
  const task = { addOne, echo, work, loop, gate, hold, thread }
  let bounce

  return {
    run: (name, argument) => executor.submit(task[name], argument).result(),
    /** What submit gives, before anybody asks for a promise. */
    submit: (name, argument) => executor.submit(task[name], argument),
    runTransfer(bytes) {
      bounce ??= from('concurrent-futures.mjs').bounce
      return executor
        .with({ transfer: [bytes.buffer] })
        .submit(bounce, bytes)
        .result()
    },
    cancellable(name, argument) {
      const future = executor.submit(task[name], argument)
      return { promise: future.result(), cancel: () => future.cancel({ interrupt: true }) }
    },
    runSync: (name, argument) => executor.submit(task[name], argument).resultSync(),
    /** A map whose chunks have the size that it finds. */
    map: (name, items) => executor.with({ chunkSize: 'auto' }).map(task[name], items),
    noop: () => executor.submit(native.countPrimes, 0).result(),
    /** All of them by one `map`; resolves with how many gave 0. */
    async mapNoops(count, chunkSize) {
      let zeros = 0
      for await (const result of executor.with({ chunkSize }).map(native.countPrimes, new Array(count).fill(0))) if (result === 0) zeros++
      return zeros
    },
    kernels: Object.fromEntries(
      Object.entries(native).map(([name, kernel]) => [name, (...args) => executor.submit(kernel, ...args).result()]),
    ),
    hashPassword: () => executor.submit(native.argon2id, 'correct horse', { memoryCost: 65_536, timeCost: 3 }).result(),
    forkJoin: {
      quicksort: (array) => executor.submit(forkJoin.quicksort, array, 0, array.length).result(),
      queens: (board) => executor.submit(forkJoin.queens, board).result(),
      spawn: (count) => executor.submit(forkJoin.spawn, count).result(),
      spawnSync: (count) => executor.submit(forkJoin.spawnSync, count).result(),
    },
    stop: () => executor.shutdown({ cancelFutures: true }),
  }
}
