/**
 * The life of workers: told on the channel `concurrent-futures:worker`, and logged where NODE_DEBUG says
 * `concurrent-futures`.
 */
import { debuglog } from 'node:util'
import type { DebugLogger } from 'node:util'
import { workerChannel } from './channels.ts'
import type { WorkerMessage } from './channels.ts'

/** Writes to stderr where NODE_DEBUG asks for it. */
export const log: DebugLogger = debuglog('concurrent-futures')

/** Tells what has happened to a worker of this executor. */
export function tellWorker(
  executor: string,
  event: WorkerMessage['event'],
  threadId: number,
  more: { readonly exitCode?: number | undefined; readonly task?: number | undefined } = {},
): void {
  const { exitCode, task } = more
  if (log.enabled) {
    const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`
    const stopped = task === undefined ? '' : ` of task ${task}`
    log('%s: %s %d%s%s', executor, event, threadId, code, stopped)
  }
  if (!workerChannel.hasSubscribers) return
  workerChannel.publish({ executor, event, threadId, exitCode, task } satisfies WorkerMessage)
}

/** Logs what has happened to an executor. */
export function logPool(executor: string, what: string): void {
  if (log.enabled) log('%s: %s', executor, what)
}
