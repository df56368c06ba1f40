// Fork and join as concurrent-futures does it: tasks that submit tasks.
import { currentExecutor, tasks } from '../../dist/index.js'
import { countQueens, FORKING_ROWS, partition, places, SMALL } from './divide.mjs'

export const forkJoin = tasks(import.meta, {
  async quicksort(array, from, to) {
    const executor = currentExecutor()
    const others = []
    while (to - from > SMALL) {
      const middle = partition(array, from, to)
      others.push(executor.submit(forkJoin.quicksort, array, middle, to))
      to = middle
    }
    array.subarray(from, to).sort()
    for (const other of others) await other
  },

  /** Blocks, and runs what it waits for meanwhile. */
  queens(board) {
    if (board.row >= FORKING_ROWS) return countQueens(board)
    const executor = currentExecutor()
    const futures = [...places(board)].map((next) => executor.submit(forkJoin.queens, next))
    return futures.reduce((sum, future) => sum + future.resultSync(), 0)
  },

  one: (n) => n + 1,

  async spawn(count) {
    const executor = currentExecutor()
    const futures = []
    for (let i = 0; i < count; i++) futures.push(executor.submit(forkJoin.one, i))
    let sum = 0
    for (const future of futures) sum += await future
    return sum
  },

  spawnSync(count) {
    const executor = currentExecutor()
    let sum = 0
    for (let i = 0; i < count; i++) sum += executor.submit(forkJoin.one, i).resultSync()
    return sum
  },
})
