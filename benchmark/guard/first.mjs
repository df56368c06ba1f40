// From the start of a process to the first result, and nothing after it.
import { ThreadPoolExecutor, moduleTasks } from '../../dist/index.js'

const executor = new ThreadPoolExecutor({ maxWorkers: 1 })
const { addOne } = moduleTasks(new URL('../tasks/functions.mjs', import.meta.url))
if ((await executor.submit(addOne, 1).result()) !== 2) throw new Error('the first result is wrong')
process.exit(0)
