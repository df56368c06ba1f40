// The main job, to watch: work leaves the event loop, comes back through futures, and a bad task is given up
// on in time.
//   npm run demo                 the files of this repository
//   npm run demo -- ~/Pictures   the files of a folder
//   npm run demo -- --trace FILE a trace of it besides, for https://ui.perfetto.dev
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { native, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import { contents, listFiles } from './demo/files.mjs'
import { isPrime, NUMBERS } from './demo/primes.mjs'
import { dim, line, progressBar, result, spin, title } from './demo/screen.mjs'
import { ms, watchStalls } from './demo/stall.mjs'

const workers = Math.max(2, availableParallelism())
const summary = []
let isGood = true

function conclude(text, good = true) {
  isGood &&= good
  summary.push([text, good])
}

/** Runs `work` and measures it: how long it took, and how long the event loop stood still. */
async function measure(work) {
  const stop = watchStalls()
  const start = performance.now()
  const value = await work()
  const took = performance.now() - start
  return { value, took, stall: stop() }
}

/** The workers start together, beside the main thread. */
async function allStarted(executor) {
  while (executor.stats().workers.idle < workers) await new Promise((done) => setTimeout(done, 1))
}

async function primes(executor, startUp) {
  title("1  Primes: the example of CPython's concurrent.futures")
  const endSpin = spin('on the main thread: nothing else runs, this spinner neither')
  await new Promise((done) => setTimeout(done, 500))
  const alone = await measure(async () => NUMBERS.map((n) => isPrime(n)))
  endSpin()
  line(`main thread   ${ms(alone.took).padStart(9)}   longest stall of the event loop ${ms(alone.stall).padStart(9)}`)
  const endSecond = spin('on the pool: the event loop is free, the spinner turns')
  const pooled = await measure(async () => {
    const answers = []
    for await (const answer of executor.map(isPrime, NUMBERS)) answers.push(answer)
    return answers
  })
  endSecond()
  line(
    `${`${workers} workers`.padEnd(13)} ${ms(pooled.took).padStart(9)}   longest stall of the event loop ${ms(pooled.stall).padStart(9)}`,
  )
  for (const [index, n] of NUMBERS.entries()) line(dim(`${n} is prime: ${pooled.value[index]}`))
  const isSame = alone.value.every((value, index) => value === pooled.value[index])
  const answers = isSame ? 'the same answers' : 'OTHER ANSWERS'
  const factor = alone.took / pooled.took
  const speed =
    factor >= 1 ? `${factor.toFixed(2)} times as fast` : `no faster this time (${factor.toFixed(2)} times): the machine was busy`
  result(`${answers}, ${speed} (the workers had started before, in ${ms(startUp)})`, isSame)
  conclude(`primes: ${answers}, ${speed} on ${workers} workers; longest stall ${ms(pooled.stall)} instead of ${ms(alone.stall)}`, isSame)
}

const BUFFER = 4 * workers
const SAMPLE = 25

async function hashes(executor, folder, name, except) {
  title('2  Files: hashed in Rust, read no faster than they are hashed')
  line(dim(name))
  const { files, omitted } = await listFiles(folder, except)
  const read = []
  const digests = []
  let bytes = 0
  let ahead = 0
  const bar = progressBar(files.length)
  const hashing = await measure(async () => {
    const source = contents(
      files,
      (file) => (ahead = Math.max(ahead, read.push(file) - digests.length)),
      (text) => omitted.push(text),
    )
    const start = performance.now()
    for await (const digest of executor.with({ bufferSize: BUFFER }).map(native.sha256, source)) {
      bytes += read[digests.length].size
      digests.push(digest)
      const rate = bytes / 1e6 / ((performance.now() - start) / 1000)
      bar.update(digests.length, `${digests.length.toLocaleString('en')} files  ${(bytes / 1e6).toFixed(0)} MB  ${rate.toFixed(0)} MB/s`)
    }
  })
  bar.end()
  const { checked, wrong } = await checkSample(read, digests)
  const text = `${digests.length.toLocaleString('en')} files, ${(bytes / 1e6).toFixed(1)} MB in ${ms(hashing.took)}`
  line(`${text}; longest stall of the event loop ${ms(hashing.stall)}`)
  line(`files in memory at once: at most ${ahead} (bufferSize ${BUFFER})`)
  if (omitted.length > 0) line(`${omitted.length} left out, the first: ${omitted[0]}`)
  result(
    `${checked} of the digests checked against node:crypto: ${wrong.length === 0 ? 'all equal' : `WRONG: ${wrong.join(', ')}`}`,
    wrong.length === 0,
  )
  conclude(`files: ${text}`, wrong.length === 0)
}

/**
 * Hashes some of the files again with node:crypto, spread over all of them. A file that was changed or
 * removed meanwhile does not count.
 */
async function checkSample(read, digests) {
  const every = Math.max(1, Math.floor(read.length / SAMPLE))
  const wrong = []
  let checked = 0
  for (let index = 0; index < read.length; index += every) {
    const again = await readFile(read[index].path).catch(() => undefined)
    if (again === undefined || again.length !== read[index].size) continue
    checked++
    if (!createHash('sha256').update(again).digest().equals(digests[index])) wrong.push(read[index].path)
  }
  return { checked, wrong }
}

const PATIENCE = 500
const LATE = 100

async function endless(executor) {
  title('3  A task that never ends: while (true) {}')
  const endSpin = spin('waiting half a second for it, with others beside it')
  const stuck = executor.submit(function endless() {
    while (true) {}
  })
  let others = 0
  let isOver = false
  const beside = (async () => {
    for (; !isOver; others++) await executor.submit(isPrime, 1_000_003).result()
  })()
  const start = performance.now()
  const error = await stuck.result(PATIENCE).catch((thrown) => thrown)
  const after = performance.now() - start
  isOver = true
  await beside
  endSpin()
  const isOnTime = error instanceof TimeoutError && after < PATIENCE + LATE
  result(`result(${PATIENCE}) rejected with ${error.name} after ${ms(after)}`, isOnTime)
  result(`meanwhile ${others.toLocaleString('en')} other tasks ran, one after the other`, others > 0)
  const cancelled = performance.now()
  const isStopped = stuck.cancel({ interrupt: true })
  await Promise.all(Array.from({ length: workers }, () => executor.submit(isPrime, 1_000_003).result()))
  const back = performance.now() - cancelled
  result(`cancel({ interrupt: true }) stopped it; ${workers} more tasks were through ${ms(back)} later`, isStopped && stuck.cancelled())
  conclude(
    `endless task: given up on after ${ms(after)}, stopped; ${others.toLocaleString('en')} other tasks went on`,
    isOnTime && others > 0 && isStopped,
  )
}

const start = performance.now()
const { values, positionals } = parseArgs({ options: { trace: { type: 'string' } }, allowPositionals: true })
const [given] = positionals

const executor = new ThreadPoolExecutor({ maxWorkers: workers, minWorkers: workers })
const startUp = await measure(() => allStarted(executor))
const trace = values.trace === undefined ? undefined : executor.trace()
await primes(executor, startUp.took)
if (given === undefined) {
  const repository = fileURLToPath(new URL('..', import.meta.url))
  await hashes(executor, repository, "this repository and its packages, without git's files and cargo's", ['.git', 'target'])
} else {
  await hashes(executor, resolve(given), resolve(given), [])
}
await endless(executor)
await executor.shutdown()
await trace?.write(values.trace)

title('Summary')
for (const [text, good] of summary) result(text, good)
line(dim(`Node ${process.versions.node}, ${availableParallelism()} cores, ${((performance.now() - start) / 1000).toFixed(1)} s`))
if (!isGood) process.exitCode = 1
