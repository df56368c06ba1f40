import { moduleTasks } from 'concurrent-futures'
import { all } from './all.mjs'

// webpack copies a file that is named in this way, and names the copy here.
const { double } = moduleTasks(new URL('./tasks.mjs', import.meta.url))

await all(double, console.log)
