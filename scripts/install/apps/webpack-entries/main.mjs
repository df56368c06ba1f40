import { moduleTasks } from 'concurrent-futures'
import { all } from './all.mjs'

// It is an entry of its own, so that what it imports is bundled too.
const { double } = moduleTasks(new URL('./tasks.mjs', import.meta.url))

await all(double, console.log)
