import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { FORKING_ROWS, places } from '../tasks/divide.mjs'

const file = (name) => fileURLToPath(new URL(`../tasks/${name}`, import.meta.url))

// recordTiming off saves piscina a histogram entry a task; atomics 'sync' is its default and its fastest.
export const common = { recordTiming: false, idleTimeout: Infinity }
export const modes = {
  default: { ...common, atomics: 'sync' },
  1024: { ...common, atomics: 'sync', concurrentTasksPerWorker: 1024 },
  'async-1024': { ...common, atomics: 'async', concurrentTasksPerWorker: 1024 },
}

export function start({ workers, mode }) {
  const pool = new Piscina({
    filename: file('functions.mjs'),
    minThreads: workers,
    maxThreads: workers,
    ...modes[mode],
  })
  // One options object for each function, as a program would keep it: piscina only reads it.
  const options = {}
  const named = (name) => (options[name] ??= { name })

  const divide = { filename: file('divide.mjs') }
  const sortStep = { ...divide, name: 'sortStep' }
  const countQueens = { ...divide, name: 'countQueens' }

  /** A worker cannot submit: each step comes back to the main thread, which submits the next two. */
  async function quicksort(array, from = 0, to = array.length) {
    const middle = await pool.run({ array, from, to }, sortStep)
    if (middle !== undefined) await Promise.all([quicksort(array, from, middle), quicksort(array, middle, to)])
  }

  async function queens(board) {
    if (board.row >= FORKING_ROWS) return pool.run(board, countQueens)
    const counts = await Promise.all([...places(board)].map(queens))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async function spawn(count) {
    const results = await Promise.all(Array.from({ length: count }, (_, i) => pool.run(i, named('addOne'))))
    return results.reduce((sum, result) => sum + result, 0)
  }

  return {
    run: (name, argument) => pool.run(argument, named(name)),
    runTransfer: (bytes) => pool.run(Piscina.move(bytes), { filename: file('piscina.mjs'), name: 'bounce' }),
    cancellable(name, argument) {
      const controller = new AbortController()
      const promise = pool.run(argument, { name, signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    },
    forkJoin: { quicksort, queens, spawn },
    stop: () => pool.destroy(),
  }
}
