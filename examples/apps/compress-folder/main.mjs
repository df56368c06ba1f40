// Compresses each file of a folder, and of those in it, into another folder. Ctrl-C stops it, and leaves
// whole files only.
//   node examples/apps/compress-folder/main.mjs FROM TO [--workers N]
import { opendir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CancelledError, moduleTasks, ThreadPoolExecutor } from 'concurrent-futures'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { workers: { type: 'string' } } })
const [from, to] = positionals.map((path) => resolve(path))
if (to === undefined) {
  console.error('usage: main.mjs FROM TO [--workers N]')
  process.exit(2)
}

async function* filesIn(folder) {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && path !== to) yield* filesIn(path)
    else if (entry.isFile()) yield { from: path, to: join(to, `${relative(from, path)}.gz`) }
  }
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort()) // a second one ends the process at once

const { compressFile } = moduleTasks(new URL('./tasks.mjs', import.meta.url))
const executor = new ThreadPoolExecutor({
  ...(values.workers && { maxWorkers: Number(values.workers) }),
  interruptGrace: 2_000, // a task that is told to stop has this long to take its half file away
})
const sum = { files: 0, failed: 0, before: 0, after: 0 }
try {
  // The folder is read no further ahead than this, however many files there are and however slow the disk is.
  const bounded = executor.with({ bufferSize: 4 * executor.maxWorkers, signal: stop.signal })
  for await (const file of bounded.map(compressFile, filesIn(from))) {
    if (file.error !== undefined) {
      sum.failed++
      console.error(file.error)
    } else {
      sum.files++
      sum.before += file.before
      sum.after += file.after
      console.log(`${relative(from, file.from)}: ${file.before} -> ${file.after} bytes`)
    }
  }
} catch (error) {
  if (!(error instanceof CancelledError)) throw error
} finally {
  await executor.shutdown() // every task has ended now, and taken its half file away
}
const { files, failed, before, after } = sum
console.log(`${files} files, ${before} -> ${after} bytes, ${failed} failed${stop.signal.aborted ? ', interrupted' : ''}`)
process.exitCode = stop.signal.aborted ? 130 : failed > 0 ? 1 : 0
