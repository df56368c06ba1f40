/**
 * node --import @oxc-node/core/register __test__/stress/bullmq-faults.mjs [SECONDS] [SEED]: jobs of all kinds
 * on three hosts in processes of their own, of which now one is killed, now one stands still, and now Redis
 * is killed, stands still or cuts its connections. Each future has to end once, and as what was done to its
 * job allows; no job may be started more often than its attempts say.
 *
 * Then, for root on Linux, two hosts in network namespaces, of which one loses its link.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CancelledError, TimeoutError, wait, WorkerLostError } from 'concurrent-futures'
import { BullMQExecutor } from 'concurrent-futures/bullmq'
import { jobs } from '../fixtures/jobs.mjs'
import { Host } from '../hosts.ts'
import { RedisServer } from '../redis.ts'

const [seconds = 60, seed = 1] = process.argv.slice(2).map(Number)
const modules = { jobs: new URL('../fixtures/jobs.mjs', import.meta.url).href }
const workerOptions = { lockDuration: 1_500, stalledInterval: 500 }
const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
/** What is ended in the end, the last first. */
const endings = [() => rmSync(folder, { recursive: true, force: true })]
const owner = { teardown: (end) => endings.unshift(end) }
const wrong = []

let state = seed
const below = (limit) => {
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % limit
}

const log = join(folder, 'log')
const notes = () => readFileSync(log, 'utf8').split('\n').filter(Boolean)

/** Of a thousand jobs so many are of this kind. */
const KINDS = { spinsFor: 900, startsAndThrows: 60, startsAndSpins: 35, poison: 5 }

function kind() {
  let left = below(1000)
  return Object.entries(KINDS).find(([, share]) => (left -= share) < 0)[0]
}

async function chaos() {
  writeFileSync(log, '')
  const redis = await RedisServer.start({ appendonly: true })
  owner.teardown(() => redis.end())
  const queue = 'chaos'
  const executor = new BullMQExecutor({ queue, connection: redis.url, modules })
  owner.teardown(() => executor.terminateWorkers())
  const hosts = []
  let isOver = false

  const host = async (place, kind) => {
    while (!isOver) {
      const one = await Host.start(owner, { url: redis.url, queue, modules, kind, pool: { maxWorkers: 2 }, workerOptions })
      hosts[place] = one
      // It may have been killed, or been ended by a job.
      await one.ended()
    }
  }
  for (const [place, kind] of ['thread', 'thread', 'process'].entries()) void host(place, kind)
  while (hosts.filter(Boolean).length < 3) await sleep(50)

  const faults = {
    killed: () => hosts[below(3)].kill(),
    stopped: async () => {
      const one = hosts[below(3)]
      one.pause()
      await sleep(below(4_000))
      one.resume()
    },
    redisKilled: async () => {
      await redis.kill()
      await sleep(below(4_000))
      await redis.start()
    },
    redisStopped: async () => {
      redis.pause()
      await sleep(below(3_000))
      redis.resume()
    },
    cut: () => redis.cutConnections(),
  }
  const counts = Object.fromEntries(Object.keys(faults).map((name) => [name, 0]))
  const end = performance.now() + seconds * 1e3
  const faulty = (async () => {
    while (performance.now() < end) {
      await sleep(500 + below(4_000))
      const name = Object.keys(faults)[below(5)]
      counts[name]++
      await faults[name]()
    }
  })()

  const all = []
  const submit = () => {
    const [number, what, attempts] = [all.length, kind(), 1 + below(3)]
    const limits = what === 'startsAndSpins' ? { timeout: 100 + below(200) } : below(10) === 0 ? { totalTimeout: 1_000 + below(5_000) } : {}
    const future = executor.with({ ...limits, jobOptions: { attempts } }).submit(jobs[what], log, `job ${number}`, below(20))
    const one = { number, what, attempts, limits, future, ends: 0, isCancelled: false }
    future.addDoneCallback(() => one.ends++)
    all.push(one)
    if (below(20) === 0) setTimeout(() => (one.isCancelled ||= future.cancel({ interrupt: below(2) === 0 })), below(1_000)).unref()
  }
  while (performance.now() < end) {
    const { queued, running } = executor.stats()
    for (let left = Math.max(0, 200 - queued - running); left > 0; left--) submit()
    await sleep(50)
  }
  await faulty
  // Killed and stopped ones come back; what hangs is a fault.
  const { notDone } = await wait(
    all.map(({ future }) => future),
    { timeout: 120_000 },
  )
  isOver = true
  for (const { number, what, future } of all) if (notDone.has(future)) wrong.push([number, what, 'has not ended', future.state])

  const starts = new Map()
  for (const note of notes()) starts.set(note, (starts.get(note) ?? 0) + 1)
  const ends = { fulfilled: 0, failed: 0, cancelled: 0, timedOut: 0, lost: 0, again: 0 }
  for (const one of all) {
    if (notDone.has(one.future)) continue
    const { number, what, attempts, limits, future, isCancelled } = one
    const started = starts.get(`job ${number}`) ?? 0
    const error = await future.exception().catch((error) => error)
    const about = [number, what, `${started} of ${attempts} starts`, String(error)]
    if (one.ends !== 1) wrong.push([...about, `has ended ${one.ends} times`])
    if (started > attempts) wrong.push([...about, 'was started too often'])
    if (started > 1) ends.again++
    let isRight = true
    if (error === null) {
      ends.fulfilled++
      isRight = !isCancelled && what === 'spinsFor' && started >= 1 && future.resultSync() === `job ${number}`
    } else if (error instanceof CancelledError) {
      ends.cancelled++
      isRight = isCancelled
    } else if (error instanceof TimeoutError) {
      ends.timedOut++
      isRight = limits.totalTimeout !== undefined || what === 'startsAndSpins'
    } else if (error instanceof WorkerLostError) {
      ends.lost++
      isRight = !isCancelled
    } else {
      ends.failed++
      isRight = what === 'startsAndThrows' && error instanceof RangeError && error.message === `job ${number}` && !isCancelled
    }
    if (!isRight) wrong.push(about)
  }
  console.log(`${all.length} jobs: ${JSON.stringify(ends)}; faults: ${JSON.stringify(counts)}`)
}

