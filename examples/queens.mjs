// Fork and join with blocking waits: how many ways there are to place n queens.
//   node examples/queens.mjs [n]
import { ThreadPoolExecutor } from 'concurrent-futures'
import { queens } from './queens-tasks.mjs'

const KNOWN = [1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14_200, 73_712, 365_596, 2_279_184]
const n = Number(process.argv[2] ?? 11)

const executor = new ThreadPoolExecutor()
const count = await executor.submit(queens, n).result()
const isRight = KNOWN[n] === undefined || KNOWN[n] === count
console.log(`queens: ${n} queens can be placed in ${count} ways by ${executor.stats().completed} tasks: ${isRight ? 'right' : 'WRONG'}`)
if (!isRight) process.exitCode = 1
await executor.shutdown()
