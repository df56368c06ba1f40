/** Waiting for workers without having tasks for them. */
import { binding } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import { BrokenExecutor, CancelledError } from '../errors/errors.ts'
import { refuseWarmUp } from '../tasks/recursion.ts'
import { brokenPool } from './broken-pool.ts'
import { PoolLink } from './completions.ts'
import type { PoolKind } from './kind.ts'
import { refusalOf, shutDownError } from './refusal.ts'

/** Resolves when so many workers are ready for tasks; see `PoolExecutor.warmUp`. */
export async function warmUp(index: PoolIndex, kind: PoolKind, workers: number): Promise<void> {
  refuseWarmUp()
  const link = new PoolLink(index, kind)
  const future = link.prepare(undefined)
  const slot = binding.warmUp(index.value, workers)
  if (slot < 0) throw refusalOf(index.value, kind, slot)
  link.register(future, slot, undefined)
  try {
    await future.result()
  } catch (error) {
    // Nobody else has the future.
    if (error instanceof CancelledError) throw shutDownError()
    if (!(error instanceof BrokenExecutor)) throw error
    throw brokenPool(kind, 'the pool could not start its workers', { cause: error.cause })
  }
}