const ip = (...args) => execFileSync('ip', args, { stdio: 'ignore' })

async function network() {
  writeFileSync(log, '')
  const gate = join(folder, 'gate')
  const addresses = []
  for (const n of [1, 2]) {
    ip('netns', 'add', `cf-test-${n}`)
    owner.teardown(() => ip('netns', 'del', `cf-test-${n}`))
    ip('link', 'add', `cf-out-${n}`, 'type', 'veth', 'peer', 'name', `cf-in-${n}`, 'netns', `cf-test-${n}`)
    ip('addr', 'add', `10.213.${n}.1/24`, 'dev', `cf-out-${n}`)
    ip('link', 'set', `cf-out-${n}`, 'up')
    const inside = ['-n', `cf-test-${n}`]
    ip(...inside, 'addr', 'add', `10.213.${n}.2/24`, 'dev', `cf-in-${n}`)
    ip(...inside, 'link', 'set', `cf-in-${n}`, 'up')
    addresses.push(`10.213.${n}.1`)
  }
  const redis = await RedisServer.start({ addresses })
  owner.teardown(() => redis.end())
  const queue = 'network'
  const executor = new BullMQExecutor({ queue, connection: redis.url, modules })
  owner.teardown(() => executor.terminateWorkers())
  const host = (n) =>
    Host.start(owner, { url: `redis://10.213.${n}.1:${redis.port}`, queue, modules, workerOptions, namespace: `cf-test-${n}` })
  const until = async (condition, what) => {
    const end = performance.now() + 60_000
    while (!condition()) {
      if (performance.now() > end) throw new Error(`not within a minute: ${what}`)
      await sleep(10)
    }
  }
  const first = await host(1)
  const again = executor.with({ jobOptions: { attempts: 2 } }).submit(jobs.startsAndWaits, log, 'again', gate)
  await until(() => notes().length === 1, 'it runs on the first')
  await host(2)
  ip('link', 'set', 'cf-out-1', 'down')
  const start = performance.now()
  await until(() => notes().length === 2, 'it runs on the second')
  const taken = performance.now() - start
  ip('link', 'set', 'cf-out-1', 'up')
  writeFileSync(gate, '')
  if ((await again.result(60_000)) !== 'again') wrong.push(['network', 'another result'])
  let isBack = false
  const end = performance.now() + 120_000
  while (!isBack && performance.now() < end) {
    const pids = await Promise.all(Array.from({ length: 20 }, () => executor.submit(jobs.pid).result(60_000)))
    isBack = pids.includes(first.pid)
  }
  if (!isBack) wrong.push(['network', 'the first host takes no jobs any more'])
  if (notes().length !== 2) wrong.push(['network', `${notes().length} starts`])
  console.log(`a host without network: its job was started elsewhere after ${(taken / 1e3).toFixed(1)} s`)
}

try {
  await chaos()
  if (process.platform === 'linux' && process.getuid() === 0) await network()
  else console.log('network namespaces are left out: they are of Linux, and for root')
} finally {
  for (const ending of endings) await ending()
}
for (const one of wrong) console.log('WRONG', one.join(', '))
console.log(wrong.length === 0 ? 'nothing wrong' : `${wrong.length} wrong`)
process.exitCode = wrong.length === 0 ? 0 : 1
