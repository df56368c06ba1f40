// Divide and conquer: the same steps for every contestant, and for a plain loop.

/** Parts that are shorter are sorted where they are. */
export const SMALL = 50_000
/** Rows of the board that fork a task for each place. */
export const FORKING_ROWS = 2

/** Moves what is less than the pivot to the front; returns where the two parts meet. */
export function partition(array, from, to) {
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

export function sortAlone(array, from = 0, to = array.length) {
  while (to - from > SMALL) {
    const middle = partition(array, from, to)
    sortAlone(array, middle, to)
    to = middle
  }
  array.subarray(from, to).sort()
}

/** The boards with one queen more; bits say which columns and diagonals are taken. */
export function* places({ all, row, columns, left, right }) {
  for (let free = all & ~(columns | left | right); free !== 0; free &= free - 1) {
    const place = free & -free
    yield { all, row: row + 1, columns: columns | place, left: ((left | place) << 1) & all, right: (right | place) >> 1 }
  }
}

export function emptyBoard(n) {
  return { all: 2 ** n - 1, row: 0, columns: 0, left: 0, right: 0 }
}

/** In how many ways the rest of the board can be filled. */
export function countQueens({ all, columns, left, right }) {
  return count(all, columns, left, right)
}

function count(all, columns, left, right) {
  if (columns === all) return 1
  let sum = 0
  for (let free = all & ~(columns | left | right); free !== 0; free &= free - 1) {
    const place = free & -free
    sum += count(all, columns | place, ((left | place) << 1) & all, (right | place) >> 1)
  }
  return sum
}

/** What piscina runs: one step. The rest of the part that was divided, or nothing when it is sorted. */
export function sortStep({ array, from, to }) {
  if (to - from > SMALL) return partition(array, from, to)
  array.subarray(from, to).sort()
}
