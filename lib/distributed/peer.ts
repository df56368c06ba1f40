/**
 * BullMQ, which the user has installed beside a client for Redis: the only file that knows the package. It is
 * required, since an `await` at the top would keep this entry from being required itself; and it is asked for
 * by the importing of this file, so that what is missing is said there.
 */
import { createRequire } from 'node:module'
import type * as BullMQ from 'bullmq'

export type { ConnectionOptions, IRedisClient, Job, JobsOptions, WorkerOptions } from 'bullmq'

const MISSING =
  'concurrent-futures/bullmq needs bullmq, and ioredis or redis as its client for Redis: ' +
  'npm install bullmq ioredis'
const OLDEST = 6

// In the bundle it is the `require` of CommonJS, which may be that of a runner of tests.
const load = createRequire(import.meta.url) as (name: string) => unknown

function loadPeer(): typeof BullMQ {
  try {
    return load('bullmq') as typeof BullMQ
  } catch (error) {
    throw isMissing(error) ? new Error(MISSING, { cause: error }) : error
  }
}

/** Whether bullmq itself is not there; what it lacks in turn is named by its own error. */
function isMissing(error: unknown): boolean {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown }
  const isNotFound = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
  return isNotFound && /^Cannot find \w+ 'bullmq'/.test(String(message))
}

const peer: typeof BullMQ = loadPeer()
// What only newer versions have.
if (typeof peer.createRedisBackend !== 'function') {
  throw new Error(`concurrent-futures/bullmq needs bullmq ${OLDEST} or newer: npm install bullmq`)
}

export const Queue: typeof BullMQ.Queue = peer.Queue
export type Queue = BullMQ.Queue
export const QueueEvents: typeof BullMQ.QueueEvents = peer.QueueEvents
export type QueueEvents = BullMQ.QueueEvents
export const QueueKeys: typeof BullMQ.QueueKeys = peer.QueueKeys
export const UnrecoverableError: typeof BullMQ.UnrecoverableError = peer.UnrecoverableError
export const WaitingError: typeof BullMQ.WaitingError = peer.WaitingError
export const Worker: typeof BullMQ.Worker = peer.Worker
export type Worker = BullMQ.Worker
