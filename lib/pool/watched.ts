/** Submissions that somebody listens to: what the channel `concurrent-futures:task` is told of them. */
import type { AsyncResource } from 'node:async_hooks'
import { taskChannels } from '../diagnostics/channels.ts'
import type { TaskMessage } from '../diagnostics/channels.ts'
import { carrierIn, labelOf } from '../diagnostics/label.ts'
import type { Carrier } from '../diagnostics/label.ts'
import { traceCall, traceEnd } from '../diagnostics/traced.ts'
import type { End } from '../diagnostics/traced.ts'
import type { ChunkResult } from '../executor/map-feed.ts'
import type { ExecutorStats } from '../executor/stats.ts'
import { isDelivered, storedOutcome, watchDelivery } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { VALUE } from '../future/states.ts'
import type { StoredOutcome } from '../future/states.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import type { Submittable } from '../tasks/functions.ts'

/** What `stats()` and the channels call an executor. */
export interface Identity {
  readonly name: string
  readonly kind: ExecutorStats['kind']
}

/** Submits a task, with these options. */
export type Submit = (task: Submittable, options: CheckedTaskOptions) => Future<any>

function messageOf(executor: Identity, name: string, { label, priority }: CheckedTaskOptions): TaskMessage {
  return {
    executor: executor.name,
    kind: executor.kind,
    id: undefined,
    name,
    priority,
    // That of a job has come from another machine.
    carrier: carrierIn(label) ?? (Object.create(null) as Carrier),
  }
}

/** The name of what was given as a function. */
function nameOfGiven(fn: unknown): string {
  const name = typeof fn === 'function' ? (fn.name as unknown) : ''
  return typeof name === 'string' ? name : ''
}

/** Submits what `find` finds for `fn`, by `submit`; also what is not found, or is refused, is told. */
export function watch(
  executor: Identity,
  find: () => Submittable,
  fn: unknown,
  options: CheckedTaskOptions,
  submit: Submit,
  isChunk: boolean = false,
): Future<any> {
  let task: Submittable | undefined
  let failure: { readonly error: unknown } | undefined
  try {
    task = find()
  } catch (error) {
    failure = { error }
  }
  const message = messageOf(executor, options.name ?? task?.name ?? nameOfGiven(fn), options)
  // A subscriber may put something else into its place.
  const { carrier } = message
  let context: AsyncResource | undefined
  const future = traceCall(taskChannels, message, (given) => {
    if (failure !== undefined) throw failure.error
    context = given
    const label = labelOf(options.name, carrier)
    return submit(task as Submittable, { ...options, label, watched: message })
  })
  watchEnd(future, message, context as unknown as AsyncResource, isChunk)
  return future
}

/** Has the end of a task told when it is delivered. */
function watchEnd(
  future: Future<any>,
  message: TaskMessage,
  context: AsyncResource,
  isChunk: boolean = false,
): void {
  const around = (deliver: () => void): void => {
    traceEnd(taskChannels, message, context, endOf(storedOutcome(future), isChunk), deliver)
  }
  if (isDelivered(future)) around(() => {})
  else watchDelivery(future, around)
}

function endOf(outcome: StoredOutcome | undefined, isChunk: boolean): End {
  const value: unknown = outcome?.value
  if (outcome?.kind !== VALUE) return { error: value }
  if (!isChunk) return { result: value }
  const { failed, values, error } = value as ChunkResult
  // A copy: the map forgets each as soon as it has been read.
  const result = values.slice()
  return failed ? { result, error } : { result }
}

/**
 * Submits a task for each of `count` workers, by `submit`, which gives their futures and ids. Each is told as
 * one of its own.
 */
export function watchAll(
  executor: Identity,
  name: string,
  options: CheckedTaskOptions,
  count: number,
  submit: (labels: string[]) => { readonly futures: Future<any>[]; readonly ids: readonly number[] },
): Future<any>[] {
  const messages = Array.from({ length: count }, () => messageOf(executor, name, options))
  const carriers = messages.map(({ carrier }) => carrier)
  const contexts: AsyncResource[] = []
  const from = (at: number): Future<any>[] => {
    const message = messages[at]
    if (message !== undefined) {
      return traceCall(taskChannels, message, (context) => {
        contexts.push(context)
        return from(at + 1)
      })
    }
    const { futures, ids } = submit(carriers.map((carrier) => labelOf(options.name, carrier) as string))
    for (const [place, each] of messages.entries()) each.id = ids[place]
    return futures
  }
  const futures = from(0)
  for (const [at, future] of futures.entries()) {
    watchEnd(future, messages[at] as TaskMessage, contexts[at] as AsyncResource)
  }
  return futures
}

/** Calls `prepare`, what comes before such a submission; if that is refused it is told as one. */
export function watchRefusal<T>(
  executor: Identity,
  fn: unknown,
  options: CheckedTaskOptions,
  prepare: () => T,
): T {
  try {
    return prepare()
  } catch (error) {
    const message = messageOf(executor, options.name ?? nameOfGiven(fn), options)
    return traceCall(taskChannels, message, () => {
      throw error
    })
  }
}
