import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ours, split } from '../contestants.mjs'
import { addOne, calibrate, keepInFlight, oneByOne, percentile } from '../flow.mjs'
import { startRedis } from '../redis.mjs'

const HOST = fileURLToPath(new URL('../peers/distributed/host.mjs', import.meta.url))
const WORKERS = 2
/** So many jobs wait at any time. */
const IN_FLIGHT = 200
/** The lock of the host that has the long job, in ms; the job takes ten times as long. */
const LOCK = 300

async function startHost(parts) {
  const child = spawn(process.execPath, [HOST, JSON.stringify(parts)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  let isEnding = false
  // Nobody would answer any more.
  child.once('exit', (code, signal) => {
    if (!isEnding) throw new Error(`a host has ended with ${signal ?? code}`)
  })
  const ask = async (message) => {
    child.send(message)
    const [answer] = await once(child, 'message')
    return answer
  }
  await once(child, 'message')
  return {
    ask,
    async end() {
      isEnding = true
      child.send('end')
      const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await once(child, 'exit')
      clearTimeout(timer)
    },
  }
}

/**
 * How many iterations take a millisecond, by the fastest of several trials: beside other work they are too
 * few, and each contestant would have a different job.
 */
const millisecond = () => Math.max(...Array.from({ length: 10 }, () => calibrate(1_000)))

/** Jobs a second of so many iterations each. */
async function rate(pool, tasks, iterations) {
  const run = (i) => (iterations === 0 ? pool.run('addOne', i) : pool.run('work', iterations))
  const check = iterations === 0 ? addOne.check : (result) => typeof result === 'number'
  const ms = await keepInFlight(run, { tasks, inFlight: IN_FLIGHT, argument: (i) => i, check })
  return (tasks / ms) * 1_000
}

/** How often a job of ten times the lock is started, and whether its producer gets its result. */
async function longJob(parts, start) {
  const folder = mkdtempSync(join(tmpdir(), 'long-job-'))
  const log = join(folder, 'log')
  writeFileSync(log, '')
  const queue = `long-${randomUUID()}`
  const hosts = [await startHost({ ...parts, queue, workers: 1, lock: LOCK }), await startHost({ ...parts, queue, workers: 1, lock: LOCK })]
  const pool = await start({ queue, port: parts.port })
  const ended = await pool.run('noteAndSpin', [log, 10 * LOCK]).then(
    () => 1,
    () => 0,
  )
  await Promise.all([...hosts.map((host) => host.end()), pool.stop()])
  const starts = readFileSync(log, 'utf8').length
  rmSync(folder, { recursive: true })
  return { starts, ended }
}

export default {
  title: 'Jobs on other machines, by BullMQ and Redis',
  about:
    `A producer, a host with ${WORKERS} workers and a redis-server without a disk, each a process of its own, on the cores of one ` +
    `machine; ${IN_FLIGHT} jobs in flight, of some milliseconds of arithmetic each. BullMQ alone: its processor on the host's event ` +
    'loop, or in its sandboxes, child processes and worker threads. Its producer adds the jobs of a turn in one go and learns ' +
    'results by one listener. Latency: an empty job, the next one when its result is there. The delay is that of the event loop of ' +
    `the host while it runs jobs of 10 ms. The long job takes ten times its lock of ${LOCK} ms, with two hosts: how often it is ` +
    'started, and whether its producer gets the result (1) or an error (0).',
  peers: 'distributed',
  stopsPools: true,
  contestants: [ours, `${ours}:processes`, 'bullmq', 'bullmq:processes', 'bullmq:threads'],
  rows: [
    { key: 'ms0', label: 'empty jobs', unit: 'jobs/s', better: 'higher' },
    { key: 'ms1', label: '1 ms', unit: 'jobs/s', better: 'higher' },
    { key: 'ms10', label: '10 ms', unit: 'jobs/s', better: 'higher' },
    { key: 'ms100', label: '100 ms', unit: 'jobs/s', better: 'higher' },
    { key: 'two', label: '10 ms, two hosts of one worker', unit: 'jobs/s', better: 'higher' },
    { key: 'p50', label: 'latency, p50', unit: 'µs', better: 'lower' },
    { key: 'p99', label: 'latency, p99', unit: 'µs', better: 'lower' },
    { key: 'delay', label: "delay of the host's event loop, p99, ms", better: 'lower' },
    { key: 'starts', label: 'starts of the long job', better: 'lower' },
    { key: 'ended', label: 'the long job has ended well', better: 'higher' },
  ],
  async measure({ start, contestant, quick }) {
    const redis = await startRedis()
    const { name, mode } = split(contestant)
    const parts = { name, mode, port: redis.port, workers: WORKERS }
    const queue = `bench-${randomUUID()}`
    const host = await startHost({ ...parts, queue })
    const pool = await start({ queue, port: redis.port })
    const scale = quick ? 0.1 : 1
    const iterations = millisecond()
    await rate(pool, 1_000, 0)
    await rate(pool, 200, iterations)
    const result = { ms0: await rate(pool, 6_000 * scale, 0), ms1: await rate(pool, 3_000 * scale, iterations) }
    await host.ask('begin')
    result.ms10 = await rate(pool, 600 * scale, 10 * iterations)
    result.delay = await host.ask('delay')
    result.ms100 = await rate(pool, 100 * scale, 100 * iterations)
    const run = (i) => pool.run('addOne', i)
    const times = await oneByOne(run, { tasks: 2_000 * scale, ...addOne })
    Object.assign(result, { p50: percentile(times, 0.5), p99: percentile(times, 0.99) })
    await host.end()
    const two = [await startHost({ ...parts, queue, workers: 1 }), await startHost({ ...parts, queue, workers: 1 })]
    await rate(pool, 200, iterations)
    result.two = await rate(pool, 600 * scale, 10 * iterations)
    await Promise.all([...two.map((one) => one.end()), pool.stop()])
    Object.assign(result, await longJob(parts, start))
    redis.stop()
    return result
  },
}
