// node check.mjs PLATFORM PLUGIN [--no-interrupts]: run where 'concurrent-futures' is installed, by run.mjs
// and windows.mjs, with the platform's name and the path of examples/plugin-c, built for it. It goes on to
// the end whatever fails, and ends by itself: the last line is printed when the process has nothing left to
// do.
import { fileURLToPath } from 'node:url'

// Where an emulator runs Node, it has to run the children's too: this program starts it.
const emulator = process.env.CHECK_NODE
if (emulator !== undefined) process.execPath = emulator

// Only now, for the package looks at that path.
const { checksOf, exitWhileSpinning, SOON } = await import('./checks.mjs')
const { ThreadPoolExecutor } = await import('concurrent-futures')

const [platform, plugin, mode] = process.argv.slice(2)
const hasInterrupts = mode !== '--no-interrupts'

function describeSystem() {
  const { arch, report, version } = process
  const { glibcVersionRuntime } = report.getReport().header
  const libc = process.platform === 'win32' ? '' : `, ${glibcVersionRuntime === undefined ? 'no glibc' : `glibc ${glibcVersionRuntime}`}`
  return `Node ${version} on ${process.platform}-${arch}${libc}${hasInterrupts ? '' : ', without interrupts'}`
}

async function checkAll() {
  console.log(describeSystem())
  /** Of the check that runs; they are shut down after it. */
  const executors = []
  const opened = (executor) => executors[executors.push(executor) - 1]
  const script = fileURLToPath(import.meta.url)
  const checks = checksOf({ platform, plugin, script, opened, hasInterrupts, isEmulated: emulator !== undefined })
  let passed = 0
  let failed = 0
  for (const [title, check] of Object.entries(checks)) {
    const start = performance.now()
    try {
      await check()
      for (const executor of executors.splice(0)) await executor.shutdown()
      passed++
      console.log(`✓ ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed++
      process.exitCode = 1
      console.log(`✗ ${title}\n${error.stack}`)
    }
  }
  // An executor that is left idle does not hold the process.
  await new ThreadPoolExecutor(1).submit(() => 1).result(SOON)
  process.on('exit', () => {
    console.log('✓ the process ends by itself')
    console.log(`${passed + 1} passed, ${failed} failed`)
  })
}

await (platform === '--exit' ? exitWhileSpinning() : checkAll())
