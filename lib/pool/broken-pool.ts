import type { BrokenExecutor } from '../errors/errors.ts'
import type { PoolKind } from './kind.ts'

/**
 * The error of a pool that cannot do something, whose message gives the cause's too: logs often show no more.
 */
export function brokenPool(
  kind: PoolKind,
  what: string,
  options: { cause?: unknown } | undefined,
): BrokenExecutor {
  const cause = options?.cause
  return new kind.Broken(
    cause instanceof Error && cause.message !== '' ? `${what}: ${cause.message}` : what,
    options,
  )
}
