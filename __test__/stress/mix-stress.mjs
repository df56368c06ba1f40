/**
 * node __test__/stress/mix-stress.mjs [seconds]
 *
 * Pools of one to three workers with all options at random, and tasks of all kinds: native and JavaScript
 * ones, short, asynchronous and endless ones, ones that wait for others, ones that end their worker;
 * cancelled, limited, waited for by blocking; some of one key, and streams. The pools become larger and
 * smaller meanwhile, are warmed up, and broadcast. Every future has to settle, the pool has to close, and the
 * counts have to add up.
 */
import { moduleTasks, native, QueueFullError, ThreadPoolExecutor } from 'concurrent-futures'

const SECONDS = Number(process.argv[2] ?? 60)
const LOST_AFTER = 30_000
const work = moduleTasks(new URL('./mixed-work.mjs', import.meta.url))

/** An integer from 0, below `n`. */
const pick = (n) => Math.floor(Math.random() * n)
const oneIn = (n) => pick(n) === 0

function options() {
  return {
    maxWorkers: 1 + pick(3),
    tasksPerWorker: 1 + pick(3),
    ...(oneIn(4) ? { maxTasksPerWorker: 2 + pick(20) } : {}),
    ...(oneIn(4) ? { idleTimeout: pick(30) } : {}),
    ...(oneIn(5) ? { maxQueue: 50 } : {}),
  }
}

/** Who blocks this thread for one of these waits for what he keeps from being read. */
const readHere = new WeakSet()

/** Reads a stream, for a while or to its end; its future. */
function readSome(view) {
  const stream = view.with({ bufferSize: 1 + pick(20) }).stream(oneIn(2) ? work.count : work.countLater, pick(60))
  const most = pick(80)
  void (async () => {
    let read = 0
    for await (const value of stream) if (value !== read++ || read > most) break
  })().catch(() => {})
  readHere.add(stream.future)
  return stream.future
}

/** A worker of its own for a few keys; of JavaScript only. */
function submitKeyed(view, i) {
  const keyed = view.with({ affinity: pick(4) })
  const kind = pick(10)
  if (kind < 5) return keyed.submit(work.add, i)
  if (kind < 6) return keyed.submit(work.sleep, pick(4))
  if (kind < 7) return keyed.submit(work.nestKeyed, pick(4))
  if (kind < 8) return keyed.submit(work.nestKeyedBlocking, pick(4))
  return kind < 9 ? readSome(keyed) : keyed.submit(work.spin, pick(300))
}

function submitAny(view, i) {
  if (oneIn(8)) return submitKeyed(view, i)
  if (oneIn(30)) return readSome(view)
  const kind = pick(100)
  if (kind < 35) return view.submit(work.add, i)
  if (kind < 70) return view.submit(native.countPrimes, pick(1_000))
  if (kind < 78) return view.submit(work.spin, pick(500))
  if (kind < 84) return view.submit(work.sleep, pick(5))
  if (kind < 87) return view.submit(work.nest, i)
  if (kind < 89) return view.submit(work.nestBlocking, pick(100))
  if (kind < 90) return view.submit(oneIn(2) ? work.tellAll : work.tellAllBlocking, i)
  if (kind < 92) return view.with(oneIn(2) ? { timeout: 5 } : { totalTimeout: 5 }).submit(work.endless)
  if (kind < 93 && oneIn(6)) return view.submit(work.exit)
  return view.submit(native.xxh3, 'text')
}

/** Changes the workers, waits for some, or has each of them run something: the futures of that. */
function changeWorkers(executor) {
  const kind = pick(4)
  if (kind === 0) executor.resize(1 + pick(4))
  else if (kind === 1) void executor.warmUp(pick(executor.maxWorkers + 1)).catch(() => {})
  else if (oneIn(10)) return executor.with({ timeout: 1 + pick(20) }).broadcast(work.endless)
  else return executor.broadcast(work.add, kind)
  return []
}

async function fill(executor, count, chosen) {
  const futures = []
  for (let i = 0; i < count; i++) {
    let view = executor
    if (oneIn(6)) view = view.with({ timeout: 1 + pick(30) })
    if (oneIn(8)) view = view.with({ queueTimeout: 1 + pick(50) })
    if (oneIn(8)) view = view.with({ totalTimeout: 1 + pick(60) })
    if (oneIn(8)) view = view.with({ priority: pick(5) - 2 })
    try {
      const future = submitAny(view, i)
      futures.push(future)
      if (oneIn(40)) futures.push(...changeWorkers(executor))
      if (oneIn(12)) future.cancel({ interrupt: oneIn(2) })
      if (oneIn(150) && !readHere.has(future)) future.exceptionSync(LOST_AFTER)
    } catch (error) {
      if (error instanceof QueueFullError) await executor.ready()
      else if (error.name !== 'CancelledError') {
        console.error(chosen, executor.stats(), await executor.dump())
        throw error
      }
    }
    if (oneIn(60)) await null
    if (oneIn(100)) await new Promise((resolve) => setImmediate(resolve))
    if (oneIn(100)) executor.stats()
  }
  return futures
}

async function end(executor) {
  const way = pick(4)
  if (way === 0) return executor.shutdown({ cancelFutures: true })
  if (way > 1) return executor.shutdown()
  await new Promise((resolve) => setTimeout(resolve, pick(20)))
  return executor.terminateWorkers()
}

const until = Date.now() + SECONDS * 1_000
let [pools, tasks] = [0, 0]
while (Date.now() < until) {
  const chosen = options()
  const executor = new ThreadPoolExecutor(chosen)
  const limit = setTimeout(async () => {
    console.error('lost', chosen, executor.stats(), await executor.dump())
    process.exit(1)
  }, 2 * LOST_AFTER)
  const futures = await fill(executor, 50 + pick(400), chosen)
  const isEarly = oneIn(2)
  const ending = isEarly ? end(executor) : undefined
  await Promise.all(futures.map((future) => future.exception().catch(() => {})))
  await (ending ?? end(executor))
  clearTimeout(limit)
  const { queued, running, completed, failed, cancelled, timedOut, lost } = executor.stats()
  // Tasks that tasks have submitted count, too.
  if (completed + failed + cancelled + timedOut + lost < futures.length || queued + running > 0) {
    console.error('miscounted', chosen, futures.length, executor.stats())
    process.exit(1)
  }
  pools++
  tasks += futures.length
}
console.log(`${pools} pools, ${tasks} tasks: all settled, all counted`)
