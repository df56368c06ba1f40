// A single executable: this text is in it, the packages and the tasks' file lie beside it.
const { createRequire } = require('node:module')
const { dirname, join } = require('node:path')
const { pathToFileURL } = require('node:url')

const requireBeside = createRequire(process.execPath)

async function main() {
  const { moduleTasks, native, ProcessPoolExecutor, ThreadPoolExecutor } = requireBeside('concurrent-futures')
  const { double } = moduleTasks(pathToFileURL(join(dirname(process.execPath), 'tasks.mjs')))
  const limit = 60_000
  const threads = new ThreadPoolExecutor(2)
  console.log('module', await threads.submit(double, 21).result(limit))
  console.log('inline', await threads.submit((a, b) => a * b, 6, 7).result(limit))
  console.log('native', await threads.submit(native.countPrimes, 100).result(limit))
  const endless = threads.with({ timeout: 200 }).submit(() => {
    for (let n = 0; ; n++) globalThis.n = n
  })
  console.log('endless', (await endless.exception(limit)).code)
  const processes = new ProcessPoolExecutor(1)
  console.log('process', await processes.submit(double, 21).result(limit))
}

// A child of a ProcessPoolExecutor is this executable again, with the file that it has to run.
const file = process.argv[2] ?? ''
if (/concurrent-futures[\\/]dist[\\/]worker[\\/]/.test(file)) requireBeside(file)
else main()
