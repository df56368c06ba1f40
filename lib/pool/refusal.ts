/** Why a pool takes no task: the answers of the addon, and the errors that are made of them. */
import { binding, scratch } from '../addon/binding.ts'
import {
  AT_FORM,
  AT_REFUSAL,
  REFUSED_BROKEN,
  REFUSED_FULL,
  REFUSED_NO_CLOCK,
  REFUSED_SHUT_DOWN,
} from '../addon/seam.ts'
import { InvalidStateError, QueueFullError } from '../errors/errors.ts'
import { Future } from '../future/future.ts'
import { unpackThrown } from '../values/thrown.ts'
import { brokenPool } from './broken-pool.ts'
import type { PoolKind } from './kind.ts'

/** How a submission would be refused now, as `binding.submit` says it, or 0. */
export function answerNow(pool: number): number {
  binding.refusal(pool)
  return scratch[AT_REFUSAL] as number
}

/** The error of a submission that was answered so. */
export function refusalOf(pool: number, kind: PoolKind, answer: number): Error {
  if (answer === REFUSED_FULL) return new QueueFullError()
  if (answer === REFUSED_NO_CLOCK) {
    const message = 'the system refuses a thread: nobody would watch the time-outs of the task'
    return Object.assign(new Error(message), { code: 'EAGAIN' })
  }
  if (answer !== REFUSED_BROKEN) return shutDownError()
  const cause = binding.refusal(pool)
  const options = cause === undefined ? undefined : { cause: unpackThrown(scratch[AT_FORM] as number, cause) }
  return brokenPool(kind, 'the pool cannot run tasks any more', options)
}

/** Throws what `submit` would throw of a pool that takes no tasks any more. */
export function refuseIfOver(pool: number, kind: PoolKind): void {
  const answer = answerNow(pool)
  if (answer === REFUSED_BROKEN || answer === REFUSED_SHUT_DOWN) throw refusalOf(pool, kind, answer)
}

/** The future of a task whose signal has aborted before it was submitted. */
export function cancelledBy(signal: AbortSignal, pool: number): Future<any> {
  const future = new Future<any>()
  future.cancel({ reason: signal.reason })
  binding.countCancelled(pool)
  return future
}

export function shutDownError(): InvalidStateError {
  return new InvalidStateError('cannot schedule new futures after shutdown')
}
