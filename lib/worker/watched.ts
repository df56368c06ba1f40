/** Runs that somebody listens to: what the channel `concurrent-futures:run` is told of them. */
import { threadId } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { runChannels } from '../diagnostics/channels.ts'
import type { RunMessage } from '../diagnostics/channels.ts'
import { carrierIn } from '../diagnostics/label.ts'
import { traceCall, traceEnd } from '../diagnostics/traced.ts'
import type { End } from '../diagnostics/traced.ts'
import { CancelledError } from '../errors/errors.ts'
import { isThenable } from '../host/thenable.ts'
import { setImmediate } from '../host/timers.ts'
import type { runInContext, TaskContext } from '../tasks/current-task.ts'
import { isChild } from '../tasks/recursion.ts'
import { endOf } from './chunk.ts'

type AnyFunction = (...args: any[]) => unknown

/** As `dump()` and the channel of workers call this one. */
const ownNumber = isChild ? process.pid : threadId

function messageOf(context: TaskContext): RunMessage {
  return {
    id: binding.taskId(context.token),
    name: context.name,
    carrier: carrierIn(context.label),
    threadId: ownNumber,
  }
}

/** Calls a function as a part of its task, as `call` does, and tells of that. */
export function watched(call: typeof runInContext): typeof runInContext {
  const traced = (task: TaskContext, fn: AnyFunction, ...args: unknown[]): unknown => {
    const message = messageOf(task)
    return traceCall(runChannels, message, (context) => {
      task.run = { message, context }
      const result = fn(...args)
      if (!isThenable(result)) tellResult(task, message, endOf(fn, result))
      return result
    })
  }
  return ((task: TaskContext, fn: AnyFunction, ...args: unknown[]) =>
    call(task, traced, task, fn, ...args)) as typeof runInContext
}

/** It has returned what is no promise: nothing more is told but the end of the call. */
function tellResult(task: TaskContext, message: RunMessage, end: ReturnType<typeof endOf>): void {
  task.run = undefined
  message.result = end.result
  if (!('error' in end)) return
  message.error = end.error
  runChannels.error.publish(message)
}

/** The promise of a task has settled so. */
export function tellEnd(task: TaskContext, end: End): void {
  const { run } = task
  if (run === undefined) return
  task.run = undefined
  traceEnd(runChannels, run.message, run.context, end, () => {})
}

/** A stop has cut a task off. Told once this isolate is sound: the stop has skipped what ends scopes. */
export function tellStopped(task: TaskContext): void {
  const { run } = task
  if (run === undefined) return
  task.run = undefined
  const { message, context } = run
  setImmediate(() =>
    context.runInAsyncScope(() => {
      message.error = new CancelledError('the task was stopped')
      runChannels.error.publish(message)
      runChannels.end.publish(message)
    }),
  )
}
