/**
 * node __test__/stress/process-chaos.mjs [SECONDS] [SEED]: tasks of all kinds on two children, short ones
 * above all, of which some are cancelled and some end their child. The pool becomes larger and smaller, and
 * broadcasts. Each task has to settle as what was done to it allows, none may be called twice, and none that
 * has returned may not have been called.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CancelledError, moduleTasks, ProcessPoolExecutor, TimeoutError, WorkerLostError } from 'concurrent-futures'

const [seconds = 30, seed = 1] = process.argv.slice(2).map(Number)
const tasks = moduleTasks(new URL('./chaotic-tasks.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
const log = join(folder, 'log')
writeFileSync(log, '')

let state = seed
const below = (limit) => {
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % limit
}

/** Of a thousand tasks so many are of this kind. */
const KINDS = { note: 900, slow: 40, later: 30, nested: 15, large: 5, dies: 3, leaves: 2, endless: 5 }

function kind() {
  let left = below(1000)
  return Object.entries(KINDS).find(([, share]) => (left -= share) < 0)[0]
}

const executor = new ProcessPoolExecutor({ maxWorkers: 2 })
const all = []
const wrong = []
const ends = { fulfilled: 0, cancelled: 0, lost: 0, timedOut: 0 }

function submit() {
  const [number, what] = [all.length, kind()]
  const limits = what === 'endless' ? { timeout: 20 + below(40) } : below(4) === 0 ? { timeout: 20_000 } : {}
  const future = executor.with(limits).submit(tasks[what], log, number, below(6))
  const one = { number, what, future, isCancelled: false, has: '' }
  all.push(one)
  return one
}

function cancel(one) {
  const interrupt = below(2) === 0
  one.isCancelled ||= one.future.cancel({ interrupt })
}

function judge(one, { status, value, reason }) {
  one.has = status
  if (status === 'fulfilled') {
    ends.fulfilled++
    const isRight = one.what === 'large' ? value.length === 3_000_000 : value === one.number
    if (one.isCancelled || !isRight) wrong.push([one.number, one.what, 'has a result', value])
  } else if (reason instanceof CancelledError && one.isCancelled) ends.cancelled++
  else if (reason instanceof TimeoutError && one.what === 'endless') ends.timedOut++
  else if (reason instanceof WorkerLostError) ends.lost++
  else wrong.push([one.number, one.what, reason])
}

/** What was broadcast has come out so, or is lost with its child. */
async function judgeTold(futures, told) {
  for (const future of futures) {
    const end = await future.result(60_000).catch((error) => error)
    if (end !== told && !(end instanceof WorkerLostError)) wrong.push(['told', told, end])
  }
}

async function round() {
  const told = []
  const batch = []
  for (let left = 50 + below(400); left > 0; left--) {
    const one = submit()
    batch.push(one)
    if (below(20) === 0) cancel(one)
    if (below(150) === 0) executor.resize(1 + below(3))
    if (below(150) === 0) told.push(judgeTold(executor.broadcast(tasks.told, left), left))
    if (below(100) === 0) await new Promise((resolve) => setTimeout(resolve, below(4)))
  }
  if (below(4) === 0) for (const one of batch) if (below(5) === 0) cancel(one)
  const settled = Promise.allSettled(batch.map(({ future }) => future.result(60_000)))
  for (const [n, end] of (await settled).entries()) judge(batch[n], end)
  await Promise.all(told)
}

const end = performance.now() + seconds * 1e3
while (performance.now() < end && wrong.length === 0) await round()
const stats = executor.stats()
await executor.terminateWorkers()

const calls = new Map()
for (const line of readFileSync(log, 'utf8').split('\n')) {
  if (line !== '') calls.set(Number(line), (calls.get(Number(line)) ?? 0) + 1)
}
rmSync(folder, { recursive: true })
const twice = [...calls].filter(([, count]) => count > 1).map(([number]) => number)
const uncalled = all.filter(({ number, has }) => has === 'fulfilled' && !calls.has(number)).map(({ number }) => number)
const isBad = wrong.length + twice.length + uncalled.length + stats.queued + stats.running > 0
console.log({ seed, tasks: all.length, ...ends, children: stats.workers.died, wrong, twice, uncalled })
console.log(isBad ? 'BAD' : 'good')
process.exitCode = isBad ? 1 : 0
