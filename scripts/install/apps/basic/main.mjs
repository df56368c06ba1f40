import { all } from './all.mjs'
import { double } from './tasks.mjs'

await all(double, console.log)
