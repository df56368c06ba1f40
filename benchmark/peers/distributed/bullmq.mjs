import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Queue, QueueEvents, Worker } from 'bullmq'
import * as functions from '../../tasks/functions.mjs'

/** What runs the processor: the event loop of the host, or BullMQ's sandboxes. */
export const modes = {
  default: { processor: 'inline' },
  processes: { processor: 'child processes' },
  threads: { processor: 'worker threads' },
}

const SANDBOX = fileURLToPath(new URL('./processor.mjs', import.meta.url))

/**
 * Adds jobs, those of a turn in one go, and learns of their results by one listener: job.waitUntilFinished()
 * does three more questions a job.
 */
export async function start({ queue: name, port }) {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
  const queue = new Queue(name, { connection })
  // From the first event on: a listener that begins "now" is ready some time before it listens.
  const events = new QueueEvents(name, { connection, lastEventId: '0' })
  const waiting = new Map()
  events.on('completed', ({ jobId, returnvalue }) => {
    waiting.get(jobId)?.resolve(returnvalue)
    waiting.delete(jobId)
  })
  events.on('failed', ({ jobId, failedReason }) => {
    waiting.get(jobId)?.reject(new Error(failedReason))
    waiting.delete(jobId)
  })
  let turn = []
  const add = () => {
    const jobs = turn
    turn = []
    queue.addBulk(jobs).catch((error) => {
      throw error
    })
  }
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
  return {
    run: (name, argument) => {
      const jobId = randomUUID()
      if (turn.length === 0) setImmediate(add)
      turn.push({ name, data: argument, opts: { jobId, removeOnComplete: { count: 1_000 }, attempts: 1 } })
      return new Promise((resolve, reject) => waiting.set(jobId, { resolve, reject }))
    },
    stop: () => Promise.all([queue.close(), events.close()]),
  }
}

export async function host({ mode, queue, port, workers, lock }) {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
  const processor = mode === 'default' ? async ({ name, data }) => functions[name](data) : SANDBOX
  const times = lock === undefined ? {} : { lockDuration: lock, stalledInterval: lock }
  const options = { connection, concurrency: workers, useWorkerThreads: mode === 'threads', ...times }
  const worker = new Worker(queue, processor, options)
  worker.on('error', () => {})
  await worker.waitUntilReady()
  return () => worker.close(true)
}
