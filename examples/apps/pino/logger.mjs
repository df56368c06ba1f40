// A logger for the main thread and for tasks alike: what a task writes has its name, its id and its executor.
import { channel } from 'node:diagnostics_channel'
import { currentExecutor, currentTask } from 'concurrent-futures'
import pino from 'pino'

// A worker has one executor for as long as it lives.
let executor

function mixin() {
  const task = currentTask()
  if (task === null) return {}
  executor ??= currentExecutor().stats().name
  return { executor, task: task.name, taskId: task.id }
}

/** Synchronous, which is not pino's default: a worker may end before an asynchronous one has written. */
export const makeLogger = () => pino({ mixin }, pino.destination({ dest: 1, sync: true }))

/** Logs what fails and what becomes of workers, of all executors that are made in this thread. */
export function logEvents(log) {
  channel('tracing:concurrent-futures:task:error').subscribe(({ executor, name: task, id: taskId, error: err }) => {
    const level = err?.code === 'ERR_FUTURE_CANCELLED' ? 'debug' : 'warn'
    log[level]({ executor, task, taskId, err }, taskId === undefined ? 'a task was refused' : 'a task has failed')
  })
  channel('concurrent-futures:worker').subscribe(({ executor, event, threadId, exitCode, task: taskId }) => {
    const isBad = event === 'abandon' || (event === 'exit' && (exitCode ?? 0) !== 0)
    log[isBad ? 'error' : 'info']({ executor, event, threadId, exitCode, taskId }, 'a worker')
  })
}
