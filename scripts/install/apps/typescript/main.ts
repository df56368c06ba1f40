import { pathToFileURL } from 'node:url'
import { moduleTasks } from 'concurrent-futures'
import { all } from './all'

const { double } = moduleTasks<typeof import('./work')>(pathToFileURL(require.resolve('./work')))

void all(double, console.log)
