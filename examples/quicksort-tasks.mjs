/**
 * Parallel quicksort: each part of the array is a task that sorts its smaller halves itself and submits the
 * larger ones.
 */
import { currentExecutor, tasks } from 'concurrent-futures'

/** Parts that are shorter are sorted where they are: a task for each would cost more than it gains. */
const SMALL = 50_000

/** Moves what is less than the pivot to the front; returns where the two parts meet. */
function partition(array, from, to) {
  const [a, b, c] = [array[from], array[(from + to) >> 1], array[to - 1]]
  const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
  let [low, high] = [from - 1, to]
  for (;;) {
    do low++
    while (array[low] < pivot)
    do high--
    while (array[high] > pivot)
    if (low >= high) return high + 1
    const swapped = array[low]
    array[low] = array[high]
    array[high] = swapped
  }
}

export const { quicksort } = tasks(import.meta, {
  /**
   * Sorts array[from, to) in place; `shared` is a Float64Array over shared memory without NaN. Resolves to
   * the number of tasks it took.
   */
  async quicksort(shared, from, to) {
    const executor = currentExecutor()
    const others = []
    while (to - from > SMALL) {
      const middle = partition(shared, from, to)
      // A pivot that is the least or the greatest value divides badly, but each part still gets shorter.
      others.push(executor.submit(quicksort, shared, middle, to))
      to = middle
    }
    shared.subarray(from, to).sort()
    let count = 1
    for (const other of others) count += await other
    return count
  },
})
