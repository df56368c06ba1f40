/** Tasks that each JavaScript worker runs once. */
import { binding, scratch } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import {
  AT_FLAGS,
  AT_FUNCTION,
  AT_TIMEOUT,
  AT_TOTAL_TIMEOUT,
  AT_VALUE_FORM,
  FLAG_LIMITED,
  FORM_AS_IS,
  FORM_PORT,
  FORM_WITH_SHARED,
} from '../addon/seam.ts'
import { areTasksWatched } from '../diagnostics/channels.ts'
import { cancelOnAbort } from '../future/cancel-on-abort.ts'
import type { Future } from '../future/future.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { submittable } from '../tasks/functions.ts'
import type { Submittable } from '../tasks/functions.ts'
import { refuseSubmission, suspicions } from '../tasks/recursion.ts'
import { allGoAsIs, packArgs } from '../values/arguments.ts'
import type { Means } from '../values/means.ts'
import { splitShared } from '../values/shared-arguments.ts'
import { PoolLink } from './completions.ts'
import type { PoolKind } from './kind.ts'
import { cancelledBy, refusalOf, refuseIfOver } from './refusal.ts'
import { watchAll, watchRefusal } from './watched.ts'
import type { Identity } from './watched.ts'

/** See `PoolExecutor.broadcast`. */
export function broadcast(
  index: PoolIndex,
  kind: PoolKind,
  executor: Identity,
  fn: unknown,
  args: readonly unknown[],
  options: CheckedTaskOptions,
): Future<any>[] {
  const prepared = (): Prepared => prepare(index, kind, fn, args, options)
  if (!areTasksWatched()) return submit(prepared()).futures
  const all = watchRefusal(executor, fn, options, prepared)
  if (all.count === 0) return watchRefusal(executor, fn, options, () => submit(all).futures)
  const name = options.name ?? all.task.name
  return watchAll(executor, name, options, all.count, (labels) => submit(all, labels))
}

/** What is known of a broadcast before it is submitted. */
interface Prepared {
  readonly index: PoolIndex
  readonly kind: PoolKind
  readonly task: Submittable
  readonly options: CheckedTaskOptions
  /** For how many workers it is, and how many copies of the arguments there are. */
  readonly count: number
  readonly copies: number
}

function prepare(
  index: PoolIndex,
  kind: PoolKind,
  fn: unknown,
  args: readonly unknown[],
  options: CheckedTaskOptions,
): Prepared {
  const task = submittable(fn)
  if (task.prepare !== undefined) {
    throw new TypeError('a native task cannot be broadcast: no worker keeps anything of it')
  }
  refuseOptions(options)
  if (suspicions() > 0) refuseSubmission()
  const workers = binding.audience(index.value)
  const copies = options.signal?.aborted === true ? 0 : addCopies(args, workers, kind.way.all)
  return { index, kind, task, options, count: workers, copies }
}

interface Submitted {
  readonly futures: Future<any>[]
  /** Of the tasks, as far as they were submitted. */
  readonly ids: readonly number[]
}

function submit({ index, kind, task, options, count, copies }: Prepared, given?: string[]): Submitted {
  const { name, label, signal, timeout, totalTimeout } = options
  // It may have aborted since: who watches submissions runs code of the user's.
  if (signal?.aborted === true) {
    binding.dropCopies(copies)
    return { futures: cancelled(index, kind, signal, count), ids: [] }
  }
  const link = new PoolLink(index, kind)
  const prepared = Array.from({ length: count }, () => link.prepare(name))
  const labels = given ?? (label === undefined ? undefined : prepared.map(() => label))
  scratch[AT_FUNCTION] = task.number
  scratch[AT_FLAGS] = FLAG_LIMITED
  scratch[AT_TIMEOUT] = timeout
  scratch[AT_TOTAL_TIMEOUT] = totalTimeout
  const answer =
    labels === undefined
      ? binding.broadcast(index.value, count)
      : binding.broadcast(index.value, count, labels)
  if (typeof answer === 'number') throw refusalOf(index.value, kind, answer)
  // A worker may have gone since they were counted.
  const futures = prepared.slice(0, answer.length / 2)
  for (const [at, future] of futures.entries()) link.register(future, answer[at] as number, task)
  if (signal !== undefined) for (const future of futures) cancelOnAbort(future, signal)
  return { futures, ids: answer.slice(futures.length) }
}

function refuseOptions(options: CheckedTaskOptions): void {
  for (const option of ['transfer', 'affinity'] as const) {
    if (options[option] !== undefined) {
      throw new TypeError(`broadcast takes no ${option}: every worker gets a copy, and runs it once`)
    }
  }
}

/** Makes a copy of the arguments for each worker; gives back how many. */
function addCopies(args: readonly unknown[], count: number, means: Means): number {
  let added = 0
  try {
    for (; added < count; added++) addCopy(args, means)
    // What cannot be cloned is an error for nobody, too.
    if (count === 0 && !allGoAsIs(args)) packArgs(splitShared(args, means)?.others ?? args, means)
    return count
  } catch (error) {
    binding.dropCopies(added)
    throw error
  }
}

function addCopy(args: readonly unknown[], means: Means): void {
  if (allGoAsIs(args)) {
    scratch[AT_VALUE_FORM] = FORM_AS_IS
    binding.addCopy(...args)
    return
  }
  const split = splitShared(args, means)
  // This may run code of the user's.
  const { form, data } = packArgs(split?.others ?? args, means)
  if (form === FORM_PORT) {
    const message = 'what only a MessagePort can carry cannot be broadcast: it is handed over to one worker'
    throw new DOMException(message, 'DataCloneError')
  }
  if (split === undefined) {
    scratch[AT_VALUE_FORM] = form
    binding.addCopy(data)
  } else {
    scratch[AT_VALUE_FORM] = form | FORM_WITH_SHARED
    binding.addCopy(data, split.places)
  }
}

/** The signal has aborted: none of them runs. */
function cancelled(
  { value: pool }: PoolIndex,
  kind: PoolKind,
  signal: AbortSignal,
  count: number,
): Future<any>[] {
  refuseIfOver(pool, kind)
  return Array.from({ length: count }, () => cancelledBy(signal, pool))
}
