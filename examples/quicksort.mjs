// Divide and conquer in shared memory: a million numbers, sorted in place by tasks that submit tasks.
//   node examples/quicksort.mjs [how many]
import { ThreadPoolExecutor } from 'concurrent-futures'
import { quicksort } from './quicksort-tasks.mjs'

const length = Number(process.argv[2] ?? 1_000_000)
const shared = new Float64Array(new SharedArrayBuffer(8 * length))
for (let index = 0; index < length; index++) shared[index] = Math.random()
const expected = Float64Array.from(shared).sort()

const executor = new ThreadPoolExecutor()
const count = await executor.submit(quicksort, shared, 0, length).result()
const isSorted = expected.every((value, index) => value === shared[index])
console.log(`quicksort: ${length} numbers by ${count} tasks: ${isSorted ? 'sorted' : 'WRONG'}`)
if (!isSorted) process.exitCode = 1
await executor.shutdown()
