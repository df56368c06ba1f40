/**
 * The futures of this isolate whose tasks live in the addon: the table from slot to future, and the delivery
 * of batches.
 *
 * A batch is taken in two passes. The first stores every outcome and runs no code of the user, so that such
 * code, which may block, submit or collect, can neither overwrite the shared header nor meet a slot that is
 * used again. The second delivers.
 */
import { binding, kinds, numbers, onDeliver, scratch, slots } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import {
  AT_SERVICES,
  FORM_YIELDED,
  FORM_YIELDED_NUMBERS,
  ROW_FORM_SHIFT,
  ROW_KIND_MASK,
  ROW_LET_GO,
  ROW_POOL,
  ROW_PROGRESS,
  ROW_UNSETTLED,
} from '../addon/seam.ts'
import { InvalidStateError } from '../errors/errors.ts'
import {
  completionOf,
  createLinkedFuture,
  deliver,
  deliverProgress,
  setSlot,
  storedOutcome,
  storeOutcome,
} from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { CANCEL } from '../future/states.ts'
import type { TaskLink } from '../future/task-link.ts'
import { whileBlocked } from '../tasks/current-task.ts'
import type { Submittable } from '../tasks/functions.ts'
import { unpack } from '../values/codec.ts'
import { packReason } from '../values/thrown.ts'
import type { PoolKind } from './kind.ts'
import { completeLost } from './lost.ts'
import { noteName, storeRow } from './outcomes.ts'
import { aboutToPark } from './park-hook.ts'
import { listenerOf, serve } from './services.ts'
import { letGo, readerOf } from './stream-reader.ts'
import { noticeFailedStarts } from './worker-exits.ts'

/** The code of the addon's own errors of this class (crates/binding/src/js/fault.rs). */
const INVALID_STATE = 'ERR_FUTURE_INVALID_STATE'

const futures: (Future<any> | undefined)[] = []
/** What their tasks run: held as long as the addon may need it. By the slot, too. */
const submitted: (Submittable | undefined)[] = []

/** The link of all futures of one pool. */
export class PoolLink implements TaskLink<Future<any>> {
  readonly #index: PoolIndex
  readonly kind: PoolKind

  constructor(index: PoolIndex, kind: PoolKind) {
    this.#index = index
    this.kind = kind
  }

  /**
   * The future of a task that is about to be submitted, and was given a name or none. Made before, so that no
   * accepted task is without one.
   */
  prepare(name: string | undefined): Future<any> {
    const future = createLinkedFuture(this)
    if (name !== undefined) noteName(future, name)
    return future
  }

  /** The task was accepted; there is none where only workers are waited for. */
  register(future: Future<any>, slot: number, task: Submittable | undefined): void {
    futures[slot] = future
    submitted[slot] = task
    setSlot(future, slot)
    if (scratch[AT_SERVICES] !== 0) serve()
  }

  state(slot: number): number {
    const state = binding.state(slot)
    if (scratch[AT_SERVICES] !== 0) serve()
    return state
  }

  collect(slot: number, future: Future<any>): boolean {
    requireStack(HEADROOM)
    const value = binding.collect(slot)
    const kind = kinds[0] as number
    if (kind === ROW_UNSETTLED) return false
    // The addon has given the outcome away and keeps none: it is stored before anything can throw.
    const number = numbers[0] as number
    storeRow(future, kind, number, value)
    completeLost(future, kind, number)
    const progress = binding.progress(slot)
    if (progress !== undefined) deliverAll(future, progress)
    return true
  }

  cancel(slot: number, future: Future<any>, interrupt: boolean, reason: unknown): boolean {
    if (!binding.cancel(this.#index.value, slot, false)) {
      if (!interrupt) return false
      // Only a task that runs can hear of the reason. To pack that may call code of the user's.
      const packed = reason === undefined ? undefined : packReason(reason, this.kind.way.reread)
      const stored = storedOutcome(future)
      if (stored !== undefined) return stored.kind === CANCEL
      const isCancelled =
        packed === undefined
          ? binding.cancel(this.#index.value, slot, true)
          : binding.cancel(this.#index.value, slot, true, packed.form, packed.data)
      if (!isCancelled) return false
    }
    storeOutcome(future, CANCEL, reason)
    const progress = binding.progress(slot)
    if (progress !== undefined) deliverAll(future, progress)
    return true
  }

  expire(slot: number): void {
    binding.expire(this.#index.value, slot)
  }

  park(slot: number, left: number): void {
    serve()
    aboutToPark()
    try {
      whileBlocked((token) => binding.park(slot, left, token))
    } catch (error) {
      throw (error as { code?: unknown }).code === INVALID_STATE
        ? new InvalidStateError((error as Error).message)
        : error
    }
    noticeFailedStarts()
    serve()
  }

  release(slot: number): void {
    futures[slot] = undefined
    submitted[slot] = undefined
    binding.release(slot)
  }
}

function deliverAll(future: Future<any>, list: unknown[]): void {
  for (let at = 0; at < list.length; at += 2) {
    const form = list[at] as number
    if (form === FORM_YIELDED_NUMBERS) {
      readerOf(future)?.takeNumbers(list[at + 1] as Float64Array)
      continue
    }
    if ((form & FORM_YIELDED) !== 0) {
      readerOf(future)?.take(form & ~FORM_YIELDED, list[at + 1])
      continue
    }
    let value: unknown
    try {
      value = unpack(form, list[at + 1])
    } catch (error) {
      process.emitWarning(`a value of progress could not be read: ${(error as Error).message}`)
      continue
    }
    deliverProgress(future, value)
  }
}

/** Calls of the stack that it takes to store an outcome. */
const HEADROOM = 24

/**
 * Throws where the stack has no room for so many calls: before an outcome is taken from the addon, which
 * could then not be stored. @throws RangeError
 */
function requireStack(calls: number): number {
  return calls === 0 ? 0 : requireStack(calls - 1) + 1
}

onDeliver((count, values) => {
  const batch: (Future<any> | undefined)[] = new Array(count)
  // What is to be called for the rows that are not simply delivered.
  let others: (() => void)[] | undefined
  for (let row = 0; row < count; row++) {
    const slot = slots[row] as number
    const kind = kinds[row] as number
    const type = kind & ROW_KIND_MASK
    if (type === ROW_POOL) {
      const [listener, event, number] = [listenerOf(slot), kind >> ROW_FORM_SHIFT, numbers[row] as number]
      ;(others ??= [])[row] = () => listener?.(event, number)
      continue
    }
    if (type === ROW_LET_GO) {
      ;(others ??= [])[row] = () => letGo(slot)
      continue
    }
    const future = futures[slot]
    if (future === undefined) continue
    if (type === ROW_PROGRESS) {
      const list = values?.[row] as unknown[]
      ;(others ??= [])[row] = () => deliverAll(future, list)
      continue
    }
    futures[slot] = undefined
    submitted[slot] = undefined
    const number = numbers[row] as number
    storeRow(future, kind, number, values?.[row])
    completeLost(future, kind, number)
    const completion = completionOf(future)
    if (completion === undefined) batch[row] = future
    else (others ??= [])[row] = () => void completion.then(() => deliver(future))
  }
  let failure: { error: unknown } | undefined
  for (let row = 0; row < count; row++) {
    const future = batch[row]
    try {
      if (future !== undefined) deliver(future)
      else others?.[row]?.()
    } catch (error) {
      // The rows after it are to be delivered all the same.
      failure ??= { error }
    }
  }
  if (failure !== undefined) throw failure.error
})
