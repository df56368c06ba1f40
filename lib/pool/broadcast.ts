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
import { cancelOnAbort } from '../future/cancel-on-abort.ts'
import type { Future } from '../future/future.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { submittable } from '../tasks/functions.ts'
import { refuseSubmission, suspicions } from '../tasks/recursion.ts'
import { allGoAsIs, packArgs } from '../values/arguments.ts'
import type { Means } from '../values/means.ts'
import { splitShared } from '../values/shared-arguments.ts'
import { PoolLink } from './completions.ts'
import type { PoolKind } from './kind.ts'
import { cancelledBy, refusalOf, refuseIfOver } from './refusal.ts'

/** See `PoolExecutor.broadcast`. */
export function broadcast(
  index: PoolIndex,
  kind: PoolKind,
  fn: unknown,
  args: readonly unknown[],
  options: CheckedTaskOptions,
): Future<any>[] {
  const task = submittable(fn)
  if (task.prepare !== undefined) {
    throw new TypeError('a native task cannot be broadcast: no worker keeps anything of it')
  }
  refuseOptions(options)
  if (suspicions > 0) refuseSubmission()
  const { name, signal, timeout, totalTimeout } = options
  if (signal?.aborted === true) return cancelled(index, kind, signal)
  const count = addCopies(args, binding.audience(index.value), kind.way.all)
  const link = new PoolLink(index, kind)
  const prepared = Array.from({ length: count }, () => link.prepare(name))
  scratch[AT_FUNCTION] = task.number
  scratch[AT_FLAGS] = FLAG_LIMITED
  scratch[AT_TIMEOUT] = timeout
  scratch[AT_TOTAL_TIMEOUT] = totalTimeout
  const slots =
    name === undefined
      ? binding.broadcast(index.value, count)
      : binding.broadcast(index.value, count, name)
  if (typeof slots === 'number') throw refusalOf(index.value, kind, slots)
  // A worker may have gone since they were counted.
  const futures = prepared.slice(0, slots.length)
  for (const [at, future] of futures.entries()) link.register(future, slots[at] as number, task)
  if (signal !== undefined) for (const future of futures) cancelOnAbort(future, signal)
  return futures
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
function cancelled({ value: pool }: PoolIndex, kind: PoolKind, signal: AbortSignal): Future<any>[] {
  refuseIfOver(pool, kind)
  return Array.from({ length: binding.audience(pool) }, () => cancelledBy(signal, pool))
}
