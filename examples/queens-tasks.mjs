/**
 * Counts the ways to place n queens: the first rows fork a task for each place, the others are counted by a
 * loop.
 */
import { currentExecutor, tasks } from 'concurrent-futures'

/** Rows that fork. Two give up to n * n tasks: enough for any machine, and each long enough. */
const FORKING_ROWS = 2

/** Bits say which columns and diagonals are taken in this row. */
function count(all, columns, left, right) {
  if (columns === all) return 1
  let sum = 0
  for (let free = all & ~(columns | left | right); free !== 0; free &= free - 1) {
    const place = free & -free
    sum += count(all, columns | place, ((left | place) << 1) & all, (right | place) >> 1)
  }
  return sum
}

export const { queens } = tasks(import.meta, {
  /** A synchronous task: it blocks in resultSync, and its worker runs what it waits for meanwhile. */
  queens(n, row = 0, columns = 0, left = 0, right = 0) {
    const all = 2 ** n - 1
    if (row >= FORKING_ROWS) return count(all, columns, left, right)
    const executor = currentExecutor()
    const futures = []
    for (let free = all & ~(columns | left | right); free !== 0; free &= free - 1) {
      const place = free & -free
      const [down, up] = [((left | place) << 1) & all, (right | place) >> 1]
      futures.push(executor.submit(queens, n, row + 1, columns | place, down, up))
    }
    return futures.reduce((sum, future) => sum + future.resultSync(), 0)
  },
})
